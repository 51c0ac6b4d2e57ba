"""Makes cases.json: python -m venv v; v/bin/pip install scikit-learn scipy statsmodels; v/bin/python cases.py > cases.json"""
import json
import sys

import numpy as np
import scipy
import sklearn
import statsmodels
from scipy import optimize, stats
from sklearn.calibration import calibration_curve
from sklearn.metrics import (average_precision_score, brier_score_loss, confusion_matrix, f1_score, precision_score,
                             recall_score, roc_auc_score, roc_curve)
from statsmodels.stats.contingency_tables import mcnemar
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.proportion import proportion_confint

rng = np.random.default_rng(20)


def pairs(labels, scores):
    """Of each malicious and each benign row: 1 where the malicious one scores higher, 1/2 for a tie."""
    p, n = scores[labels == 1][:, None], scores[labels == 0][None, :]
    return (p > n) + 0.5 * (p == n)


def delong(p):
    """DeLong's variance, from its definition."""
    return np.var(p.mean(1), ddof=1) / p.shape[0] + np.var(p.mean(0), ddof=1) / p.shape[1]


def case(name, labels, scores, threshold):
    labels, scores = np.asarray(labels), np.asarray(scores)
    flagged = (scores >= threshold).astype(int)
    tn, fp, fn, tp = confusion_matrix(labels, flagged, labels=[0, 1]).ravel()
    fpr, tpr, _ = roc_curve(labels, scores)
    share, mean = calibration_curve(labels, scores, n_bins=15)
    filled = np.bincount(np.searchsorted(np.linspace(0, 1, 16)[1:-1], scores), minlength=15)
    filled = filled[filled > 0]
    variance = delong(pairs(labels, scores)) if min(labels.sum(), (1 - labels).sum()) > 1 else None
    return dict(name=name, ece=float((filled * abs(mean - share)).sum() / len(labels)), auc_variance=variance, labels=labels.tolist(), scores=scores.tolist(),
                threshold=threshold, tp=int(tp), fp=int(fp), tn=int(tn), fn=int(fn),
                precision=precision_score(labels, flagged) if flagged.any() else None, recall=recall_score(labels, flagged),
                f1=f1_score(labels, flagged, average=None).tolist(), f1_macro=f1_score(labels, flagged, average="macro"),
                roc_auc=roc_auc_score(labels, scores), pr_auc=average_precision_score(labels, scores), brier=brier_score_loss(labels, scores),
                recall_at={str(r): float(tpr[fpr <= r].max()) for r in (0.001, 0.005, 0.01, 0.02)},
                reliability=[[float(m), float(s)] for m, s in zip(mean, share)])


def drawn(n, share, gap, digits):
    labels = (rng.random(n) < share).astype(int)
    return labels, np.round(1 / (1 + np.exp(-(rng.normal(0, 1.5, n) + gap * labels - 1))), digits)


cases = [case("smooth", *drawn(400, 0.3, 2.0, 6), 0.5), case("ties", *drawn(500, 0.2, 1.0, 1), 0.5), case("rare", *drawn(1500, 0.03, 3.0, 4), 0.7),
         case("useless", *drawn(300, 0.5, 0.0, 2), 0.3)]
few = lambda share: ([1, 1, 0, 0, 0, 0, 0, 0], share)
cases += [case("all scores equal", *few([0.5] * 8), 0.5), case("all 0", *few([0.0] * 8), 0.5), case("all 1", *few([1.0] * 8), 0.5),
          case("separated", *few([0.9, 0.8, 0.1, 0.1, 0.2, 0.0, 0.3, 0.4]), 0.5), case("upside down", *few([0.1, 0.0, 1.0, 0.8, 0.9, 0.2, 0.9, 0.7]), 0.5),
          case("two rows", [0, 1], [0.4, 0.6], 0.5), case("two rows, tied", [0, 1], [0.4, 0.4], 0.5),
          case("one malicious row", [1] + [0] * 9, [0.5] + [k / 10 for k in range(9)], 0.5),
          case("one benign row", [0] + [1] * 9, [0.5] + [k / 10 for k in range(9)], 0.5), case("bin edges", [0, 1] * 8, [k / 15 for k in range(16)], 0.5)]
wilson = [dict(k=k, n=n, interval=list(proportion_confint(k, n, method="wilson")))
          for k, n in [(0, 20), (1, 7), (850, 100000), (9650, 10000), (50, 50), (0, 1), (1, 1), (1, 10**7)]]
tests = [dict(b=b, c=c, p=float(mcnemar([[0, b], [c, 0]], exact=True).pvalue))
         for b, c in [(0, 6), (3, 9), (40, 61), (500, 610), (7, 7), (0, 1), (10**6, 10**6 + 3000)]]
below = [dict(k=k, n=n, limit=x, p=float(stats.beta.cdf(x, k + 0.5, n - k + 0.5)))
         for k, n, x in [(0, 1, 0.01), (1, 1, 0.01), (0, 100, 0.01), (850, 10**5, 0.01), (5, 500, 0.5), (5 * 10**5, 10**6, 0.5),
                         (99_900, 10**7, 0.01), (5 * 10**6, 10**7, 0.5)]]
welch = []
for na, nb in [(2, 2), (3, 4), (5, 2), (6, 6)]:
    a, b = rng.normal(0, 1, na), rng.normal(1, 3, nb)
    r = stats.ttest_ind(b, a, equal_var=False)
    welch.append(dict(a=a.tolist(), b=b.tolist(), p=float(r.pvalue), interval=[float(v) for v in r.confidence_interval()]))
paired = []
for n, digits in [(40, 3), (40, 0), (120, 1)]:
    labels = (np.arange(n) % 4 == 0).astype(int)
    base = rng.normal(0, 1, n) + labels
    a, b = np.round(base + rng.normal(0, 0.5, n), digits), np.round(base + rng.normal(0, 1, n), digits)
    d = pairs(labels, b) - pairs(labels, a)
    z = d.mean() / np.sqrt(delong(d))
    paired.append(dict(labels=labels.tolist(), a=a.tolist(), b=b.tolist(), difference=d.mean(), p=float(2 * stats.norm.sf(abs(z)))))
temperatures = []
for true in (0.4, 1, 2.5):
    z = rng.normal(0, 2, 200)
    labels, scores = (rng.random(200) < 1 / (1 + np.exp(-z))).astype(int), np.round(1 / (1 + np.exp(-z * true)), 6)
    logit = np.log(np.clip(scores, 1e-7, 1 - 1e-7) / (1 - np.clip(scores, 1e-7, 1 - 1e-7)))
    best = optimize.minimize_scalar(lambda u: np.logaddexp(0, np.where(labels == 1, -logit, logit) / np.exp(u)).sum(), bounds=(-4, 4), method="bounded",
                                    options=dict(xatol=1e-10))
    temperatures.append(dict(labels=labels.tolist(), scores=scores.tolist(), temperature=float(np.exp(best.x))))
p = [0.001, 0.04, 0.03, 0.2, 0.011, 0.04]
made_with = dict(sklearn=sklearn.__version__, statsmodels=statsmodels.__version__, numpy=np.__version__, scipy=scipy.__version__)
json.dump(dict(made_with=made_with, cases=cases, below=below, welch=welch, paired=paired, temperatures=temperatures, wilson=wilson, mcnemar=tests,
               holm=dict(p=p, adjusted=multipletests(p, method="holm")[1].tolist())), sys.stdout)
