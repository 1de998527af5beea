"""Columns that may know the answer: each suspect with its reason in words."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from toolkit.artifacts import Suspect
from toolkit.data.association import Judge, make_judge, number_bins
from toolkit.data.formula import exact_formula
from toolkit.data.relations import spearman
from toolkit.data.rows import numbers, rounded
from toolkit.table.names import words

if TYPE_CHECKING:
    from toolkit.data.rows import Table

Say = Callable[[str, float, str], None]

EXACT = "with others gives the target exactly"
"""How the reason begins for columns that add up to the target."""
_MISSINGNESS = 0.5
_BRIGHTNESS = 0.8
_IDENTIFIER = 0.15
_NAMED = 0.1
_LISTED = 50

# Words of things that are known only once the outcome is.
_AFTERWARDS_TEXT = """
outcome result resolution resolved closed closure final actual realized realised settled
settlement recovered recovery recoveries refund refunded chargeback chargedoff writeoff cancelled
canceled cancellation churned terminated termination discharge discharged deceased death
defaulted delinquent label target predicted prediction proba probability reason approved
rejected decision verdict
"""
_AFTERWARDS = frozenset(_AFTERWARDS_TEXT.split())


def suspects(
    table: Table, rows: np.ndarray, association: dict[str, float | None], threshold: float
) -> list[Suspect]:
    """Return the columns that may leak the target, most suspicious first.

    Parameters
    ----------
    table : Table
        The rows.
    rows : numpy.ndarray
        Positions of the rows to look at; their target is known.
    association : dict
        From `toolkit.data.association.associations`.
    threshold : float
        `eda.leakage_threshold`.
    """
    judge = make_judge(table, rows)
    found: dict[str, list[tuple[float, str]]] = {}

    def suspect(name: str, score: float, reason: str) -> None:
        found.setdefault(name, []).append((score, reason))

    for name, column in table.columns.items():
        if column.role in ("ignore", "group", "weight"):
            continue
        strength = association.get(name) or 0.0
        if column.role == "identifier":
            if strength >= _IDENTIFIER:
                suspect(name, strength, f"an identifier that predicts the target ({strength:.2f}"
                        " of 1): rows were numbered in an order that knows it")  # fmt: skip
            continue
        if strength >= threshold and column.type == "text":
            # A message that can be classified is what text models are for.
            suspect(name, 0.8 * strength, f"its words predict the target ({strength:.2f} of 1, out"
                    " of sample): do they mention the outcome?")  # fmt: skip
        elif column.type == "image":
            _by_picture(table, rows, name, judge, suspect)  # that it shows the class is no leak
        elif strength >= threshold:
            suspect(name, strength, f"alone predicts the target ({strength:.2f} of 1, out of"
                    " sample)")  # fmt: skip
        _by_missing(table, rows, name, judge, suspect)
        _by_name(table, name, strength, suspect)
    _by_order(table, rows, threshold, suspect)
    formula = exact_formula(table, rows, association)
    if formula is not None:
        for name in formula.columns:
            suspect(name, 1.0, f"{EXACT}: {formula.text}")
    _by_date(table, rows, suspect)
    result = []
    for name, reasons in found.items():
        reasons.sort(key=lambda item: -item[0])
        text = "; ".join(reason for _, reason in reasons[:3])
        result.append(
            Suspect(column=name, score=rounded(min(reasons[0][0], 1.0), 4) or 0.0, reason=text)
        )
    result.sort(key=lambda item: -item.score)
    return result[:_LISTED]


def _by_picture(table: Table, rows: np.ndarray, name: str, judge: Judge, suspect: Say) -> None:
    """Images that give their class away by size or brightness, not by what they show."""
    facts = table.image_facts(name).iloc[rows]
    size = facts[["width", "height", "channels"]].fillna(-1).to_numpy()
    bins = np.unique(size, axis=0, return_inverse=True)[1].ravel()
    strength = judge(bins)
    if strength >= _MISSINGNESS:
        suspect(name, strength, f"the size of its images predicts the target ({strength:.2f} of 1,"
                " out of sample): classes come from different sources")  # fmt: skip
    strength = judge(number_bins(facts["brightness"].to_numpy()))
    if strength >= _BRIGHTNESS:
        suspect(name, strength, f"the mean brightness of its images predicts the target"
                f" ({strength:.2f} of 1): were classes taken under different light?")  # fmt: skip


def _by_missing(table: Table, rows: np.ndarray, name: str, judge: Judge, suspect: Say) -> None:
    missing = table.frame[name].iloc[rows].isna().to_numpy()
    if not 0.01 < missing.mean() < 0.99:
        return
    strength = judge(missing.astype(np.int64))
    if strength >= _MISSINGNESS:
        suspect(name, strength, f"whether it is missing predicts the target ({strength:.2f} of 1):"
                " it may be filled in once the outcome is known")  # fmt: skip


def _by_name(table: Table, name: str, strength: float, suspect: Say) -> None:
    target = words(table.project.target.column)
    own = words(name)
    alike = len("".join(target)) >= 4 and (
        set(target) <= set(own) or (len("".join(own)) >= 4 and set(own) <= set(target))
    )
    if alike and strength >= _NAMED:
        suspect(name, 0.4 + 0.5 * strength, "its name looks like the target's, and it predicts it"
                f" ({strength:.2f} of 1)")  # fmt: skip
    later = sorted(set(own) & _AFTERWARDS)
    if later and not alike and strength >= _NAMED:
        suspect(name, 0.3 + 0.5 * strength, f"{later[0]!r} in its name suggests that it is known"
                f" only after the outcome, and it predicts it ({strength:.2f} of 1)")  # fmt: skip


def _by_order(table: Table, rows: np.ndarray, threshold: float, suspect: Say) -> None:
    """Numbers that put the rows in the order of a numeric target, on whatever scale."""
    if table.task != "regression":
        return
    names = [n for n, c in table.columns.items() if c.type == "number" and c.role == "feature"]
    target = table.target[rows].astype(np.float64)
    for start in range(0, len(names), 100):
        part = names[start : start + 100]
        values = [numbers(table.frame[name].iloc[rows]) for name in part]
        found = spearman(np.column_stack([target, *values]))[0, 1:]
        for name, strength in zip(part, found, strict=True):
            if strength >= threshold:
                suspect(name, float(strength), "puts the rows in the target's order (rank"
                        f" correlation {strength:.2f})")  # fmt: skip


def _by_date(table: Table, rows: np.ndarray, suspect: Say) -> None:
    """Dates later than the moment that the row stands for."""
    times = [n for n, c in table.columns.items() if c.role == "time" and c.type == "date"]
    if not times:
        return
    moment = numbers(table.frame[times[0]].iloc[rows])
    for name, column in table.columns.items():
        if column.type != "date" or column.role != "feature" or name == times[0]:
            continue
        values = numbers(table.frame[name].iloc[rows])
        both = np.isfinite(values) & np.isfinite(moment)
        if not both.any():
            continue
        share = float((values[both] > moment[both]).mean())
        if share > 0.01:
            suspect(name, 0.5 + 0.4 * share, f"lies after {times[0]!r} in {share:.0%} of the rows:"
                    " it was not known then")  # fmt: skip
