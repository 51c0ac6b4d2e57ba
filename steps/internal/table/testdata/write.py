"""Writes Parquet files of many shapes with pyarrow, and what each holds as JSON lines, for the test that reads them."""
import datetime as dt
import decimal
import json
import sys

import pyarrow as pa
import pyarrow.parquet as pq

folder = sys.argv[1]
utc = dt.timezone.utc
turn = pa.struct([("role", pa.string()), ("content", pa.string())])
day = dt.date(1969, 12, 31)
moment = dt.datetime(2026, 1, 2, 3, 4, 5, 678000, tzinfo=utc)
D = decimal.Decimal

# name: (type, values)
columns = {
    "text": (pa.string(), ["héllo", None, "", "x" * 300]),
    "large": (pa.large_string(), ["a", "b", None, "d"]),
    "view": (pa.dictionary(pa.int8(), pa.string()), ["a", "b", "a", None]),
    "flag": (pa.bool_(), [True, False, None, True]),
    "messages": (pa.list_(turn), [[{"role": "user", "content": "a"}, {"role": "assistant", "content": None}], [], None, [{"role": "user", "content": "b"}]]),
    "maps": (pa.list_(pa.map_(pa.string(), pa.string())), [[[("role", "user"), ("content", "a")]], [], None, [[], [("role", None)]]]),
    "lists": (pa.list_(pa.list_(pa.int64())), [[[1, 2], []], [None, [3]], [], None]),
    "deep": (pa.struct([("a", pa.struct([("b", pa.list_(pa.string()))])), ("c", pa.int32())]), [{"a": {"b": ["x", None]}, "c": 1}, {"a": None, "c": None}, None, {"a": {"b": []}, "c": 2}]),
    "u8": (pa.uint8(), [0, 255, None, 1]),
    "u32": (pa.uint32(), [0, 2**32 - 1, None, 1]),
    "u64": (pa.uint64(), [0, 2**64 - 1, None, 1]),
    "i8": (pa.int8(), [-128, 127, None, 0]),
    "i64": (pa.int64(), [-(2**63), 2**63 - 1, None, 0]),
    "date": (pa.date32(), [day, dt.date(2026, 1, 31), None, dt.date(1970, 1, 1)]),
    "time": (pa.time64("us"), [dt.time(1, 2, 3, 450000), dt.time(0, 0), None, dt.time(23, 59, 59)]),
    "ms": (pa.timestamp("ms", tz="UTC"), [moment, dt.datetime(1969, 12, 31, 23, 59, 59, tzinfo=utc), None, moment]),
    "ns": (pa.timestamp("ns", tz="UTC"), [moment, moment, None, moment]),
    "dec": (pa.decimal128(7, 3), [D("-0.005"), D("1234.500"), None, D("0.000")]),
    "wide": (pa.decimal128(38, 2), [D("-123456789012345678901234567890.12"), D("1.00"), None, D("-1.00")]),
    "whole": (pa.decimal128(5, 0), [D("7"), D("-7"), None, D("0")]),
    "half": (pa.float16(), [0.5, -2.0, None, 65504.0]),
    "float": (pa.float32(), [0.1, -1e10, None, 3.0]),
    "double": (pa.float64(), [0.1, 1e-9, None, float("nan")]),
    "fixed": (pa.binary(3), [b"abc", b"xyz", None, b"123"]),
}


def plain(v):
    """A value as rein writes it in JSON."""
    if isinstance(v, dict):
        return {k: plain(x) for k, x in v.items()}
    if isinstance(v, list) and v and isinstance(v[0], tuple):  # a map
        return {k: plain(x) for k, x in v}
    if isinstance(v, list):
        return [plain(x) for x in v]
    if isinstance(v, dt.datetime):
        if hasattr(v, "to_pydatetime"):  # with pandas, nanoseconds are its Timestamp
            v = v.to_pydatetime(warn=False)
        v = v if v.tzinfo else v.replace(tzinfo=utc)
        s = v.astimezone(utc).isoformat(timespec="microseconds").replace("+00:00", "")
        return s.rstrip("0").rstrip(".") + "Z"
    if isinstance(v, dt.time):
        return v.isoformat().rstrip("0").rstrip(".") if v.microsecond else v.isoformat()
    if isinstance(v, dt.date):
        return v.isoformat()
    if isinstance(v, decimal.Decimal):
        return {"number": format(v, "f")}
    if isinstance(v, bytes):
        return v.decode()
    if isinstance(v, float):
        return None if v != v else {"float": v}
    if isinstance(v, int) and not isinstance(v, bool):
        return {"number": str(v)}
    return v


def read_back(path):
    rows = pq.read_table(path).to_pylist()
    for row in rows:
        if row.get("maps") == [[], [("role", None)]]:
            row["maps"] = [{}, {"role": None}]
    return [{k: plain(v) for k, v in row.items()} for row in rows]


table = pa.table({n: pa.array(v, type=t) for n, (t, v) in columns.items()})
small = table.select(["text", "messages", "u32"])
files = {
    "plain": dict(table=table),
    "v1": dict(table=table, data_page_version="1.0", version="1.0", coerce_timestamps="ms", allow_truncated_timestamps=True),
    "v2": dict(table=table, data_page_version="2.0", compression="zstd"),
    "groups": dict(table=pa.concat_tables([table] * 50).combine_chunks(), row_group_size=7, use_dictionary=False),
    "old_lists": dict(table=table, use_compliant_nested_type=False),
    "int96": dict(table=table.select(["ns", "text"]), use_deprecated_int96_timestamps=True),
    "int_decimals": dict(table=table.select(["dec", "wide", "text"]), store_decimal_as_integer=True),
    "none": dict(table=small.slice(0, 0)),
}
for name, o in files.items():
    pq.write_table(o.pop("table"), f"{folder}/{name}.parquet", **o)
with pq.ParquetWriter(f"{folder}/empty_group.parquet", small.schema) as w:
    w.write_table(small.slice(0, 2))
    w.write_table(small.slice(0, 0))
    w.write_table(small.slice(2))
for name in [*files, "empty_group"]:
    with open(f"{folder}/{name}.json", "w") as f:
        json.dump(read_back(f"{folder}/{name}.parquet"), f)
