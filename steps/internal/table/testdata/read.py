"""Reads a CSV file with DuckDB and with Python's csv, a JSON lines file with Python's json, and a Parquet file with DuckDB, for the
test that compares. Prints one JSON object: a list of rows for each."""
import csv
import json
import sys

import duckdb

csv.field_size_limit(1 << 30)
csv_path, jsonl_path, parquet_path = sys.argv[1:]


def rows(relation):
    return [dict(zip(relation.columns, r)) for r in relation.fetchall()]


out = {"duckdb csv": rows(duckdb.read_csv(csv_path, header=True, sep=",", quotechar='"', escapechar='"', all_varchar=True, na_values="\0"))}
with open(csv_path, newline="", encoding="utf-8") as f:
    out["python csv"] = list(csv.DictReader(f))
with open(jsonl_path, encoding="utf-8") as f:
    out["python json"] = [json.loads(line) for line in f]
out["duckdb parquet"] = rows(duckdb.read_parquet(parquet_path))
json.dump(out, sys.stdout)
