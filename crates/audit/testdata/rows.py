"""What DuckDB and PyArrow read in a segment: {"duckdb": [[...], ...], "pyarrow": [[...], ...]}, the columns named, in order.

    python rows.py SEGMENT COLUMN...

Times are microseconds since 1970.
"""

import json
import sys

import duckdb
import pyarrow
import pyarrow.parquet

segment, columns = sys.argv[1], sys.argv[2:]

# A zone in a type wants a database of zones: the number is what is compared.
table = pyarrow.parquet.read_table(segment, columns=columns)
times = [field.name for field in table.schema if pyarrow.types.is_timestamp(field.type)]
for name in times:
    table = table.set_column(table.schema.get_field_index(name), name, table[name].cast(pyarrow.int64()))
by_pyarrow = [list(row.values()) for row in table.select(columns).to_pylist()]

selected = ", ".join(f'epoch_us("{name}")' if name in times else f'"{name}"' for name in columns)
by_duckdb = duckdb.sql(f"SELECT {selected} FROM read_parquet('{segment}') ORDER BY seq").fetchall()

json.dump({"duckdb": by_duckdb, "pyarrow": by_pyarrow}, sys.stdout)
