"""How well one column alone predicts the target, out of sample.

The column is cut into bins (levels, or quantiles), the mean target of each bin is
learned on four fifths of the rows and scored on the last fifth, five times. All of it
follows from one table of counts by fold and bin, so thousands of columns take seconds.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from toolkit.data.rows import codes, is_numeric, numbers, rounded
from toolkit.table.images.image_vector import image_numbers

if TYPE_CHECKING:
    from toolkit.data.rows import Table

FOLDS = 5
_SALT = 103
_MOST_BINS = 64
_MOST_CLASSES = 20
_PRIOR_ROWS = 2.0
_TEXT_ROWS = 5_000
_TEXT_COLUMNS = 20
_IMAGE_ROWS = 3_000


Judge = Callable[[np.ndarray], float]
"""Scores a column's bins against a target: 0 (no better than a guess) to 1 (perfect)."""


def associations(
    table: Table, rows: np.ndarray, *, contents: bool = True
) -> dict[str, float | None]:
    """Return each column's association with the target, over the given rows.

    Classes: twice the area under the ROC curve minus one (several classes: the mean over
    one class against the rest), not below 0. Numbers: R2, not below 0, the better of bins
    and a straight line. Texts and images: the same scores of a linear model on hashed words,
    or on brightness and edges by place; without `contents` they are left out.
    """
    judge = make_judge(table, rows)
    texts = [name for name, column in table.columns.items() if column.type == "text"]
    result: dict[str, float | None] = {}
    for name, column in table.columns.items():
        if column.type in ("text", "image") and not contents:
            continue
        series = table.frame[name].iloc[rows]
        if column.type == "image":
            score = judge(number_bins(table.measure(name)[rows]))
            result[name] = rounded(max(score, _pictures(table, rows, series)), 4)
            continue
        score = judge(bins_of(series, is_numeric(column)))
        if is_numeric(column) and table.task == "regression":
            score = max(score, _line(table, rows, numbers(series)))
        if name in texts[:_TEXT_COLUMNS]:
            score = max(score, _words(table, rows, series))
        result[name] = rounded(score, 4)
    return result


def bins_of(series: pd.Series, numeric: bool) -> np.ndarray:
    """Return a bin for each row: quantiles or levels, and one more for missing."""
    if numeric:
        return number_bins(numbers(series))
    found, _ = codes(series)
    counts = np.bincount(found + 1)
    # A level seen once teaches nothing about others: such levels share a bin.
    single = counts[found + 1] < 2
    return np.where(found < 0, 0, np.where(single, 1, found + 2))


def number_bins(values: np.ndarray, most: int = _MOST_BINS) -> np.ndarray:
    """Return quantile bins of numbers, and bin 0 for what is missing or infinite."""
    finite = np.isfinite(values)
    known = values[finite]
    count = int(min(most, max(4, len(known) // 20)))
    distinct = np.unique(known)
    if len(distinct) <= count:
        edges = distinct[1:]
    else:
        edges = np.unique(np.quantile(known, np.linspace(0, 1, count + 1)[1:-1]))
    return np.where(finite, np.searchsorted(edges, values, side="right") + 1, 0)


def folds_of(table: Table, n: int) -> np.ndarray:
    """Return a fold for each of n rows."""
    return table.rng(_SALT).permutation(np.arange(n) % FOLDS)


def make_judge(table: Table, rows: np.ndarray) -> Judge:
    """Return a function that scores bins of the given rows."""
    folds = folds_of(table, len(rows))
    if table.task == "regression":
        return _number_judge(table.target[rows].astype(np.float64), folds)
    return _class_judge(table.class_codes()[rows], len(table.classes), folds)


def _class_judge(classes: np.ndarray, count: int, folds: np.ndarray) -> Judge:
    # The rarest classes of many say little and cost much.
    common = np.argsort(-np.bincount(classes, minlength=count), kind="stable")[:_MOST_CLASSES]
    judged = common[:1] if count == 2 else common
    place = np.full(count, len(judged))
    place[judged] = np.arange(len(judged))
    column = place[classes]
    width = len(judged) + 1

    def fold_areas(held: np.ndarray, learned: np.ndarray) -> np.ndarray:
        seen = learned.sum(axis=1)
        prior = learned.sum(axis=0) / max(seen.sum(), 1)
        mean = (learned + _PRIOR_ROWS * prior) / (seen[:, None] + _PRIOR_ROWS)
        rest = held.sum(axis=1)
        return np.array([area(mean[:, k], held[:, k], rest - held[:, k]) for k in range(width - 1)])

    def judge(bins: np.ndarray) -> float:
        size = int(bins.max()) + 1
        flat = (folds * size + bins) * width + column
        counts = np.bincount(flat, minlength=FOLDS * size * width).reshape(FOLDS, size, width)
        whole = counts.sum(axis=0)
        areas = np.concatenate([fold_areas(held, whole - held) for held in counts])
        areas = areas[np.isfinite(areas)]  # a fold may lack a class
        return float(np.clip(2 * areas.mean() - 1, 0, 1)) if len(areas) else 0.0

    return judge


def area(scores: np.ndarray, positive: np.ndarray, negative: np.ndarray) -> float:
    """Return the area under the ROC curve of bins with scores and counts."""
    total = positive.sum() * negative.sum()
    if total == 0:
        return np.nan
    levels, place = np.unique(scores, return_inverse=True)
    up = np.bincount(place, positive, minlength=len(levels))
    down = np.bincount(place, negative, minlength=len(levels))
    below = np.cumsum(down) - down
    return float((up * (below + down / 2)).sum() / total)


def _number_judge(values: np.ndarray, folds: np.ndarray) -> Judge:
    centred = values - values.mean()
    total = float((centred**2).sum())

    def judge(bins: np.ndarray) -> float:
        size = int(bins.max()) + 1
        flat = folds * size + bins
        n = np.bincount(flat, minlength=FOLDS * size).reshape(FOLDS, size)
        s = np.bincount(flat, centred, minlength=FOLDS * size).reshape(FOLDS, size)
        learned_n = n.sum(axis=0) - n
        learned_s = s.sum(axis=0) - s
        prior = learned_s.sum(axis=1, keepdims=True) / np.maximum(
            learned_n.sum(axis=1, keepdims=True), 1
        )
        guess = (learned_s + _PRIOR_ROWS * prior) / (learned_n + _PRIOR_ROWS)
        # sum (y - g)^2 = sum y^2 - 2 g sum y + n g^2
        saved = (2 * guess * s - n * guess**2).sum()
        return float(np.clip(saved / total, 0, 1)) if total > 0 else 0.0

    return judge


def _line(table: Table, rows: np.ndarray, values: np.ndarray) -> float:
    """Return the out-of-sample R2 of a straight line through one number."""
    target = table.target[rows].astype(np.float64)
    folds = folds_of(table, len(rows))
    finite = np.isfinite(values)
    if finite.sum() < 2 * FOLDS:
        return 0.0
    x = np.where(finite, values, values[finite].mean())
    spread = x.std()
    if not np.isfinite(spread) or spread == 0:
        return 0.0
    x = (x - x.mean()) / spread
    y = target - target.mean()
    error = 0.0
    for fold in range(FOLDS):
        held = folds == fold
        a, b = x[~held], y[~held]
        slope = ((a - a.mean()) * (b - b.mean())).sum() / max(((a - a.mean()) ** 2).sum(), 1e-300)
        error += float(((y[held] - b.mean() - slope * (x[held] - a.mean())) ** 2).sum())
    total = float((y**2).sum())
    return float(np.clip(1 - error / total, 0, 1)) if total > 0 else 0.0


def _words(table: Table, rows: np.ndarray, series: pd.Series) -> float:
    """Return how well a linear model on hashed words predicts the target."""
    from sklearn.feature_extraction.text import HashingVectorizer
    from sklearn.linear_model import Ridge
    from sklearn.naive_bayes import MultinomialNB

    keep = table.sample(np.arange(len(rows)), _TEXT_ROWS, _SALT + 1)
    words = HashingVectorizer(n_features=2**12, alternate_sign=False, norm=None).transform(
        series.iloc[keep].fillna("").astype(str)
    )
    folds = np.arange(len(keep)) % FOLDS
    if table.task == "regression":
        target = table.target[rows][keep].astype(np.float64)
        guess = np.full(len(keep), target.mean())
        for fold in range(FOLDS):
            held = folds == fold
            model = Ridge(alpha=10.0, random_state=0).fit(words[~held], target[~held])
            guess[held] = model.predict(words[held])
        total = ((target - target.mean()) ** 2).sum()
        return float(np.clip(1 - ((target - guess) ** 2).sum() / total, 0, 1)) if total else 0.0
    classes = table.class_codes()[rows][keep]
    areas = []
    for fold in range(FOLDS):
        held = folds == fold
        if len(np.unique(classes[~held])) < 2:
            continue
        model = MultinomialNB().fit(words[~held], classes[~held])
        scores = model.predict_proba(words[held])
        for k, label in enumerate(model.classes_):
            hit = classes[held] == label
            areas.append(area(scores[:, k], hit.astype(float), (~hit).astype(float)))
    found = np.array(areas)
    found = found[np.isfinite(found)]
    return float(np.clip(2 * found.mean() - 1, 0, 1)) if len(found) else 0.0


def _pictures(table: Table, rows: np.ndarray, series: pd.Series) -> float:
    """Return how well a linear model on brightness and edges predicts the target."""
    from sklearn.linear_model import Ridge

    keep = table.sample(np.arange(len(rows)), _IMAGE_ROWS, _SALT + 2)
    matrix = np.column_stack(list(image_numbers(series.iloc[keep]).values()))
    spread = np.nanstd(matrix, axis=0) if np.isfinite(matrix).any() else np.zeros(1)
    if not (spread > 0).any():
        return 0.0
    matrix = matrix[:, spread > 0]
    matrix = np.nan_to_num((matrix - np.nanmean(matrix, axis=0)) / spread[spread > 0])
    folds = np.arange(len(keep)) % FOLDS
    regression = table.task == "regression"
    if regression:
        target = table.target[rows][keep].astype(np.float64)[:, None]
    else:
        target = (table.class_codes()[rows][keep][:, None] == np.arange(len(table.classes))) * 1.0
    guess = np.zeros(target.shape)
    for fold in range(FOLDS):
        held = folds == fold
        model = Ridge(alpha=100.0).fit(matrix[~held], target[~held])
        guess[held] = model.predict(matrix[held]).reshape(-1, target.shape[1])
    if regression:
        total = float(((target - target.mean()) ** 2).sum())
        return float(np.clip(1 - ((target - guess) ** 2).sum() / total, 0, 1)) if total else 0.0
    found = np.array([area(guess[:, k], target[:, k], 1 - target[:, k])
                      for k in range(target.shape[1])])  # fmt: skip
    found = found[np.isfinite(found)]
    return float(np.clip(2 * found.mean() - 1, 0, 1)) if len(found) else 0.0
