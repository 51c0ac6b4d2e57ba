"""TF-IDF (word 1-2-grams, character 3-5-grams) and logistic regression.

Usage: tfidf.py FOLDER
FOLDER holds train.jsonl, validation.jsonl and test.jsonl with text and label.
Prints one line of JSON: the scores of the test rows and of the validation rows, and the threshold with 1% FP rate on the latter.
"""

import json
import sys

import numpy as np
from scipy.sparse import hstack
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression

folder = sys.argv[1]


def read(name):
    with open(f"{folder}/{name}.jsonl", encoding="utf-8") as f:
        rows = [json.loads(line) for line in f]
    return [r["text"] for r in rows], np.array([r["label"] == "malicious" for r in rows])


words = TfidfVectorizer(sublinear_tf=True, ngram_range=(1, 2), min_df=2, max_features=200_000)
chars = TfidfVectorizer(sublinear_tf=True, analyzer="char_wb", ngram_range=(3, 5), min_df=2, max_features=300_000)
text, y = read("train")
model = LogisticRegression(C=10, max_iter=300, class_weight="balanced")
model.fit(hstack([words.fit_transform(text), chars.fit_transform(text)]).tocsr(), y)


def scores(text):
    return model.predict_proba(hstack([words.transform(text), chars.transform(text)]).tocsr())[:, 1]


v_text, v_y = read("validation")
validation = scores(v_text)
cut = np.quantile(validation[~v_y], 0.99, method="higher") + 1e-12
print(json.dumps({"scores": scores(read("test")[0]).tolist(), "validation": validation.tolist(), "threshold": cut}))
