"""Checks of a model's robustness."""

from __future__ import annotations

from collections.abc import Sequence

from toolkit import formats, metrics
from toolkit.artifacts import Check, Robustness

_FEW = 100
_SAME = 1e-6


def checks(found: Robustness, regression: bool, leaks: Sequence[str] = ()) -> list[Check]:
    """Return remarks on what was found."""
    return [
        *_about_rows(found),
        *_failures(found),
        *_repeatable(found),
        *_strongest(found, leaks),
        *_outside(found, regression),
    ]


def _about_rows(found: Robustness) -> list[Check]:
    result = []
    if found.rows < _FEW:
        result.append(
            Check(
                name="Perturbed rows",
                severity="warning",
                message=f"Only {found.rows} test rows could be perturbed: the results are"
                " imprecise.",
            )
        )
    elif found.rows < found.of_rows:
        result.append(
            Check(
                name="Perturbed rows",
                severity="info",
                message=f"{found.rows:,} of {found.of_rows:,} test rows, drawn at random, were"
                f" perturbed; the model scored {found.evaluations:,} rows.",
            )
        )
    if found.left_out:
        result.append(
            Check(
                name="Columns left out",
                severity="info",
                message=f"{found.left_out:,} columns with which the output differs least were not"
                " perturbed one by one.",
            )
        )
    return result


def _failures(found: Robustness) -> list[Check]:
    """Return one check for each kind of failure, with the columns that bring it about."""
    kinds: dict[str, list[str]] = {}
    reasons: dict[str, str] = {}
    for each in found.failures:
        columns = kinds.setdefault(each.what, [])
        if each.column and each.column not in columns:
            columns.append(each.column)
        reasons.setdefault(each.what, each.reason)
    result = [
        Check(
            name="Refused rows",
            severity="critical",
            message=f"The model cannot score rows with {what}"
            + (f" in {', '.join(columns[:8])}" if columns else "")
            + f": {reasons[what]}",
            columns=columns,
            remedy="Give training rows such values, or catch them before the model is asked",
        )
        for what, columns in kinds.items()
    ]
    if result:
        return result
    return [
        Check(
            name="Refused rows",
            severity="ok",
            message="Missing and unseen values are scored in every column tested.",
        )
    ]


def _repeatable(found: Robustness) -> list[Check]:
    same = next((dose for dose in found.noise if dose.strength == 0), None)
    if same is None or same.score.value is None or found.baseline.value is None:
        return []
    gap = abs(same.score.value - found.baseline.value)
    if gap <= _SAME * max(1.0, abs(found.baseline.value)):
        return []
    return [
        Check(
            name="Repeated scoring",
            severity="warning",
            message=f"The same rows scored twice differ by {formats.number(gap, 2)} in the metric.",
            remedy="Look for randomness in the model before it is used",
        )
    ]


def _strongest(found: Robustness, leaks: Sequence[str]) -> list[Check]:
    """Say where one missing column takes most of what the model is better than a guess by."""
    if not found.missing or found.baseline.value is None or found.constant is None:
        return []
    worst = found.missing[0]
    sign = 1 if metrics.get(found.metric).greater_is_better else -1
    gain = sign * (found.baseline.value - found.constant)
    if worst.harm.value is None or worst.harm.value <= 0 or gain <= 0:
        return []
    share = worst.harm.value / gain
    much = share >= 0.5
    remedy = "Make sure that this column is always filled in when rows are scored" if much else ""
    if worst.column in leaks:
        remedy = (
            "The column may leak the target: say in 01_scoping when it is known. If only after the"
            " outcome, expect the score without it"
        )
    return [
        Check(
            name="Missing columns",
            severity="warning" if much or worst.column in leaks else "info",
            message=f"Without {worst.column} the model loses {formats.percent(share)} of its"
            " gain over a constant guess; no other column costs more.",
            columns=[worst.column],
            remedy=remedy,
        )
    ]


def _outside(found: Robustness, regression: bool) -> list[Check]:
    result = []
    for each in found.outside:
        share = each.share
        words = (
            f"{formats.share(share.value)} of predictions lie outside the training rows' targets"
            f" ({formats.share(each.limit)} of unperturbed rows)"
            if regression
            else f"{formats.share(share.value)} are predicted with a higher confidence than 95 % of"
            f" the test rows"
        )
        bad = each.verdict == "overconfident"
        result.append(
            Check(
                name="Out of distribution",
                severity="warning" if bad else "ok",
                message=f"Of rows with {each.made}, {words}.",
                remedy="Refuse rows outside the training ranges before the model is asked"
                if bad
                else "",
            )
        )
    return result
