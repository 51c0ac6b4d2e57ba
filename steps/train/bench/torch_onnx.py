"""Times our ONNX graph of an encoder against the one that torch.onnx.export makes of the same model.

Usage: torch_onnx.py HUGGING_FACE_FOLDER OUR_MODEL.onnx [MORE.onnx ...]
Prints one line of JSON: for each graph, p50 and p95 in milliseconds at 16, 64, 128 and 512 tokens, one thread, in turns.
"""

import json
import sys
import tempfile
import time

import numpy as np
import onnxruntime
import torch
from transformers import AutoModel

folder, ours = sys.argv[1], sys.argv[2:]


class Classifier(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.encoder = AutoModel.from_pretrained(folder)
        self.head = torch.nn.Linear(self.encoder.config.hidden_size, 6)

    def forward(self, ids):
        mask = (ids > 0).long()
        states = self.encoder(input_ids=ids, attention_mask=mask).last_hidden_state
        weights = mask.unsqueeze(-1).float()
        logits = self.head((states * weights).sum(1) / weights.sum(1).clamp(min=1))
        return torch.softmax(logits, -1), logits


def session(path):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])


theirs = tempfile.mkdtemp() + "/torch.onnx"
torch.onnx.export(Classifier().eval(), (torch.randint(5, 30000, (2, 16)),), theirs, input_names=["ids"], output_names=["probs", "logits"],
                  dynamic_axes={"ids": {0: "batch", 1: "length"}}, opset_version=17, dynamo=False)
sessions = {"torch.onnx.export": session(theirs)} | {name: session(name) for name in ours}
result = {name: {} for name in sessions}
for length, rounds in ((16, 200), (64, 100), (128, 60), (512, 20)):
    ids = np.random.default_rng(1).integers(5, 30000, (1, length))
    times = {name: [] for name in sessions}
    for i in range(rounds + 3):
        for name, s in sessions.items():  # in turns, so that a busy moment hits all
            begin = time.perf_counter()
            s.run(["logits"], {"ids": ids})
            if i >= 3:
                times[name].append((time.perf_counter() - begin) * 1000)
    for name, t in times.items():
        result[name][str(length)] = [round(float(np.percentile(t, q)), 3) for q in (50, 95)]
print(json.dumps(result))
