"""Times fastText on the ids that rein's n-gram model reads, as words: fasttext_ngram.py FOLDER DIM THREADS."""
import json
import os
import sys
import time

import fasttext
import numpy

folder, dim, threads = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
ids = numpy.fromfile(os.path.join(folder, "ids.bin"), "<i4")
starts = numpy.fromfile(os.path.join(folder, "starts.bin"), "<i8")
classes = numpy.fromfile(os.path.join(folder, "classes.bin"), "<i4")
path = os.path.join(folder, "rows.txt")
with open(path, "w") as f:
    for i, c in enumerate(classes):
        f.write(f"__label__{c} " + " ".join(map(str, ids[starts[i]:starts[i + 1]])) + "\n")


def train(epochs):
    began = time.perf_counter()
    fasttext.train_supervised(path, dim=dim, epoch=epochs, thread=threads, minCount=1, wordNgrams=1, maxn=0, bucket=0, lr=0.5, verbose=0)
    return time.perf_counter() - began


few, many = 2, 22  # their difference leaves reading the words out
spent = train(many) - train(few)
print(json.dumps({"rows": (many - few) * len(classes) / spent}))
