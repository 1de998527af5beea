"""Results of protected groups side by side."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from toolkit import metrics
from toolkit.artifacts import Check, FairnessVerdict, Group, Interval
from toolkit.evaluate.fairness.group_rates import (
    GroupComparison,
    compare,
    group_rates,
    mean_interval,
    rate_rows,
    share_interval,
)
from toolkit.evaluate.fairness.group_verdict import describe_lacking, judge, listed, remark
from toolkit.evaluate.scores.conditions import Conditions, conditions
from toolkit.evaluate.scores.scored_rows import ScoredTestRows
from toolkit.project.model import Project

if TYPE_CHECKING:
    import pandas as pd

_LEVELS = 12
_MOST_LEVELS = 40


def compare_groups(
    project: Project, scored: ScoredTestRows, protected: dict[str, pd.Series]
) -> tuple[list[Group], list[FairnessVerdict], list[Check]]:
    """Return results by group, the verdict for each protected column, and remarks.

    Numbers such as an age are cut at their quartiles. A group with fewer than
    `fairness.minimum_group` of the rows that the fairness metric is over (positives, negatives,
    flagged rows) is shown but not compared.

    Parameters
    ----------
    project : Project
        Its fairness section and protected columns.
    scored : ScoredTestRows
        The test rows.
    protected : dict of str to pandas.Series
        The protected columns of the test rows, in their order.
    """
    name, _ = metrics.resolve_fairness(project)
    least = project.fairness.minimum_group
    groups, verdicts, checks = [], [], []
    for column, values in protected.items():
        part = grouped(values.rename(column), least)
        made = comparison(scored, part.codes, len(part.names), name, least)
        results = group_list(scored, part.codes, len(part.names), made)
        groups += [
            Group.model_validate({"column": column, "group": label, **facts})
            for label, facts in zip(part.labels(), results, strict=True)
        ]
        labels = spoken(project, part)
        small = describe_lacking(made, labels, part.codes)
        if small:
            checks.append(
                Check(name="Small groups", severity="info", columns=[column],
                      message=listed([f"{column} {each}" for each in small], made) + ".")
            )  # fmt: skip
        if name != "none":
            verdict = judge(project, column, made, labels, part.codes, leaks=scored.leaks)
            verdicts.append(verdict)
            checks.append(remark(verdict))
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


def grouped(values: pd.Series, minimum: int, like: pd.Series | None = None) -> Conditions:
    """Divide rows into groups: as `conditions`, but no level of enough rows is put with others.

    Parameters
    ----------
    values : pandas.Series
        A typed column.
    minimum : int
        `fairness.minimum_group`.
    like : pandas.Series, optional
        As in `conditions`.
    """
    seen = values if like is None else like
    large = int((seen.value_counts() >= minimum).sum())
    return conditions(values, levels=min(max(_LEVELS, large + 1), _MOST_LEVELS), like=like)


def spoken(project: Project, part: Conditions) -> list[str]:
    """Return the groups' names as sentences hold them: in quotes where a value may identify."""
    column = project.columns.get(part.column)
    private = column is not None and (column.role == "identifier" or column.type == "text")
    return [repr(label) if private else label for label in part.labels()]


def comparison(
    scored: ScoredTestRows, codes: np.ndarray, count: int, name: str, minimum: int
) -> GroupComparison:
    """Compare groups by a fairness metric, or count their rows where it is ``none``.

    Parameters
    ----------
    scored : ScoredTestRows
        The test rows.
    codes : ndarray of int64, shape (n,)
        Each row's group; -1 leaves it out.
    count : int
        How many groups there are.
    name : str
        The fairness metric.
    minimum : int
        `fairness.minimum_group`.
    """
    actual, decided = flags(scored)
    return compare(
        name if name != "none" else "group_error_difference",
        actual,
        decided,
        _errors(scored),
        codes,
        count=count,
        minimum=minimum,
        confidence=scored.resampling.confidence,
        shares=scored.context.task != "regression",
    )


def group_list(
    scored: ScoredTestRows, codes: np.ndarray, count: int, made: GroupComparison
) -> list[dict[str, object]]:
    """Return, for each group, what `Group` and `Intersection` hold of it."""
    actual, decided = flags(scored)
    found = []
    for place in range(count):
        inside = np.flatnonzero(codes == place)
        results = group_results(scored, inside, made.minimum)
        base = {
            name: int(rate_rows(name, actual[inside], decided[inside]).sum()) for name in results
        }
        found.append(
            {
                "rows": len(inside),
                "judged": bool(made.judged[place]),
                "metrics": results,
                "base": base,
                "too_few": [name for name, rows in base.items() if rows < made.minimum],
            }
        )
    return found


def group_results(scored: ScoredTestRows, inside: np.ndarray, minimum: int) -> dict[str, Interval]:
    """Return what is shown of the test rows at some positions.

    Rates, shares and mean errors have intervals that hold on few rows. The others are
    bootstrapped, which does not hold its level below `minimum` rows: there they have no interval.
    """
    found = {scored.metric: _resampled(scored, inside, minimum)}
    confidence = scored.resampling.confidence
    if scored.context.task == "binary":
        actual, decided = flags(scored)
        return {**found, **group_rates(actual[inside], decided[inside], confidence)}
    if scored.context.task == "multiclass":
        return {**found, "accuracy": _accuracy(scored, inside)}
    bias = scored.scores - scored.part.target.astype(np.float64)
    size, counted = np.abs(bias), _counted(scored, inside)
    mae = mean_interval(size[inside], confidence, float(size.var()), counted)
    low = mae.low if mae.low is None else max(mae.low, 0.0)
    return {
        **found,
        "mae": mae.model_copy(update={"low": low}),
        "mean_error": mean_interval(bias[inside], confidence, float(bias.var())),
    }


def _resampled(scored: ScoredTestRows, inside: np.ndarray, minimum: int) -> Interval:
    found = scored.interval(scored.metric, inside)
    return found if len(inside) >= minimum else Interval(value=found.value)


def _counted(scored: ScoredTestRows, inside: np.ndarray) -> np.ndarray:
    weights = scored.part.weights
    return np.ones(len(inside)) if weights is None else weights[inside]


def _accuracy(scored: ScoredTestRows, inside: np.ndarray) -> Interval:
    """Return the share of right decisions; with weights, on the effective rows (Kish 1965)."""
    weights = _counted(scored, inside)
    total = float(weights.sum())
    if not total:
        return Interval(value=None)
    effective = total**2 / float(weights @ weights)
    share = float(weights @ (1 - _wrong(scored)[inside])) / total
    return share_interval(share * effective, effective, scored.resampling.confidence)


def flags(scored: ScoredTestRows) -> tuple[np.ndarray, np.ndarray]:
    """Return which rows are positive, and which are decided so; none but with two classes."""
    if scored.context.task != "binary":
        none = np.zeros(len(scored.part), dtype=bool)
        return none, none
    positive = scored.context.classes[1]
    return scored.part.target == positive, scored.decided == positive


def _wrong(scored: ScoredTestRows) -> np.ndarray:
    return (scored.decided.astype(str) != scored.part.target.astype(str)).astype(np.float64)


def _errors(scored: ScoredTestRows) -> np.ndarray:
    """Return each row's error: 1 for a wrong class, or its share of the mean absolute error."""
    if scored.context.task != "regression":
        return _wrong(scored)
    target = scored.part.target.astype(np.float64)
    # In units of the largest number, so that neither a difference nor the sum overflows.
    unit = max(np.abs(scored.scores).max(initial=0), np.abs(target).max(initial=0)) or 1.0
    size = np.abs(scored.scores / unit - target / unit)
    return size / size.mean() if size.any() else size
