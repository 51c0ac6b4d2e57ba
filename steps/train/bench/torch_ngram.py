"""Trains the built-in n-gram model with PyTorch, on rows that the Go test has hashed already.

Usage: torch_ngram.py FOLDER BUCKETS DIM HIDDEN CLASSES BATCH EPOCHS THREADS
FOLDER holds ids.bin (int32), starts.bin (int64, one more than rows) and classes.bin (int32).
Prints one line of JSON: rows a second with a dense table and Adam, and with a sparse one and SparseAdam.
"""

import json
import sys
import time

import numpy as np
import torch

folder = sys.argv[1]
buckets, dim, hidden, classes, batch, epochs, threads = map(int, sys.argv[2:])
torch.set_num_threads(threads)
ids = torch.from_numpy(np.fromfile(f"{folder}/ids.bin", np.int32).astype(np.int64))
starts = torch.from_numpy(np.fromfile(f"{folder}/starts.bin", np.int64))
labels = torch.from_numpy(np.fromfile(f"{folder}/classes.bin", np.int32).astype(np.int64))
rows = len(labels)


def train(sparse):
    torch.manual_seed(1)
    table = torch.nn.EmbeddingBag(buckets, dim, mode="sum", sparse=sparse)
    torch.nn.init.zeros_(table.weight)
    head = torch.nn.Sequential(torch.nn.Linear(dim, hidden), torch.nn.ReLU(), torch.nn.Dropout(0.1), torch.nn.Linear(hidden, classes))
    if sparse:
        optimisers = [torch.optim.SparseAdam(table.parameters(), lr=1e-3), torch.optim.Adam(head.parameters(), lr=3e-3)]
    else:
        optimisers = [torch.optim.Adam([*table.parameters(), *head.parameters()], lr=3e-3)]
    loss_of = torch.nn.CrossEntropyLoss(label_smoothing=0.1)
    begin = time.perf_counter()
    for _ in range(epochs):
        order = torch.randperm(rows)
        for at in range(0, rows, batch):
            pick = order[at : at + batch]
            begins, ends = starts[pick], starts[pick + 1]
            lengths = ends - begins
            offsets = torch.cumsum(lengths, 0) - lengths
            flat = torch.repeat_interleave(begins - offsets, lengths) + torch.arange(int(lengths.sum()))
            pooled = table(ids[flat], offsets) / lengths.clamp(min=1).sqrt().unsqueeze(1)
            loss = loss_of(head(pooled), labels[pick])
            for o in optimisers:
                o.zero_grad()
            loss.backward()
            for o in optimisers:
                o.step()
    return rows * epochs / (time.perf_counter() - begin), float(loss.detach())


dense, dense_loss = train(False)
sparse, sparse_loss = train(True)
print(json.dumps({"dense": dense, "sparse": sparse, "dense_loss": dense_loss, "sparse_loss": sparse_loss}))
