"""Baselines: a constant guess and a linear model, scored on the validation rows."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from toolkit import metrics
from toolkit.artifacts import Split, SplitSummary
from toolkit.data.rows import Table, open_table
from toolkit.table import design, effective_columns, make_preprocessor

if TYPE_CHECKING:
    from toolkit.run.stage import Stage

MOST_ROWS = 20_000
MOST_JUDGED = 20_000
_MOST_VALUES = 40_000_000
_TUNING_ROWS = 5_000
_PENALTIES = (0.001, 0.01, 0.1, 1.0)
_ALPHAS = (0.1, 1.0, 10.0, 100.0, 1_000.0)
_SALT = 131


def baseline(stage: Stage) -> SplitSummary:
    """Score a constant guess and a linear model, and write them into `SplitSummary`.

    The linear model is a logistic or ridge regression on the same design that engines take,
    fitted on 20,000 training rows at most; its penalty is chosen by cross-validation within
    the training rows. Both are scored on 20,000 validation rows at most.

    Raises
    ------
    MissingArtifact
        If the rows were not split yet.
    """
    from threadpoolctl import threadpool_limits

    table = open_table(stage)
    part = stage.read(Split).frame["part"].to_numpy(dtype=object)
    summary = stage.read(SplitSummary)
    train = np.flatnonzero((part == "train") & table.known)
    held = np.flatnonzero((part == "validation") & table.known)
    validation = table.sample(held, MOST_JUDGED, _SALT + 3)
    if len(validation) < len(held):
        stage.note(f"the baselines are scored on {len(validation):,} of {len(held):,} rows")
    context = metrics.Context(task=table.task, classes=table.classes, costs=stage.project.costs)
    scores = {
        "constant": metrics.constant_scores(
            table.target[train], len(validation), context, metric=summary.metric
        )
    }
    stage.progress("fitting a linear model")
    if not table.features():
        stage.note("there is no feature column, so there is no linear baseline")
    elif len(set(table.target[train].tolist())) < 2:
        stage.note("the training rows hold one class only, so there is no linear baseline")
    else:
        # Small matrices: threads that wait for each other take several times as long.
        with threadpool_limits(1):
            scores["linear"] = _linear(stage, table, train, validation)
    found = {
        name: metrics.bootstrap(
            metrics.get(summary.metric),
            table.target[validation],
            values,
            context,
            resampling=metrics.Resampling.of(stage.project),
        )
        for name, values in scores.items()
    }
    summary = summary.model_copy(update={"baseline": found})
    stage.write(summary)
    return summary


def _linear(stage: Stage, table: Table, train: np.ndarray, rows: np.ndarray) -> np.ndarray:
    from sklearn.linear_model import LogisticRegression, RidgeCV

    columns = {n: c for n, c in effective_columns(stage.project).items() if n in table.features()}
    limit = min(MOST_ROWS, max(1_000, _MOST_VALUES // max(4 * len(columns), 1)))
    fitted = table.sample(train, limit, _SALT)
    if len(fitted) < len(train):
        stage.note(f"the linear baseline learns from {len(fitted):,} of {len(train):,} rows")
    frame = table.frame[list(columns)]
    known, _ = design(frame.iloc[fitted].reset_index(drop=True), columns)
    asked, _ = design(frame.iloc[rows].reset_index(drop=True), columns)
    preprocessor = make_preprocessor(known)
    matrix = preprocessor.fit_transform(known)
    wanted = preprocessor.transform(asked)
    if matrix.shape[1] > matrix.shape[0]:
        # A ridge penalty only sees the space that the rows span: the same model, far smaller.
        axes = np.linalg.svd(matrix, full_matrices=False)[2].T
        matrix, wanted = matrix @ axes, wanted @ axes
    if table.task == "regression":
        target = table.target[fitted].astype(np.float64)
        centre, spread = target.mean(), target.std() or 1.0
        ridge = RidgeCV(alphas=_ALPHAS).fit(matrix, (target - centre) / spread)
        return np.asarray(ridge.predict(wanted), dtype=np.float64) * spread + centre
    codes = table.class_codes()[fitted]
    tuned = table.sample(np.arange(len(fitted)), _TUNING_ROWS, _SALT + 1)
    penalty = _penalty(matrix[tuned], codes[tuned], table.rng(_SALT + 2))
    model = LogisticRegression(C=penalty, max_iter=300).fit(matrix, codes)
    found = np.zeros((len(rows), len(table.classes)))
    found[:, model.classes_] = model.predict_proba(wanted)
    return found


def _penalty(matrix: np.ndarray, codes: np.ndarray, rng: np.random.Generator) -> float:
    """Return the inverse penalty with the lowest log loss over three folds."""
    from sklearn.linear_model import LogisticRegression

    folds = rng.permutation(np.arange(len(codes)) % 3)
    losses = {}
    for penalty in _PENALTIES:
        loss = 0.0
        for fold in range(3):
            held = folds == fold
            if len(np.unique(codes[~held])) < 2:
                continue
            model = LogisticRegression(C=penalty, max_iter=100).fit(matrix[~held], codes[~held])
            given = np.full((int(held.sum()), int(codes.max()) + 1), 1e-6)
            given[:, model.classes_] = np.maximum(model.predict_proba(matrix[held]), 1e-6)
            loss -= float(np.log(given[np.arange(len(given)), codes[held]]).sum())
        losses[penalty] = loss
    return min(_PENALTIES, key=lambda penalty: losses[penalty])
