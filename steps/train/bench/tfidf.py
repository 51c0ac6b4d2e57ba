"""TF-IDF (word 1-2-grams, character 3-5-grams) and logistic regression, thresholded at 1% FP rate on validation rows.

Usage: tfidf.py FOLDER [scores]
FOLDER holds train.jsonl, validation.jsonl and test.jsonl with text and label.
Prints one line of JSON: with "scores", those of the test rows and the threshold; else AUC, FP rate and recall on the test rows, and the recall at 1% FP rate of the test rows themselves.
"""

import json
import sys

import numpy as np
from scipy.sparse import hstack
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score

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


def threshold(s, y):
    return np.quantile(s[~y], 0.99, method="higher") + 1e-12


v_text, v_y = read("validation")
t_text, t_y = read("test")
v, t = scores(v_text), scores(t_text)
cut = threshold(v, v_y)
if sys.argv[2:] == ["scores"]:
    print(json.dumps({"scores": t.tolist(), "threshold": cut}))
    sys.exit()
print(json.dumps({"auc": roc_auc_score(t_y, t), "fp": float((t[~t_y] >= cut).mean()), "tp": float((t[t_y] >= cut).mean()),
                  "tp_at_1": float((t[t_y] >= threshold(t, t_y)).mean())}))
