"""Times a training step of an encoder with a linear head in PyTorch: AdamW, clipped gradients, no dropout.

Usage: torch_minilm.py HUGGING_FACE_FOLDER ROWS LENGTH STEPS THREADS
Prints one line of JSON: the median seconds of a step.
"""

import json
import sys
import time

import torch
from transformers import AutoModel

folder = sys.argv[1]
rows, length, steps, threads = map(int, sys.argv[2:])
torch.set_num_threads(threads)
torch.manual_seed(0)
encoder = AutoModel.from_pretrained(folder).train()
for m in encoder.modules():
    if isinstance(m, torch.nn.Dropout):
        m.p = 0.0
head = torch.nn.Linear(encoder.config.hidden_size, 6)
weights = [*encoder.parameters(), *head.parameters()]
optimiser = torch.optim.AdamW(weights, lr=1e-5, weight_decay=0.01)
ids = torch.randint(5, 30000, (rows, length))
mask, labels = torch.ones_like(ids), torch.randint(0, 6, (rows,))
times = []
for i in range(steps + 2):
    begin = time.perf_counter()
    states = encoder(input_ids=ids, attention_mask=mask).last_hidden_state
    loss = torch.nn.functional.cross_entropy(head(states.mean(1)), labels)
    optimiser.zero_grad()
    loss.backward()
    torch.nn.utils.clip_grad_norm_(weights, 1.0)
    optimiser.step()
    if i >= 2:
        times.append(time.perf_counter() - begin)
print(json.dumps({"seconds": sorted(times)[len(times) // 2]}))
