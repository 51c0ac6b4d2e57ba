"""Checks an exported model with onnx.checker and runs it with Python's ONNX Runtime.

Usage: check_onnx.py MODEL.onnx ROWS LENGTH < ids (int64, ROWS x LENGTH)
Prints one line of JSON: the logits, row by row, the metadata's keys, and how often each operator occurs.
"""

import collections
import json
import sys

import numpy as np
import onnx
import onnxruntime

path, rows, length = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
model = onnx.load(path)
onnx.checker.check_model(model, full_check=True)
ids = np.frombuffer(sys.stdin.buffer.read(), np.int64).reshape(rows, length)
options = onnxruntime.SessionOptions()
options.intra_op_num_threads = 1
session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
(logits,) = session.run(["logits"], {"ids": ids})
print(json.dumps({"logits": logits.tolist(), "metadata": sorted(p.key for p in model.metadata_props),
                  "operators": collections.Counter(n.op_type for n in model.graph.node)}))
