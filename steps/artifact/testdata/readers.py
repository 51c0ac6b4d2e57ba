"""Reads a Parquet file with DuckDB and with pandas and prints what each finds: for readers_test.go."""
import json
import sys

import duckdb
import pandas

path = sys.argv[1]
frame = pandas.read_parquet(path)
connection = duckdb.connect()


def ask(query):
    return connection.execute(query.replace("ROWS", f"read_parquet('{path}')")).fetchall()


out = {
    "columns": list(frame.columns),
    "duckdb_columns": [r[0] for r in ask("describe select * from ROWS")],
    "rows": len(frame),
    "duckdb_rows": ask("select count(*) from ROWS")[0][0],
    "benign": int((frame.label == "benign").sum()),
    "duckdb_benign": ask("select count(*) from ROWS where label = 'benign'")[0][0],
    "texts": list(frame.text[:5]),
    "duckdb_texts": [r[0] for r in ask("select text from ROWS limit 5")],
    "score": float(frame.score.sum()),
    "duckdb_score": ask("select sum(score) from ROWS")[0][0],
}
json.dump(out, sys.stdout)
