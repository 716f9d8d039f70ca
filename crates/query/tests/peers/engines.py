"""Asks sealed segments the same questions with DuckDB, in SQL, and with PyArrow, in its own words.

Usage: engines.py FOLDER, where FOLDER holds segments. Prints {NAME: {"sql", "duckdb": ROWS, "pyarrow": ROWS}}.
"""

import datetime
import json
import sys

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds

FOLDER = sys.argv[1]


def shown(value):
    """As JSON has it: moments in UTC as wardgate-query writes them."""
    if isinstance(value, datetime.datetime):
        text = value.astimezone(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%S")
        micros = value.microsecond
        if micros == 0:
            return text + "Z"
        return text + (f".{micros // 1000:03d}Z" if micros % 1000 == 0 else f".{micros:06d}Z")
    return value


def rows(names, values):
    return [{name: shown(value) for name, value in zip(names, row)} for row in values]


def arrow_rows(table):
    return rows(table.column_names, zip(*[column.to_pylist() for column in table.columns]))


events = ds.dataset(FOLDER, format="parquet").to_table()


def counted(table, keys, limit=None):
    found = table.group_by(keys).aggregate([([], "count_all")]).rename_columns([*keys, "n"])
    found = found.sort_by([("n", "descending"), *[(key, "ascending") for key in keys]])
    return found if limit is None else found.slice(0, limit)


def where(mask):
    return events.filter(mask)


def minutes():
    table = where(pc.equal(events["response"], "block"))
    table = table.append_column("minute", pc.floor_temporal(table["time"], unit="minute"))
    return table.group_by("minute").aggregate([([], "count_all")]).rename_columns(["minute", "n"]).sort_by("minute")


def totals():
    one = {
        "n": [events.num_rows],
        "least": [pc.min(events["seq"]).as_py()],
        "most": [pc.max(events["seq"]).as_py()],
        "first": pa.array([pc.min(events["time"]).as_py()], events["time"].type),
        "last": pa.array([pc.max(events["time"]).as_py()], events["time"].type),
    }
    return pa.table(one)


def bytes_out():
    found = events.group_by("identity_name").aggregate([("bytes_out", "sum"), ("duration_us", "max")])
    return found.rename_columns(["identity_name", "bytes", "slowest"]).filter(pc.is_valid(pc.field("identity_name"))).sort_by("identity_name")


def sources():
    found = events.filter(pc.is_valid(events["source"])).group_by("source").aggregate([("identity", "count_distinct")])
    return found.rename_columns(["source", "identities"]).sort_by("source")


def reasons():
    flat = pc.list_flatten(events["reasons"])
    return counted(pa.table({"reason": flat}), ["reason"])


def nulls():
    without = pc.sum(pc.cast(pc.is_null(events["identity"]), pa.int64())).as_py()
    return pa.table({"n": [events.num_rows], "identities": [events.num_rows - without]})


QUESTIONS = {
    "totals": (
        "SELECT count(*) AS n, min(seq) AS least, max(seq) AS most, min(time) AS first, max(time) AS last FROM events",
        totals,
    ),
    "kinds": ("SELECT kind, count(*) AS n FROM events GROUP BY kind ORDER BY n DESC, kind", lambda: counted(events, ["kind"])),
    "refused": (
        "SELECT identity_name, code, count(*) AS n FROM events WHERE response = 'block' GROUP BY identity_name, code ORDER BY n DESC, identity_name, code",
        lambda: counted(where(pc.equal(events["response"], "block")), ["identity_name", "code"]),
    ),
    "one request": (
        "SELECT seq, time, path, client_status FROM events WHERE request_id = '0197c5b2-6e0a-7c3d-9b1f-0000000003e9'",
        lambda: where(pc.equal(events["request_id"], "0197c5b2-6e0a-7c3d-9b1f-0000000003e9")).select(["seq", "time", "path", "client_status"]),
    ),
    "last of a credential": (
        "SELECT seq, operation, source FROM events WHERE credential = 'cred-7' ORDER BY seq DESC LIMIT 5",
        lambda: where(pc.equal(events["credential"], "cred-7")).sort_by([("seq", "descending")]).slice(0, 5).select(["seq", "operation", "source"]),
    ),
    "refused by the minute": (
        "SELECT date_trunc('minute', time) AS minute, count(*) AS n FROM events WHERE response = 'block' GROUP BY 1 ORDER BY 1",
        minutes,
    ),
    "what flowed": (
        "SELECT identity_name, CAST(sum(bytes_out) AS BIGINT) AS bytes, max(duration_us) AS slowest FROM events WHERE identity_name IS NOT NULL GROUP BY identity_name ORDER BY identity_name",
        bytes_out,
    ),
    "shared sources": (
        "SELECT source, count(DISTINCT identity) AS identities FROM events WHERE source IS NOT NULL GROUP BY source ORDER BY source",
        sources,
    ),
    "resources that were read": (
        "SELECT resource, count(*) AS n FROM events WHERE api = 'ledger' AND client_status = 200 GROUP BY resource ORDER BY n DESC, resource LIMIT 10",
        lambda: counted(where(pc.and_(pc.equal(events["api"], "ledger"), pc.equal(events["client_status"], 200))), ["resource"], 10),
    ),
    "changes": (
        "SELECT seq, change_actor, change_what, change_name, change_reason FROM events WHERE kind = 'change' ORDER BY seq LIMIT 7",
        lambda: where(pc.equal(events["kind"], "change"))
        .sort_by("seq")
        .slice(0, 7)
        .select(["seq", "change_actor", "change_what", "change_name", "change_reason"]),
    ),
    "reasons": (
        "SELECT reason, count(*) AS n FROM (SELECT unnest(reasons) AS reason FROM events) AS r GROUP BY reason ORDER BY n DESC, reason",
        reasons,
    ),
    "lists": (
        "SELECT seq, reasons, policies FROM events WHERE seq BETWEEN 20 AND 23 ORDER BY seq",
        lambda: where(pc.and_(pc.greater_equal(events["seq"], 20), pc.less_equal(events["seq"], 23))).sort_by("seq").select(["seq", "reasons", "policies"]),
    ),
    "what is null": ("SELECT count(*) AS n, count(identity) AS identities FROM events", nulls),
    "between two moments": (
        "SELECT count(*) AS n, CAST(sum(risk) AS BIGINT) AS risk FROM events WHERE time >= TIMESTAMPTZ '2026-09-21 14:20:00+00' AND time < TIMESTAMPTZ '2026-09-21 14:30:00+00'",
        lambda: (
            lambda table: pa.table({"n": [table.num_rows], "risk": [pc.sum(table["risk"]).as_py()]})
        )(
            where(
                pc.and_(
                    pc.greater_equal(events["time"], pa.scalar(datetime.datetime(2026, 9, 21, 14, 20, tzinfo=datetime.timezone.utc), events["time"].type)),
                    pc.less(events["time"], pa.scalar(datetime.datetime(2026, 9, 21, 14, 30, tzinfo=datetime.timezone.utc), events["time"].type)),
                )
            )
        ),
    ),
}

duck = duckdb.connect()
duck.execute("SET TimeZone = 'UTC'")
duck.execute(f"CREATE VIEW events AS SELECT * FROM read_parquet('{FOLDER}/*.parquet')")
answers = {}
for name, (sql, in_arrow) in QUESTIONS.items():
    found = duck.execute(sql)
    names = [column[0] for column in found.description]
    answers[name] = {"sql": sql, "duckdb": rows(names, found.fetchall()), "pyarrow": arrow_rows(in_arrow())}
json.dump(answers, sys.stdout)
