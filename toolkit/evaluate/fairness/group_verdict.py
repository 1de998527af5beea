"""The verdict on groups, and which groups it does not cover."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from toolkit import formats, metrics
from toolkit.artifacts import Check, FairnessVerdict
from toolkit.artifacts.base import COMMON
from toolkit.evaluate.fairness.group_rates import GroupComparison, fairness_verdict
from toolkit.project.model import Project

_RELEVANT = 0.05
"""Share of the rows from which a group is too large to be left out of a verdict in silence."""
_NAMED = 5
LEAKING = "It cannot be judged beside a leak"


def judge(
    project: Project,
    column: str,
    made: GroupComparison,
    labels: Sequence[str],
    codes: np.ndarray,
    *,
    leaks: Sequence[str] = (),
) -> FairnessVerdict:
    """Return the verdict on a fairness metric over the groups that can be compared.

    Where a group of a relevant size cannot be compared, no verdict is *within*.

    Parameters
    ----------
    project : Project
        Its fairness section.
    column : str
        The protected column, or two that are crossed.
    made : GroupComparison
        The groups side by side.
    labels : sequence of str
        Their names.
    codes : ndarray of int64, shape (n,)
        Each row's group.
    leaks : sequence of str
        The model's columns that may leak the target: nothing is judged beside them.
    """
    rows = np.bincount(codes[codes >= 0], minlength=len(labels))
    lacking = describe_lacking(made, labels, codes)
    large = (rows >= made.minimum) | (rows >= _RELEVANT * rows.sum())
    limit = project.fairness.limit
    verdict = fairness_verdict(made.difference, limit)
    if verdict == "within" and (large & ~made.judged & (rows > 0)).any():
        verdict = "unclear"
    reason = _reason(made, verdict, lacking, rows)
    if leaks:
        verdict, reason = "cannot be judged", f"{beside_leaks(leaks)} {reason}".strip()
    return FairnessVerdict(
        column=column,
        metric=made.name,
        difference=made.difference,
        limit=limit,
        verdict=verdict,
        compared=[label for label, enough in zip(labels, made.judged, strict=True) if enough],
        not_compared=lacking,
        reason=reason,
    )


def beside_leaks(leaks: Sequence[str]) -> str:
    """Return why groups cannot be judged beside columns that may leak the target."""
    more = f" and {len(leaks) - 3} more" if len(leaks) > 3 else ""
    verb = "are" if len(leaks) > 1 else "is"
    return (
        f"{LEAKING}: {', '.join(leaks[:3])}{more} {verb} suspected of leaking the target, and"
        " groups look alike where a model knows the outcome."
    )


def describe_lacking(made: GroupComparison, labels: Sequence[str], codes: np.ndarray) -> list[str]:
    """Return the groups that cannot be compared, each as ``B: 54 rows, 1 positive``."""
    rows, found = np.bincount(codes[codes >= 0], minlength=len(labels)), []
    unnamed = 0
    for place in np.flatnonzero(~made.judged).tolist():
        if rows[place] < COMMON:  # to name them would say something of single persons
            unnamed += 1
            continue
        lacks = made.lacks(place)
        said = lacks.endswith((" rows", " row")) and "flagged" not in lacks
        found.append(
            f"{labels[place]}: {formats.rows(rows[place])}" + ("" if said else f", {lacks}")
        )
    if unnamed:
        several = f"{unnamed} groups" if unnamed > 1 else "1 group"
        found.append(f"{several} of fewer than {COMMON} rows")
    return found


def listed(lacking: list[str], made: GroupComparison) -> str:
    """Return groups that cannot be compared, and what they would need, without a full stop."""
    more = f" and {len(lacking) - _NAMED} more" if len(lacking) > _NAMED else ""
    return f"{'; '.join(lacking[:_NAMED])}{more}: too few to compare ({made.needed()})"


def _reason(made: GroupComparison, verdict: str, lacking: list[str], rows: np.ndarray) -> str:
    """Return in a sentence what the verdict does not show of itself; empty if nothing."""
    if not lacking and verdict != "cannot be judged":
        return ""
    names = listed(lacking, made) if lacking else ""
    if verdict != "cannot be judged":
        return (
            f"The verdict covers the other groups only; {len(lacking)} cannot be compared. {names}."
        )
    for rate, base in made.base.items():
        if rows.sum() and not base.sum():
            word = metrics.RATE_ROWS[rate]
            return f"There are no {word} in any group, so the rate over them is undefined."
    said = "No group can be compared" if not made.judged.any() else "Only one group can be compared"
    if made.judged.sum() > 1:
        said = "The errors are too large to be compared"
    return f"{said}. {names}." if names else f"{said}."


def remark(verdict: FairnessVerdict) -> Check:
    """Return a verdict as a check."""
    name = verdict.metric.replace("_", " ")
    interval = verdict.difference
    if interval.value is None or verdict.verdict == "cannot be judged":
        return Check(
            name="Fairness",
            severity="warning",
            message=f"The {name} of {verdict.column} could not be judged. {verdict.reason}",
            columns=[verdict.column],
            remedy=_remedy(verdict),
        )
    said = f"The {name} of {verdict.column} is {formats.number(interval.value)}"
    said += f" ({formats.number(interval.low)} to {formats.number(interval.high)})"
    if fairness_verdict(interval, verdict.limit) == "unclear":
        said += f": the interval spans the limit of {formats.number(verdict.limit, 6)}."
    elif verdict.verdict == "unclear":
        said += (
            f", within the limit of {formats.number(verdict.limit, 6)} between the compared groups."
        )
    else:
        said += f", {verdict.verdict} the limit of {formats.number(verdict.limit, 6)}."
    severity = {"within": "ok", "beyond": "critical"}.get(verdict.verdict, "warning")
    return Check.model_validate(
        {
            "name": "Fairness",
            "severity": severity,
            "message": f"{said} {verdict.reason}".strip(),
            "columns": [verdict.column],
        }
    )


def _remedy(verdict: FairnessVerdict) -> str:
    if verdict.reason.startswith(LEAKING):
        return "Say in 01_scoping when the column is known, and run again from 02_eda"
    # Of a group without positives, no limit however low makes one that can be compared.
    if any(", no " not in text.rpartition(": ")[2] for text in verdict.not_compared):
        return "Collect more such rows of these groups, or lower fairness.minimum_group"
    if verdict.not_compared:
        return "Use a metric over all rows, such as demographic_parity_difference"
    return "One group alone cannot be compared: collect rows of others"
