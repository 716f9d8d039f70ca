#!/usr/bin/env python3
"""Verifies the events of a Wardgate audit log on its own: nothing of Wardgate's is used.

    verify_events.py proof FILE KEY              the proof of one event, without the log; Python's standard library and `openssl`
    verify_events.py segments DIRECTORY KEY      every sealed segment of a log's directory; also `pyarrow`, which reads Parquet

KEY is the log's verifier key (`NAME+ID+BASE64`) or a file with it. It ends with 0 when all is well (and shows the record that is
proven), 3 with a line for each finding, 1 when it cannot tell (a file that is named is not there, `openssl` or `pyarrow` is
missing, a segment lies in a store, where this does not look), 2 when it is called wrongly.

What is hashed of an event, in words: for each column that is not null, in the order of the columns, its place as two bytes, its
type as one (1 a whole number, 2 yes or no, 3 text, 4 texts), and its value: a number in eight bytes, yes or no in one, a text as
its length in four bytes and UTF-8, texts as their count in four bytes and each of them. Numbers are big-endian. Columns that may
tell of a person are left out; where one is there, `ff ff 05` follows and the SHA-256 of `wardgate-personal/1`, a zero byte, the
salt, and those columns written in the same way. That is the entry of a leaf of RFC 6962.
"""

import argparse
import base64
import hashlib
import json
import os
import re
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import verify_log
from verify_log import Cannot, Wrong

# In the order of their places; later versions append.
COLUMNS = """
seq time kind edge request_id trace_id door identity identity_name identity_type owner team environment quality
credential credential_type credential_bound proof proof_bound proof_age_s token token_issuer token_audience token_scopes
lane on_behalf_of actors grant_name purpose purpose_basis task source source_network source_zone source_environment
source_country tls_fingerprint user_agent reputation source_known host query content_type request_length api api_owner
business_function sensitivity operation class method path resource stopped response enforced code reasons policies risk
signals delay_us challenge ending duration_us client_status upstream upstream_status upstream_latency_us bytes_in
bytes_out records effect snapshot judge_order change_actor change_what change_kind change_name change_reason
finding_code finding_severity finding_kind finding_name finding_what change_of token_parents would
""".split()
PERSONAL = {
    "on_behalf_of",
    "source",
    "user_agent",
    "query",
    "path",
    "resource",
    "effect",
    "change_actor",
    "change_reason",
}
STORED = ["salt", "mark", "erased"]
GROUP = 8192
STUB_BYTES_MAX = 8 * 1024


# Entries of the log


def parse_entry(entry):
    """The kind of an entry and its lines by their first words."""
    lines = entry.decode("utf-8", "replace").split("\n")
    return lines[0], dict(line.split(" ", 1) for line in lines[1:] if " " in line)


# One event


def commitment_to(salt, personal):
    return hashlib.sha256(b"wardgate-personal/1\0" + salt + personal).digest()


def record_of(public, commitment):
    return public if commitment is None else public + b"\xff\xff\x05" + commitment


def fields_of(record):
    """The names and values of a record's columns, read from the bytes that were hashed."""
    at, fields = 0, {}

    def take(count):
        nonlocal at
        if at + count > len(record):
            raise Wrong("the record ends within a column")
        at += count
        return record[at - count : at]

    def number(count):
        return int.from_bytes(take(count), "big")

    def text():
        return take(number(4)).decode("utf-8", "replace")

    while at < len(record):
        place, kind = number(2), number(1)
        if kind == 1:
            value = int.from_bytes(take(8), "big", signed=True)
        elif kind == 2:
            value = bool(number(1))
        elif kind == 3:
            value = text()
        elif kind == 4:
            value = [text() for _ in range(min(number(4), len(record)))]
        else:
            raise Wrong(f"the record has a column of a type that is not known: {kind}")
        fields[COLUMNS[place] if place < len(COLUMNS) else f"column {place}"] = value
    return fields


def check_event(proof, key):
    """The event's number, the log's size and the event's columns, when the proof shows that it is in the log."""
    if not isinstance(proof, dict) or proof.get("proof") != "wardgate-event-proof/1":
        raise Wrong("the file is no proof of an event")
    try:
        seq, public = int(proof["seq"]), bytes.fromhex(proof["public"])
        commitment = bytes.fromhex(proof["commitment"]) if "commitment" in proof else None
        path = [bytes.fromhex(beside) for beside in proof["path"]]
        entry, log = proof["entry"].encode(), proof["log"].encode()
    except (KeyError, TypeError, ValueError) as error:
        raise Wrong(f"the proof is not as it has to be: {error}") from None
    personal = b""
    if "personal" in proof:
        try:
            salt, personal = bytes.fromhex(proof["salt"]), bytes.fromhex(proof["personal"])
        except (KeyError, TypeError, ValueError) as error:
            raise Wrong(f"the proof is not as it has to be: {error}") from None
        if commitment_to(salt, personal) != commitment:
            raise Wrong("what tells of a person is not what was committed to")
    # The first column is the number.
    if not 0 <= seq < 1 << 63 or public[:11] != b"\0\0\1" + seq.to_bytes(8, "big"):
        raise Wrong(f"the record is not that of event {seq}")
    kind, said = parse_entry(entry)
    if kind != "wardgate-segment/1" or key[0] != "wardgate/" + said.get("edge", ""):
        raise Wrong("the entry names no segment of this log")
    leaf = verify_log.leaf_hash(record_of(public, commitment))
    first, events = (verify_log.parse_number(said.get(name, "")) for name in ("first", "events"))
    if first is None or events is None:
        raise Wrong("the entry does not say which events the segment holds")
    root = verify_log.decode(said.get("root", ""), "the root of the segment")
    if not verify_log.inclusion_holds(leaf, seq - first, events, path, root) or seq < first:
        raise Wrong(f"the proof does not show event {seq} to be in its segment")
    _, size, _ = verify_log.check_proof(log, key, entry)
    return seq, size, fields_of(public) | fields_of(personal)


# Segments


def value_bytes(value):
    if isinstance(value, bool):
        return b"\2" + bytes([value])
    if isinstance(value, int):
        return b"\1" + value.to_bytes(8, "big", signed=True)
    if isinstance(value, str):
        return b"\3" + text_bytes(value)
    return b"\4" + len(value).to_bytes(4, "big") + b"".join(map(text_bytes, value))


def text_bytes(text):
    encoded = text.encode()
    return len(encoded).to_bytes(4, "big") + encoded


def leaves_of(table):
    """The leaf of each row, made anew from the columns."""
    import pyarrow

    names = [name for name in table.column_names if name not in STORED]
    rows = [[b"", b""] for _ in range(table.num_rows)]
    for number, name in enumerate(names):
        column = table.column(name)
        if pyarrow.types.is_timestamp(column.type):
            column = column.cast(pyarrow.int64())
        place = number.to_bytes(2, "big")
        for row, value in zip(rows, column.to_pylist()):
            if value is not None:
                row[name in PERSONAL] += place + value_bytes(value)
    stored = zip(*(table.column(name).to_pylist() for name in STORED))
    for (public, personal), (salt, mark, erased) in zip(rows, stored):
        commitment = commitment_to(salt, personal) if personal else erased
        leaf = verify_log.leaf_hash(record_of(public, commitment))
        yield leaf, leaf[:4] == mark


def check_segment(path, first, events, root, file_hash):
    """What is wrong of one segment."""
    import pyarrow.parquet

    findings, name = [], os.path.basename(path)
    if not os.path.isfile(path):
        return [f"{name} is no plain file"]
    with open(path, "rb") as file:
        if hashlib.file_digest(file, "sha256").digest() != file_hash:
            findings.append(f"{name} is not the file that the log names")
    try:
        parquet = pyarrow.parquet.ParquetFile(path)
        roots, next_seq = [], first
        for group in range(parquet.num_row_groups):
            table = parquet.read_row_group(group)
            leaves = list(leaves_of(table))
            for seq, (number, (_, sound)) in enumerate(zip(table.column("seq").to_pylist(), leaves), next_seq):
                if not sound:
                    findings.append(f"{name}: event {seq} is not what was recorded")
                elif number != seq:
                    findings.append(f"{name}: event {number} stands where {seq} belongs")
            if len(leaves) != GROUP and group + 1 < parquet.num_row_groups:
                findings.append(f"{name}: row group {group} has {len(leaves)} rows")
            next_seq += len(leaves)
            roots.append(verify_log.tree_root([leaf for leaf, _ in leaves]))
    except (pyarrow.ArrowException, OSError, KeyError) as error:
        return findings + [f"{name} cannot be read: {error}"]
    if next_seq != first + events:
        findings.append(f"{name} holds {next_seq - first} events where the log names {events}")
    elif verify_log.tree_root(roots) != root:
        findings.append(f"{name}: its records do not lead to the root that was logged")
    return findings


def check_stub(path, first, file_hash):
    """What is wrong of the small file that says in which store a segment lies."""
    name = os.path.basename(path)
    if not os.path.isfile(path) or os.path.getsize(path) > STUB_BYTES_MAX:
        return [f"{name} is no small plain file"]
    try:
        with open(path, "rb") as file:
            said = json.load(file)
        stored, sha256, key = (said[member] for member in ("stored", "sha256", "key"))
        object_name = key.rsplit("/", 1)[-1]
    except (AttributeError, KeyError, RecursionError, TypeError, ValueError):
        return [f"{name} does not say where a segment lies"]
    if stored != "wardgate-stored/1":
        return [f"{name} does not say where a segment lies"]
    if sha256 != file_hash.hex() or object_name != f"events-{first:012}-{file_hash.hex()}.parquet":
        return [f"{name} is not of the file that the log names"]
    return []


def check_segments(directory, key):
    """Every finding, how many segments and events the log names, and how many of the segments were not looked at."""
    log = os.path.join(directory, "log")
    findings, size, _ = verify_log.check_log(log, key)
    segments, retired = {}, 0
    for name, width in verify_log.tile_names("entries", size):
        for entry in verify_log.read_entries(log, name, width):
            kind, said = parse_entry(entry)
            if kind == "wardgate-segment/1":
                segments[int(said["first"])] = said
            elif kind == "wardgate-retired/1":
                retired = int(said["through"])
            elif kind == "wardgate-erasure/1" and int(said["segment"]) in segments:
                segments[int(said["segment"])]["file"] = said["file"]
            else:
                findings.append(f"an entry of a kind that is not known: {kind}")
    kept = {first: said for first, said in segments.items() if first + int(said["events"]) - 1 > retired}
    folder = os.path.join(directory, "segments")
    there = set(os.listdir(folder)) if os.path.isdir(folder) else set()
    expected, events, elsewhere = retired + 1 if retired else 1, 0, 0
    for first, said in sorted(kept.items()):
        name, count = f"events-{first:012}.parquet", int(said["events"])
        if first != expected:
            findings.append(f"events {expected} to {first - 1} are in no segment")
        expected, events = first + count, events + count
        root, file_hash = base64.b64decode(said["root"]), base64.b64decode(said["file"])
        if name not in there and stub_of(name) in there:
            findings += check_stub(os.path.join(folder, stub_of(name)), first, file_hash)
            elsewhere += 1
            continue
        if name not in there:
            findings.append(f"{name} is missing")
            continue
        findings += check_segment(os.path.join(folder, name), first, count, root, file_hash)
    named = {f"events-{first:012}.parquet" for first in kept}
    for name in sorted(there - named - {stub_of(name) for name in named}):
        sealed_next = re.fullmatch(r"events-(\d{12,20})\.(parquet|stored)", name)
        if not (sealed_next and int(sealed_next[1]) >= expected) and not name.endswith(".new"):
            findings.append(f"{name} is no segment that the log names")
    return findings, len(kept), events, elsewhere


def stub_of(name):
    """The name of the file that says where a segment lies, beside where its file was."""
    return name.removesuffix(".parquet") + ".stored"


def main(words):
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    commands = parser.add_subparsers(dest="command", required=True)
    proof = commands.add_parser("proof", help="the proof of one event")
    proof.add_argument("file")
    proof.add_argument("key")
    segments = commands.add_parser("segments", help="every sealed segment of a log's directory")
    segments.add_argument("directory")
    segments.add_argument("key")
    called = parser.parse_args(words)
    return verify_log.ended(lambda: run(called))


def run(called):
    key = verify_log.key_of(called.key)
    if called.command == "proof":
        content = verify_log.content_of(called.file)
        try:
            proof = json.loads(content)
        except ValueError as error:
            raise Wrong(f"the file is no proof of an event: {error}") from None
        seq, size, fields = check_event(proof, key)
        print(f"event {seq} is in the log of {size} entries")
        for name, value in fields.items():
            print(f"  {name}: {json.dumps(value)}")
        if "personal" not in proof and "commitment" in proof:
            print("  what tells of a person is not shown: erased, or left out of the proof")
        return 0
    if not os.path.isdir(called.directory):
        raise Cannot(f"{called.directory} is no directory")
    try:
        import pyarrow.parquet  # noqa: F401
    except ImportError as error:
        raise Cannot(f"pyarrow is missing: {error}") from None
    findings, count, events, elsewhere = check_segments(called.directory, key)
    for finding in findings:
        print(finding)
    if not findings:
        print(f"{count} segments, {events} events")
    if elsewhere:
        print(f"{elsewhere} of {count} segments lie in a store, where this does not look: bring them into `segments`")
    return 3 if findings else 1 if elsewhere else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
