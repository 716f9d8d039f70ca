#!/usr/bin/env python3
"""Verifies a Wardgate audit log on its own: nothing of Wardgate's is used, only Python's standard library and `openssl`.

    verify_log.py log DIRECTORY KEY [--remembered NOTE]      a log's directory, to the last entry
    verify_log.py proof FILE KEY ENTRY                       one entry's proof, without the log

KEY is the log's verifier key (`NAME+ID+BASE64`) or a file with it, NOTE a checkpoint that was kept elsewhere, ENTRY a file
with the entry's bytes. It ends with 0 when all is well, 3 with a line for each finding, 1 when it cannot tell (a file that is
named is not there, `openssl` is missing), 2 when it is called wrongly.

The formats are public: RFC 6962 (the tree), and of C2SP signed-note, tlog-checkpoint, tlog-tiles and tlog-proof.
The functions can be imported; none of them keeps anything between calls.
"""

import argparse
import base64
import binascii
import hashlib
import os
import stat
import subprocess
import sys
import tempfile

FULL = 256
HASH = 32
NOTE_MAX = 256 * 1024
FILE_MAX = 64 * 1024 * 1024
SIGNATURES_MAX = 64
EMPTY_ROOT = hashlib.sha256(b"").digest()


class Wrong(Exception):
    """What was found wrong, for people."""


class Cannot(Exception):
    """Why nothing can be said, for people."""


class Called(Exception):
    """What is wrong of how it was called, for people."""


# The tree (RFC 6962, section 2.1)


def leaf_hash(entry):
    return hashlib.sha256(b"\x00" + entry).digest()


def node_hash(left, right):
    return hashlib.sha256(b"\x01" + left + right).digest()


def tree_root(leaves):
    """The root over hashes of leaves: whole parts from the left, folded from the right."""
    peaks = []  # (height, hash), the highest first
    for leaf in leaves:
        height = 0
        while peaks and peaks[-1][0] == height:
            leaf = node_hash(peaks.pop()[1], leaf)
            height += 1
        peaks.append((height, leaf))
    if not peaks:
        return EMPTY_ROOT
    root = peaks.pop()[1]
    while peaks:
        root = node_hash(peaks.pop()[1], root)
    return root


def root_by_definition(leaves):
    """The same, word for word as the standard defines it: split at the largest power of two below."""
    if len(leaves) < 2:
        return leaves[0] if leaves else EMPTY_ROOT
    split = 1
    while split * 2 < len(leaves):
        split *= 2
    return node_hash(root_by_definition(leaves[:split]), root_by_definition(leaves[split:]))


def inclusion_holds(leaf, index, size, path, root):
    """RFC 9162, section 2.1.3.2."""
    if index >= size:
        return False
    number, last, reached = index, size - 1, leaf
    for beside in path:
        if last == 0:
            return False
        if number & 1 or number == last:
            reached = node_hash(beside, reached)
            while number and not number & 1:
                number, last = number >> 1, last >> 1
        else:
            reached = node_hash(reached, beside)
        number, last = number >> 1, last >> 1
    return last == 0 and reached == root


def consistency_holds(older, newer, path, older_root, newer_root):
    """RFC 9162, section 2.1.4.2; nothing to show for a tree of nothing, and for one that did not change."""
    if older == 0 or older == newer:
        return not path and older_root == (newer_root if older == newer else EMPTY_ROOT)
    if older > newer or not path:
        return False
    if older & (older - 1) == 0:
        path = [older_root] + path
    number, last = older - 1, newer - 1
    while number & 1:
        number, last = number >> 1, last >> 1
    before = after = path[0]
    for beside in path[1:]:
        if last == 0:
            return False
        if number & 1 or number == last:
            before, after = node_hash(beside, before), node_hash(beside, after)
            while number and not number & 1:
                number, last = number >> 1, last >> 1
        else:
            after = node_hash(after, beside)
        number, last = number >> 1, last >> 1
    return last == 0 and before == older_root and after == newer_root


# Signed notes and checkpoints


def decode(text, what):
    try:
        found = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise Wrong(f"{what} is not in base64") from None
    if base64.b64encode(found).decode() != text:
        raise Wrong(f"{what} is not in base64 as it must be written")
    return found


def parse_key(text):
    """A verifier key: its name, its id, its 32 bytes."""
    parts = text.strip().split("+", 2)
    if len(parts) != 3 or not parts[0]:
        raise Wrong("the key is not `NAME+ID+BASE64`")
    name, key_id, key = parts[0], parts[1], decode(parts[2], "the key")
    if len(key) != 33 or key[0] != 1:
        raise Wrong("the key is not one of Ed25519")
    wanted = hashlib.sha256(name.encode() + b"\n" + key).digest()[:4]
    if wanted.hex() != key_id:
        raise Wrong("the key's id is not that of the key")
    return name, wanted, key[1:]


def signature_holds(public, text, signature):
    """Ed25519, as OpenSSL sees it."""
    with tempfile.TemporaryDirectory() as place:
        files = {"key": bytes.fromhex("302a300506032b6570032100") + public, "text": text, "signature": signature}
        for name, content in files.items():
            with open(os.path.join(place, name), "wb") as file:
                file.write(content)
        command = "openssl pkeyutl -verify -pubin -keyform DER -inkey key -rawin -in text -sigfile signature"
        try:
            done = subprocess.run(command.split(), cwd=place, capture_output=True, check=False)
        except OSError as error:
            raise Cannot(f"openssl cannot be run: {error.strerror}") from None
    return done.returncode == 0


def open_note(note, key):
    """The text of a note, which the key must have signed."""
    name, key_id, public = key
    if len(note) > NOTE_MAX:
        raise Wrong("the note is too long")
    try:
        whole = note.decode()
    except UnicodeDecodeError:
        raise Wrong("the note is not UTF-8") from None
    if any(c < " " and c != "\n" for c in whole):
        raise Wrong("the note has control characters")
    at = whole.rfind("\n\n")
    if at < 1 or not whole.endswith("\n"):
        raise Wrong("the note has no signatures")
    text, lines = whole[: at + 1], whole[at + 2 : -1].split("\n")
    if len(lines) > SIGNATURES_MAX:
        raise Wrong("the note has too many signatures")
    known = False
    for line in lines:
        parts = line.split(" ")
        if len(parts) != 3 or parts[0] != "\u2014" or not parts[1]:
            raise Wrong("a line under the note is no signature")
        signature = decode(parts[2], "a signature")
        if parts[1] == name and signature[:4] == key_id:
            if not signature_holds(public, text.encode(), signature[4:]):
                raise Wrong(f"the signature of {name} is not over this text")
            known = True
    if not known:
        raise Wrong(f"{name} did not sign the note")
    return text


def parse_checkpoint(text):
    """Origin, size and root of a checkpoint's text."""
    lines = text.split("\n")
    if len(lines) < 4 or lines[-1] or not all(lines[:-1]):
        raise Wrong("the checkpoint is not origin, size and root")
    origin, size, root = lines[0], parse_number(lines[1]), decode(lines[2], "the root")
    if size is None or len(root) != HASH:
        raise Wrong("the checkpoint has no size or no root")
    return origin, size, root


def open_checkpoint(note, key):
    """Size and root of a signed checkpoint of the log that is called like its key."""
    origin, size, root = parse_checkpoint(open_note(note, key))
    if origin != key[0]:
        raise Wrong(f"the checkpoint is of the log {origin}")
    return size, root


def parse_number(text):
    plain = text.isascii() and text.isdigit() and (text == "0" or text[0] != "0") and len(text) <= 20
    return int(text) if plain else None


# Tiles


def tile_name(kind, index, width):
    groups = []
    rest = index
    while True:
        groups.insert(0, f"{rest % 1000:03}")
        rest //= 1000
        if rest == 0:
            break
    path = "/".join(["x" + group for group in groups[:-1]] + groups[-1:])
    return f"tile/{kind}/{path}" + ("" if width == FULL else f".p/{width}")


def tile_names(kind, count):
    """The files of a kind that has so many hashes or entries, with how many are in each."""
    for index in range((count + FULL - 1) // FULL):
        width = min(FULL, count - index * FULL)
        yield tile_name(kind, index, width), width


def read_plain(path):
    """What a plain file holds: a pipe would be waited for without end."""
    with open(os.open(path, os.O_RDONLY | os.O_NONBLOCK), "rb") as file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise Wrong(f"{path} is no plain file")
        content = file.read(FILE_MAX + 1)
    if len(content) > FILE_MAX:
        raise Wrong(f"{path} has more than {FILE_MAX} bytes")
    return content


def read_file(directory, name):
    try:
        return read_plain(os.path.join(directory, name))
    except OSError as error:
        raise Wrong(f"{name} cannot be read: {error.strerror}") from None


def read_hashes(directory, name, width):
    content = read_file(directory, name)
    if len(content) != width * HASH:
        raise Wrong(f"{name} is not as long as it must be")
    return [content[at : at + HASH] for at in range(0, len(content), HASH)]


def read_entries(directory, name, width):
    content, entries, at = read_file(directory, name), [], 0
    while len(entries) < width:
        length = int.from_bytes(content[at : at + 2], "big")
        entry = content[at + 2 : at + 2 + length]
        if at + 2 > len(content) or len(entry) != length:
            raise Wrong(f"{name} ends within entry {len(entries)}")
        entries.append(entry)
        at += 2 + length
    if at != len(content):
        raise Wrong(f"{name} goes on behind its last entry")
    return entries


def check_log(directory, key, remembered=None):
    """Every finding, size and root. A log that goes on meanwhile is looked at anew."""
    for _ in range(8):
        note = read_file(directory, "checkpoint")
        found = check_at(directory, note, key, remembered)
        if not found[0] or read_file(directory, "checkpoint") == note:
            break
    return found


def check_at(directory, note, key, remembered):
    """Entries are hashed, tiles are compared with that, the root with the checkpoint."""
    size, root = open_checkpoint(note, key)
    findings, hashes = [], []
    for name, width in tile_names("entries", size):
        try:
            for entry in read_entries(directory, name, width):
                hashes.append(leaf_hash(entry))
        except Wrong as wrong:
            findings.append(str(wrong))
    whole = not findings
    if whole and tree_root(hashes) != root:
        findings.append("the entries do not lead to the root of the checkpoint")
    level, right = 0, hashes
    while whole and right:
        for number, (name, width) in enumerate(tile_names(level, len(right))):
            try:
                held = read_hashes(directory, name, width)
            except Wrong as wrong:
                findings.append(str(wrong))
                continue
            for at, (one, other) in enumerate(zip(held, right[number * FULL :])):
                if one != other:
                    findings.append(f"{name}: hash {number * FULL + at} is not that of what lies below it")
        right = [tree_root(right[at : at + FULL]) for at in range(0, len(right) - FULL + 1, FULL)]
        level += 1
    if remembered is not None:
        findings += check_remembered(open_checkpoint(remembered, key), hashes if whole else None, size)
    if whole and hashes:
        # One more way to the same: a path to the root for an entry in the middle.
        index = size // 2
        if not inclusion_holds(hashes[index], index, size, inclusion_path(hashes, index), root):
            findings.append(f"entry {index} is not included under the root of the checkpoint")
    return findings, size, root


def check_remembered(remembered, hashes, size):
    then, root = remembered
    if then > size:
        return [f"the log was set back: {size} entries now, and a remembered checkpoint names {then}"]
    if hashes is not None and tree_root(hashes[:then]) != root:
        return [f"the log was rewritten: its first {then} entries are not those of the remembered checkpoint"]
    return []


def inclusion_path(hashes, index):
    """RFC 9162, section 2.1.3.1."""
    path, begin, end = [], 0, len(hashes)
    while end - begin > 1:
        split = 1
        while split * 2 < end - begin:
            split *= 2
        middle = begin + split
        if index < middle:
            path.append(tree_root(hashes[middle:end]))
            end = middle
        else:
            path.append(tree_root(hashes[begin:middle]))
            begin = middle
    return path[::-1]


# Proofs


def check_proof(proof, key, entry):
    """Index, size and root, when the proof shows that the entry is in the log."""
    head, blank, note = proof.partition(b"\n\n")
    lines = head.decode("ascii", "replace").split("\n")
    if not blank or lines.pop(0) != "c2sp.org/tlog-proof@v1":
        raise Wrong("the file is no proof")
    if lines and lines[0].startswith("extra "):
        decode(lines.pop(0)[6:], "what is added to the proof")
    index = parse_number(lines.pop(0)[6:]) if lines and lines[0].startswith("index ") else None
    if index is None:
        raise Wrong("the proof does not say which entry")
    path = [decode(line, "a hash of the proof") for line in lines]
    if len(path) > 64 or any(len(hashed) != HASH for hashed in path):
        raise Wrong("the proof has a path that is none")
    size, root = open_checkpoint(note, key)
    if not inclusion_holds(leaf_hash(entry), index, size, path, root):
        raise Wrong(f"the proof does not show the entry to be number {index} of {size}")
    return index, size, root


def content_of(path):
    """What a file holds that was named by whoever called."""
    try:
        return read_plain(path)
    except OSError as error:
        raise Cannot(f"{path} cannot be read: {error.strerror}") from None


def key_of(text):
    """The key that was named: itself, or a file with it."""
    try:
        return parse_key(content_of(text).decode() if os.path.exists(text) else text)
    except (Wrong, UnicodeDecodeError) as wrong:
        raise Called(wrong if isinstance(wrong, Wrong) else f"{text} is no text") from None


def ended(check):
    """Runs a check, and says how it ended: with what it gives, or why it gives nothing."""
    try:
        return check()
    except Wrong as wrong:
        print(wrong)
        return 3
    except Called as called:
        print(called, file=sys.stderr)
        return 2
    except (Cannot, OSError) as error:
        print(error, file=sys.stderr)
        return 1
    except (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError) as error:
        print(f"what was given is not as it has to be: {error}")
        return 3


def shown(entry):
    """The lines of an entry, without what a terminal would obey."""
    lines = entry.decode("utf-8", "replace").rstrip("\n").split("\n")
    return ["".join(c if c.isprintable() else "\ufffd" for c in line) for line in lines]


def main(words):
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    commands = parser.add_subparsers(dest="command", required=True)
    log = commands.add_parser("log", help="a log's directory")
    log.add_argument("directory")
    log.add_argument("key")
    log.add_argument("--remembered", metavar="NOTE", help="a checkpoint that was kept elsewhere")
    proof = commands.add_parser("proof", help="the proof of one entry")
    proof.add_argument("file")
    proof.add_argument("key")
    proof.add_argument("entry")
    called = parser.parse_args(words)
    return ended(lambda: run(called))


def run(called):
    key = key_of(called.key)
    if called.command == "proof":
        entry = content_of(called.entry)
        index, size, root = check_proof(content_of(called.file), key, entry)
        print(f"entry {index} is in the log: {size} entries, root {root.hex()}")
        print("\n".join(f"  {line}" for line in shown(entry)))
        return 0
    if not os.path.isdir(called.directory):
        raise Cannot(f"{called.directory} is no directory")
    remembered = content_of(called.remembered) if called.remembered else None
    findings, size, root = check_log(called.directory, key, remembered)
    for finding in findings:
        print(finding)
    if not findings:
        print(f"{size} entries, root {root.hex()}")
    return 3 if findings else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
