"""Results of protected groups side by side."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from toolkit import metrics
from toolkit.artifacts import Check, FairnessVerdict, Group, Interval
from toolkit.evaluate.conditions import Conditions, conditions
from toolkit.evaluate.fairness import (
    fairness_statistic,
    fairness_verdict,
    group_rates,
    not_below_zero,
    paired_confidence,
)
from toolkit.evaluate.scored import Scored
from toolkit.project.model import Project

if TYPE_CHECKING:
    import pandas as pd


def compare_groups(
    project: Project, scored: Scored, protected: dict[str, pd.Series]
) -> tuple[list[Group], list[FairnessVerdict], list[Check]]:
    """Return results by group, the verdict for each protected column, and remarks.

    Numbers such as an age are cut at their quartiles. Groups smaller than
    `fairness.minimum_group` are shown but not judged. The interval of a difference between
    groups is corrected for the number of pairs of groups.

    Parameters
    ----------
    project : Project
        Its fairness section and protected columns.
    scored : Scored
        The test rows.
    protected : dict of str to pandas.Series
        The protected columns of the test rows, in their order.
    """
    name, _ = metrics.resolve_fairness(project)
    groups, verdicts, checks = [], [], []
    for column, values in protected.items():
        part = conditions(values.rename(column))
        judged = np.bincount(part.codes[part.codes >= 0], minlength=len(part.names))
        enough = judged >= project.fairness.minimum_group
        for place in range(len(part.names)):
            inside = np.flatnonzero(part.codes == place)
            groups.append(
                Group(
                    column=column,
                    group=part.label(place),
                    rows=len(inside),
                    judged=bool(enough[place]),
                    metrics=group_results(scored, inside),
                )
            )
        small = [part.label(i) for i in np.flatnonzero(~enough).tolist()]
        if small:
            checks.append(_too_small(column, small, project.fairness.minimum_group))
        if name != "none":
            verdicts.append(judge(project, scored, part, enough, name))
    checks += [_remark(verdict) for verdict in verdicts]
    if protected and name == "none":
        checks.append(
            Check(
                name="Fairness",
                severity="info",
                message="Groups are shown and not judged, as the project asks for no fairness"
                " metric.",
                columns=list(protected),
            )
        )
    return groups, verdicts, checks


def group_results(scored: Scored, inside: np.ndarray) -> dict[str, Interval]:
    """Return what is shown of the test rows at some positions."""
    found = {scored.metric: scored.interval(scored.metric, inside)}
    if scored.context.task == "binary":
        actual, decided = flags(scored)
        return {**found, **group_rates(actual[inside], decided[inside], scored.confidence)}
    if scored.context.task == "multiclass":
        return {**found, "accuracy": scored.interval("accuracy", inside)}
    bias = (scored.scores - scored.part.target.astype(np.float64))[inside]
    return {
        **found,
        "mae": scored.interval("mae", inside),
        "mean_error": metrics.interval(
            lambda weights: float(weights @ bias / weights.sum()),
            len(inside),
            resamples=scored.resamples,
            confidence=scored.confidence,
            seed=scored.seed,
        ),
    }


def flags(scored: Scored) -> tuple[np.ndarray, np.ndarray]:
    """Return which rows are positive, and which are decided so (binary)."""
    positive = scored.context.classes[1]
    return scored.part.target == positive, scored.decided == positive


def _errors(scored: Scored) -> np.ndarray:
    """Return each row's error: 1 for a wrong class, or its share of the mean absolute error."""
    if scored.context.task != "regression":
        return (scored.decided.astype(str) != scored.part.target.astype(str)).astype(np.float64)
    size = np.abs(scored.scores - scored.part.target.astype(np.float64))
    return size / size.mean() if size.any() else size


def judge(
    project: Project, scored: Scored, part: Conditions, enough: np.ndarray, name: str
) -> FairnessVerdict:
    """Return the verdict on a fairness metric over the groups that are large enough."""
    limit = project.fairness.limit
    groups = np.where(enough[part.codes], part.codes, -1)
    difference = Interval(value=None)
    if enough.sum() >= 2:
        binary = scored.context.task == "binary"
        none = np.zeros(len(groups), dtype=bool)
        actual, decided = flags(scored) if binary else (none, none)
        statistic = fairness_statistic(name, actual, decided, _errors(scored), groups)
        difference = not_below_zero(
            metrics.interval(
                statistic,
                len(groups),
                resamples=scored.resamples,
                confidence=paired_confidence(scored.confidence, int(enough.sum())),
                seed=scored.seed,
                basic=True,
            )
        )
    return FairnessVerdict(
        column=part.column,
        metric=name,
        difference=difference,
        limit=limit,
        verdict=fairness_verdict(difference, limit),
    )


def _too_small(column: str, small: list[str], least: int) -> Check:
    names = ", ".join(small[:5]) + (f" and {len(small) - 5} more" if len(small) > 5 else "")
    return Check(
        name="Small groups",
        severity="info",
        message=f"{len(small)} groups of {column} have fewer than {least} test rows and are not"
        f" judged: {names}.",
        columns=[column],
    )


def _remark(verdict: FairnessVerdict) -> Check:
    name = verdict.metric.replace("_", " ")
    if verdict.difference.value is None or verdict.verdict == "not judged":
        return Check(
            name="Fairness",
            severity="warning",
            message=f"The {name} of {verdict.column} could not be judged: too few rows in too"
            " few groups.",
            columns=[verdict.column],
            remedy="Collect more rows of the small groups, or lower fairness.minimum_group",
        )
    interval = verdict.difference
    severity = {"within": "ok", "beyond": "critical"}.get(verdict.verdict, "warning")
    return Check.model_validate(
        {
            "name": "Fairness",
            "severity": severity,
            "message": f"The {name} of {verdict.column} is {interval.value:.3g}"
            f" ({interval.low:.3g} to {interval.high:.3g}), {verdict.verdict} the limit of"
            f" {verdict.limit:g}."
            if verdict.verdict != "unclear"
            else f"The {name} of {verdict.column} is {interval.value:.3g} ({interval.low:.3g} to"
            f" {interval.high:.3g}): the interval spans the limit of {verdict.limit:g}.",
            "columns": [verdict.column],
        }
    )
