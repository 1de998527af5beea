"""Evidence of a leak in each column alone: values, name, order, dates, images."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from toolkit.data.correlation import spearman
from toolkit.data.leakage.association import Judge, make_judge, number_bins
from toolkit.data.leakage.copies import CopySearch
from toolkit.data.leakage.evidence import CERTAIN, Found, LeakEvidence
from toolkit.data.leakage.outcome_names import hint_of
from toolkit.data.rows import numbers

if TYPE_CHECKING:
    from toolkit.data.rows import Table

_IDENTIFIER = 0.15
_SIZE = 0.5
_BRIGHTNESS = 0.8


def single_columns(
    table: Table, rows: np.ndarray, association: dict[str, float | None], threshold: float
) -> tuple[Found, list[str]]:
    """Return the evidence against single columns, and which were examined.

    The parameters are those of `toolkit.data.leakage.leakage.search`.
    """
    judge = make_judge(table, rows)
    copies = CopySearch(table, rows)
    found: Found = {}
    for name, column in table.columns.items():
        if column.use in ("ignore", "group", "weight"):
            continue
        evidence = found[name] = LeakEvidence(strength=association.get(name) or 0.0)
        strength = evidence.strength
        if column.role == "identifier":
            if strength >= _IDENTIFIER:
                evidence.say(strength, f"an identifier that predicts the target ({strength:.2f}"
                             " of 1): rows were numbered in its order")  # fmt: skip
            continue
        _by_name(evidence, name, table.project.target.column)
        if column.type == "image":
            _by_picture(table, rows, name, judge, evidence)
        elif column.type == "text":
            # A message that can be classified is what text models are for.
            evidence.most = "warning"
            if strength >= threshold:
                evidence.say(0.8 * strength, f"its words predict the target ({strength:.2f} of 1,"
                             " out of sample): do they mention the outcome?")  # fmt: skip
        elif strength >= threshold:
            evidence.strong = True
            evidence.say(strength, f"alone predicts the target ({strength:.2f} of 1, out of"
                         " sample)")  # fmt: skip
        copies.look(name, column, evidence)
    _by_order(table, rows, threshold, found)
    _by_date(table, rows, found)
    return found, [n for n in found if table.columns[n].role != "identifier"]


def _by_name(evidence: LeakEvidence, name: str, target: str) -> None:
    hint = evidence.hint = hint_of(name, target)
    if hint is None or evidence.strength < hint.least:
        return
    evidence.say(0.35 + 0.5 * evidence.strength, f"its name {hint.reason}, and it predicts the"
                 f" target ({evidence.strength:.2f} of 1)")  # fmt: skip
    if hint.early:
        evidence.most = "warning"


def _by_picture(
    table: Table, rows: np.ndarray, name: str, judge: Judge, evidence: LeakEvidence
) -> None:
    """Images that give their class away by size or brightness, not by what they show."""
    evidence.most = "warning"  # that it shows the class is no leak
    facts = table.image_facts(name).iloc[rows]
    size = facts[["width", "height", "channels"]].fillna(-1).to_numpy()
    strength = judge(np.unique(size, axis=0, return_inverse=True)[1].ravel())
    if strength >= _SIZE:
        evidence.most = "critical" if strength >= CERTAIN else "warning"
        evidence.certain = True
        evidence.say(strength, "the size of its images predicts the target"
                     f" ({strength:.2f} of 1, out of sample): classes come from different"
                     " sources")  # fmt: skip
    strength = judge(number_bins(facts["brightness"].to_numpy()))
    if strength >= _BRIGHTNESS:
        if strength >= CERTAIN:
            evidence.most, evidence.certain = "critical", True
        evidence.say(strength, "the mean brightness of its images predicts the target"
                     f" ({strength:.2f} of 1): were they taken under different light?")  # fmt: skip


def _by_order(table: Table, rows: np.ndarray, threshold: float, found: Found) -> None:
    """Numbers that put the rows in the order of a numeric target, on whatever scale."""
    if table.task != "regression":
        return
    names = [n for n, c in table.columns.items() if c.type == "number" and c.use == "feature"]
    target = table.target[rows].astype(np.float64)
    for start in range(0, len(names), 100):
        part = names[start : start + 100]
        values = [numbers(table.frame[name].iloc[rows]) for name in part]
        ranked = spearman(np.column_stack([target, *values]))[0, 1:]
        for name, strength in zip(part, ranked, strict=True):
            if strength >= threshold:
                found[name].strong = True
                found[name].say(float(strength), "puts the rows in the target's order (rank"
                                f" correlation {strength:.2f})")  # fmt: skip


def _by_date(table: Table, rows: np.ndarray, found: Found) -> None:
    """Dates later than the moment that the row stands for."""
    times = [n for n, c in table.columns.items() if c.role == "time" and c.type == "date"]
    if not times:
        return
    moment = numbers(table.frame[times[0]].iloc[rows])
    for name, column in table.columns.items():
        if column.type != "date" or column.use != "feature" or name == times[0]:
            continue
        values = numbers(table.frame[name].iloc[rows])
        both = np.isfinite(values) & np.isfinite(moment)
        share = float((values[both] > moment[both]).mean()) if both.any() else 0.0
        if share > 0.01:
            found[name].certain |= share >= 0.5
            found[name].say(0.5 + 0.4 * share, f"lies after {times[0]!r} in {share:.0%} of the"
                            " rows: it was not known then")  # fmt: skip
