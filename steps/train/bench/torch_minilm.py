"""Times a training step of an encoder with a linear head in PyTorch: AdamW, clipped gradients, no dropout.

Usage: torch_minilm.py HUGGING_FACE_FOLDER DEVICE STEPS THREADS ROWSxLENGTHxPRECISION...
PRECISION is fp32 or bf16 (autocast). Prints one line of JSON: for each, the median seconds of a step.
"""

import json
import sys
import time

import torch
from transformers import AutoModel

folder, device = sys.argv[1:3]
steps, threads = map(int, sys.argv[3:5])
torch.set_num_threads(threads)


def step_seconds(rows, length, half):
    torch.manual_seed(0)
    encoder = AutoModel.from_pretrained(folder, dtype=torch.float32).to(device).train()
    for m in encoder.modules():
        if isinstance(m, torch.nn.Dropout):
            m.p = 0.0
    head = torch.nn.Linear(encoder.config.hidden_size, 6, device=device)
    weights = [*encoder.parameters(), *head.parameters()]
    optimiser = torch.optim.AdamW(weights, lr=1e-5, weight_decay=0.01, fused=device == "cuda")
    ids = torch.randint(5, 30000, (rows, length)).to(device)
    mask, labels = torch.ones_like(ids), torch.randint(0, 6, (rows,)).to(device)
    times = []
    for i in range(steps + 2):
        begin = time.perf_counter()
        with torch.autocast(device, torch.bfloat16, enabled=half):
            states = encoder(input_ids=ids, attention_mask=mask).last_hidden_state
            loss = torch.nn.functional.cross_entropy(head(states.mean(1)), labels)
        optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(weights, 1.0)
        optimiser.step()
        loss.item()  # waits for the device, as a training that reports its loss does
        if i >= 2:
            times.append(time.perf_counter() - begin)
    return sorted(times)[len(times) // 2]


out = {}
for shape in sys.argv[5:]:
    rows, length, precision = shape.split("x")
    out[shape] = step_seconds(int(rows), int(length), precision == "bf16")
print(json.dumps(out))
