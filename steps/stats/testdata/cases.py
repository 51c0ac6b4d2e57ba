"""Makes cases.json: python -m venv v; v/bin/pip install scikit-learn statsmodels; v/bin/python cases.py > cases.json"""
import json
import sys

import numpy as np
import sklearn
import statsmodels
from sklearn.calibration import calibration_curve
from sklearn.metrics import (average_precision_score, brier_score_loss, confusion_matrix, f1_score, precision_score,
                             recall_score, roc_auc_score, roc_curve)
from statsmodels.stats.contingency_tables import mcnemar
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.proportion import proportion_confint

rng = np.random.default_rng(20)


def case(name, labels, scores, threshold):
    labels, scores = np.asarray(labels), np.asarray(scores)
    flagged = (scores >= threshold).astype(int)
    tn, fp, fn, tp = confusion_matrix(labels, flagged, labels=[0, 1]).ravel()
    fpr, tpr, _ = roc_curve(labels, scores)
    share, mean = calibration_curve(labels, scores, n_bins=15)
    return dict(name=name, labels=labels.tolist(), scores=scores.tolist(), threshold=threshold, tp=int(tp), fp=int(fp), tn=int(tn), fn=int(fn),
                precision=precision_score(labels, flagged), recall=recall_score(labels, flagged),
                f1=f1_score(labels, flagged, average=None).tolist(), f1_macro=f1_score(labels, flagged, average="macro"),
                roc_auc=roc_auc_score(labels, scores), pr_auc=average_precision_score(labels, scores), brier=brier_score_loss(labels, scores),
                recall_at={str(r): float(tpr[fpr <= r].max()) for r in (0.001, 0.005, 0.01, 0.02)},
                reliability=[[float(m), float(s)] for m, s in zip(mean, share)])


def drawn(n, share, gap, digits):
    labels = (rng.random(n) < share).astype(int)
    return labels, np.round(1 / (1 + np.exp(-(rng.normal(0, 1.5, n) + gap * labels - 1))), digits)


cases = [case("smooth", *drawn(400, 0.3, 2.0, 6), 0.5), case("ties", *drawn(500, 0.2, 1.0, 1), 0.5), case("rare", *drawn(1500, 0.03, 3.0, 4), 0.7),
         case("useless", *drawn(300, 0.5, 0.0, 2), 0.3)]
wilson = [dict(k=k, n=n, interval=list(proportion_confint(k, n, method="wilson"))) for k, n in [(0, 20), (1, 7), (850, 100000), (9650, 10000), (50, 50)]]
tests = [dict(b=b, c=c, p=float(mcnemar([[0, b], [c, 0]], exact=True).pvalue)) for b, c in [(0, 6), (3, 9), (40, 61), (500, 610), (7, 7)]]
p = [0.001, 0.04, 0.03, 0.2, 0.011, 0.04]
json.dump(dict(made_with=dict(sklearn=sklearn.__version__, statsmodels=statsmodels.__version__, numpy=np.__version__), cases=cases, wilson=wilson, mcnemar=tests,
               holm=dict(p=p, adjusted=multipletests(p, method="holm")[1].tolist())), sys.stdout)
