"""Latency of an ONNX graph in Python's onnxruntime, on one thread, one row at a time.

Usage: onnxruntime_latency.py GRAPH LENGTH...
Reads a line from standard input for each round that is wanted, runs each length some times, and prints one line of JSON: the version, and the median
seconds of each length. Ids are 1, 2, 3, ... modulo 1000, as in the Go side of the comparison.
"""

import json
import statistics
import sys
import time

import numpy as np
import onnxruntime

options = onnxruntime.SessionOptions()
options.intra_op_num_threads = options.inter_op_num_threads = 1
options.log_severity_level = 4
session = onnxruntime.InferenceSession(sys.argv[1], options, providers=["CPUExecutionProvider"])
name = session.get_inputs()[0].name
for _ in sys.stdin:
    medians = []
    for length in map(int, sys.argv[2:]):
        ids = (np.arange(length, dtype=np.int64) % 1000 + 1).reshape(1, length)
        times = []
        for _ in range(max(8, 2000 // length)):
            begin = time.perf_counter()
            session.run(None, {name: ids})
            times.append(time.perf_counter() - begin)
        medians.append(statistics.median(times))
    print(json.dumps({"version": onnxruntime.__version__, "seconds": medians}), flush=True)
