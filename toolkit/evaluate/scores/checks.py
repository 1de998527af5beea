"""Checks of an evaluation."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from toolkit import formats, metrics
from toolkit.artifacts import Check
from toolkit.evaluate.scores.scored_rows import ScoredTestRows, calibrated
from toolkit.evaluate.scores.slices import SliceSearch

if TYPE_CHECKING:
    from toolkit.table import Part

_FEW = 100


def about_rows(scored: ScoredTestRows) -> list[Check]:
    """Say so where there are few test rows, or few of a class."""
    n = len(scored.part)
    result = []
    if n < _FEW:
        result.append(
            Check(
                name="Test rows",
                severity="warning",
                message=f"There are only {n} test rows: intervals are wide.",
                remedy="Raise split.test, or give more rows",
            )
        )
    if scored.part.weights is not None:
        weights = scored.part.weights
        alike = float(weights.sum() ** 2 / max((weights**2).sum(), 1e-300))
        result.append(
            Check(
                name="Weighted rows",
                severity="info",
                message=f"Scores count each row by its weight; {n:,} test rows so weighted carry as"
                f" much information as {alike:,.0f} that count alike (Kish 1965).",
            )
        )
    if scored.context.task != "regression":
        labels = scored.part.target.astype(str)
        unseen = sorted(set(labels) - set(scored.context.classes))
        if unseen:
            result.append(
                Check(
                    name="Unknown classes",
                    severity="warning",
                    message=f"{int(np.isin(labels, unseen).sum())} test rows belong to"
                    f" {len(unseen)} classes that are not in the training rows; they count as"
                    f" errors.",
                )
            )
        few = [name for name in scored.context.classes if (labels == name).sum() < 10]
        if few:
            result.append(
                Check(
                    name="Rare classes",
                    severity="warning",
                    message=f"{len(few)} classes have fewer than 10 test rows: results for"
                    " them are statistically unreliable.",
                )
            )
    return result


def of_one_class(scored: ScoredTestRows) -> bool:
    """Whether all test rows are of one class: any score of them is then easily had."""
    return scored.context.task != "regression" and len(set(scored.part.target.astype(str))) < 2


def about_constant(scored: ScoredTestRows, train: Part) -> list[Check]:
    """Compare the model with a constant guess on the same resamples."""
    metric, n = metrics.get(scored.metric), len(scored.part)
    guess = metrics.constant_scores(
        train.target, n, scored.context, metric=scored.metric, weights=train.weights
    )
    gap = metrics.paired_difference(
        metric,
        scored.part.target,
        scored.scores,
        guess,
        scored.context,
        resampling=scored.resampling,
        weights=scored.part.weights,
    )
    alone = of_one_class(scored)
    if alone or gap.value is None or gap.low is None or gap.high is None:
        why = "all test rows are of one class" if alone else "the test rows do not define it"
        return [
            Check(
                name="Better than a constant guess",
                severity="warning",
                message=f"{metric.title} cannot be compared: {why}.",
            )
        ]
    better = gap.low > 0 if metric.greater_is_better else gap.high < 0
    worse = gap.high < 0 if metric.greater_is_better else gap.low > 0
    words = "clearly better" if better else "worse" if worse else "not clearly better"
    return [
        Check(
            name="Better than a constant guess",
            severity="ok" if better else "critical" if worse else "warning",
            message=f"The model is {words} than a constant guess: {metric.title}"
            f" differs by {gap.text(4)}.",
            remedy="" if better else "Find better features or more rows before any use",
        )
    ]


def about_calibration(scored: ScoredTestRows) -> list[Check]:
    """Test whether predicted probabilities and outcomes agree in total."""
    if scored.context.task == "regression":
        return []
    happened, p = calibrated(scored)
    weights = scored.part.weights
    error = metrics.calibration_error(happened, p, weights=weights)
    # What a perfectly calibrated model of these probabilities would show by chance.
    generator = np.random.default_rng(scored.resampling.seed)
    chance = [
        metrics.calibration_error(generator.random(len(p)) < p, p, weights=weights)
        for _ in range(100 if len(p) <= 200_000 else 10)
    ]
    usual = float(np.quantile(chance, 0.95))
    fine = error <= usual
    return [
        Check(
            name="Calibration",
            severity="ok" if fine else "warning",
            message=f"The expected calibration error is {formats.number(error)}; a perfectly"
            f" calibrated"
            f" model would stay below {formats.number(usual)} in 95 of 100 samples of this size.",
            remedy="" if fine else "Do not use the scores as probabilities without recalibration",
        )
    ]


def about_slices(search: SliceSearch) -> list[Check]:
    """Say how many slices were tested and how many are claimed."""
    found = len(search.slices)
    return [
        Check(
            name="Weak slices",
            severity="warning" if found else "ok",
            message=f"{search.tested:,} slices were tested; "
            + (
                f"{found} that the model handles significantly worse are listed."
                if found
                else "none is significantly worse than the other rows."
            ),
        )
    ]
