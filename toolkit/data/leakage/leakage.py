"""Columns that may leak the target: each suspect with its reason in words."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from toolkit.artifacts import LeakSearch, Suspect
from toolkit.artifacts.base import Severity
from toolkit.data.correlation import spearman
from toolkit.data.leakage.agreement import LIMIT, Agreement, of_classes, of_numbers
from toolkit.data.leakage.association import Judge, associations, bins_of, make_judge, number_bins
from toolkit.data.leakage.column_worth import QuickModel
from toolkit.data.leakage.formula import Formula, equation, pairs
from toolkit.data.leakage.outcome_names import Hint, hint_of
from toolkit.data.rows import is_numeric, make_table, numbers, rounded
from toolkit.errors import DataError

if TYPE_CHECKING:
    import pandas as pd

    from toolkit.data.rows import Table
    from toolkit.project.model import Column, Project

TOGETHER = "gives the target together with others"
"""How the reason begins for columns that add up to the target."""
_REVERSE = 0.83
_STEP = 0.975
_FEW_LEVELS = 20
_CERTAIN = 0.9
_COARSE_WORTH = 0.05
"""A coarse copy says little of the target where other columns are strong, and is still one."""
_NAMED = 0.5
_PURE = 0.97
_COVERS = 0.4
_STEP_ROWS = 300
_MOST_CLASSES = 0.5
_IDENTIFIER = 0.15
_SIZE = 0.5
_BRIGHTNESS = 0.8
_AGREEMENT_ROWS = 20_000
_FIRST_ROWS = 10_000
_TESTED = 10
_LISTED = 50
_SALT = 137


@dataclass
class LeakEvidence:
    """The evidence that one column leaks the target.

    Attributes
    ----------
    strength : float
        How well it predicts alone, 0 to 1.
    copy : bool
        Whether it gives the target outright in most rows, as a copy does.
    certain : bool
        Whether it is critical whatever other columns can do.
    strong : bool
        Whether it predicts better alone than `eda.leakage_threshold`.
    hint : Hint or None
        What its name says.
    least_worth : float
        What it must be worth among unsuspected columns to be critical.
    worth : float or None
        The share of what unsuspected columns leave open that it closes; None where nobody asked.
    most : str
        The highest severity that it may get.
    reasons : list of (float, str)
    """

    strength: float = 0.0
    copy: bool = False
    certain: bool = False
    strong: bool = False
    least_worth: float = 0.2
    hint: Hint | None = None
    most: Severity = "critical"
    reasons: list[tuple[float, str]] = field(default_factory=list)
    worth: float | None = None

    def say(self, score: float, reason: str) -> None:
        """Add a reason."""
        self.reasons.append((score, reason))


Found = dict[str, LeakEvidence]


def search(
    table: Table,
    rows: np.ndarray,
    association: dict[str, float | None],
    threshold: float,
) -> tuple[list[Suspect], LeakSearch]:
    """Return the columns that may leak the target, most suspicious first, and what was looked at.

    A column is suspected because it determines the target in most rows (in whatever form, by its
    value or by its absence), because it alone predicts better than `threshold`, by its name, or
    together with others. The severity follows from what it adds to columns above suspicion:
    where these carry the same information, it is one of several strong columns.

    Parameters
    ----------
    table : Table
        The rows.
    rows : numpy.ndarray
        Positions of the rows to look at; their target is known.
    association : dict
        From `toolkit.data.leakage.association.associations`.
    threshold : float
        `eda.leakage_threshold`.
    """
    found, looked = _alone(table, rows, association, threshold)
    aside = {name for name, evidence in found.items() if evidence.copy}
    formulas, tried = pairs(table, rows, association, aside)
    exact = equation(table, rows, association)
    model = _weigh(table, rows, found, [*([exact] if exact else []), *formulas], association)
    result = [_suspect(table, name, evidence) for name, evidence in found.items()
              if evidence.reasons]  # fmt: skip
    result.sort(key=lambda item: (item.severity != "critical", -item.score))
    plain = {n: association.get(n) or 0.0 for n in looked if n not in {s.column for s in result}}
    strongest = max(plain, key=lambda name: plain[name], default="")
    return result[:_LISTED], LeakSearch(
        columns=len(looked),
        gaps=sum(bool(table.frame[name].isna().any()) for name in looked),
        pairs=tried,
        rows=len(rows),
        strongest=strongest,
        strength=rounded(plain.get(strongest, 0.0), 3) or 0.0,
        unsuspected=None if model is None else rounded(model, 3),
        limit=LIMIT,
    )


def first_look(project: Project, frame: pd.DataFrame) -> list[Suspect]:
    """Return the ten features to ask about first, when each is known, from a sample of rows.

    Ranked by how well each predicts alone, by what looks like a copy of the target, and by name;
    columns above suspicion are of severity ``info``. Texts and images are left out, and what a
    column adds to others is not measured. Nothing is returned where the target of
    the sample has one value, or cannot be predicted at all.
    """
    if len(frame) > _FIRST_ROWS:
        rng = np.random.default_rng([project.seed, _SALT + 2])
        chosen = rng.choice(len(frame), _FIRST_ROWS, replace=False)
        frame = frame.iloc[np.sort(chosen)].reset_index(drop=True)
    unsaid = {n: c.model_copy(update={"known": None}) for n, c in project.columns.items()}
    try:
        table = make_table(project.model_copy(update={"columns": unsaid}), frame)
    except DataError:
        return []
    rows = np.flatnonzero(table.known)
    found, _ = _alone(table, rows, associations(table, rows, contents=False), LIMIT)
    asked = []
    for name, evidence in found.items():
        if table.columns[name].use != "feature":
            continue
        said = sorted(evidence.reasons, key=lambda item: -item[0])
        answer = project.columns[name].known
        asked.append(
            Suspect(
                column=name,
                score=rounded(evidence.strength, 3) or 0.0,
                reason="; ".join(dict.fromkeys(reason for _, reason in said)),
                severity="warning" if said else "info",
                resolved=f"known {answer} the outcome, says project.yaml" if answer else "",
            )
        )
    rank = {n: e.strength + e.copy + 0.3 * bool(e.reasons) for n, e in found.items()}
    asked.sort(key=lambda item: (-rank[item.column], item.column))
    return asked[:_TESTED]


def _alone(
    table: Table, rows: np.ndarray, association: dict[str, float | None], threshold: float
) -> tuple[Found, list[str]]:
    """Return the evidence against single columns, and which were examined."""
    judge = make_judge(table, rows)
    agreement = _Agreements(table, rows)
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
        agreement.look(name, column, evidence)
    _by_order(table, rows, threshold, found)
    _by_date(table, rows, found)
    return found, [n for n in found if table.columns[n].role != "identifier"]


class _Agreements:
    """Looks for copies of the target among columns, and among their gaps."""

    def __init__(self, table: Table, rows: np.ndarray) -> None:
        self.rows = table.sample(rows, _AGREEMENT_ROWS, _SALT)
        self.table = table
        self.halves = table.rng(_SALT + 1).permutation(np.arange(len(self.rows)) % 2)
        self.classes = table.class_codes()[self.rows] if table.classes else None
        self.target = table.target[self.rows] if self.classes is None else None
        self.count = len(table.classes)

    def of(self, bins: np.ndarray, levels: int, values: np.ndarray | None = None) -> Agreement:
        if self.classes is not None:
            return of_classes(bins, self.classes, self.count, levels, self.halves)
        assert self.target is not None
        return of_numbers(values, bins, self.target.astype(np.float64))

    def look(self, name: str, column: Column, evidence: LeakEvidence) -> None:
        """Say whether a column, or its gaps, agree with the target."""
        series = self.table.frame[name].iloc[self.rows]
        missing = series.isna().to_numpy()
        if 0.01 < missing.mean() < 0.99:
            gaps = self.of(missing.astype(np.int64) + 1, 2)
            score = max(gaps.given if self.count else 0.0, gaps.reverse)
            if score >= LIMIT:
                evidence.copy = True
                evidence.certain = score >= _CERTAIN
                evidence.least_worth = _COARSE_WORTH
                evidence.say(score, f"whether it is missing agrees with the target ({score:.2f} of"
                             " 1): it may be filled in once the outcome is known")  # fmt: skip
        if column.type in ("text", "image"):
            return
        ordered = is_numeric(column)
        bins, levels = bins_of(series, ordered), int(series.nunique())
        found = self.of(bins, levels, numbers(series) if ordered else None)
        few = levels <= _FEW_LEVELS or not ordered
        stepped = found.step >= _STEP and (few or len(series) >= _STEP_ROWS)
        mutual = found.reverse >= (LIMIT if levels <= 2 else _REVERSE)
        evidence.strength = max(evidence.strength, found.given, found.reverse * mutual)
        if (found.given >= LIMIT and stepped) or mutual:
            by_values, evidence.copy = not evidence.copy, True
            evidence.certain |= (
                found.given >= _CERTAIN and (found.reverse >= _CERTAIN or not self.count)
            ) or found.reverse >= _CERTAIN
            score = max(found.given, found.reverse)
            if mutual:
                evidence.least_worth = _COARSE_WORTH
            way = (
                "agrees with the target like a copy in which some rows were changed"
                if found.given >= LIMIT
                else "follows from the target, as a coarser copy of it would"
            )
            if by_values and self.count > 2 and not few and found.told < _MOST_CLASSES:
                # A measurement that sets one kind of many apart is what kinds differ in.
                evidence.most = "warning"
                way += ", but only for classes of fewer than half of the rows"
            evidence.say(score, f"{way} ({score:.2f} of 1)")
        elif self.classes is not None and not ordered:
            self._partial(bins, evidence)

    def _partial(self, bins: np.ndarray, evidence: LeakEvidence) -> None:
        """Values that stand in rows of one class only, and in much of it."""
        assert self.classes is not None
        size = int(bins.max()) + 1
        counts = np.zeros((2, size, self.count))
        np.add.at(counts, (self.halves, bins, self.classes), 1)
        total = counts.sum(axis=(0, 1))
        for k in range(self.count):
            if total[k] < 50:
                continue
            least = max(_PURE, 0.9 + 0.1 * total[k] / total.sum())
            learned = counts[0, :, k] / np.maximum(counts[0].sum(axis=1), 1)
            pure = (learned >= least) & (counts[0].sum(axis=1) >= 10)
            held = counts[1][pure]
            inside = held[:, k].sum()
            covers = inside / max(counts[1][:, k].sum(), 1)
            if covers >= _COVERS and inside / max(held.sum(), 1) >= least:
                evidence.copy = True
                evidence.strength = max(evidence.strength, float(covers))
                label = self.table.classes[k]
                evidence.say(0.9, f"has values that occur almost only in rows of class {label!r},"
                             f" in {covers:.0%} of them")  # fmt: skip
                return


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
        evidence.most = "critical" if strength >= _CERTAIN else "warning"
        evidence.certain = True
        evidence.say(strength, "the size of its images predicts the target"
                     f" ({strength:.2f} of 1, out of sample): classes come from different"
                     " sources")  # fmt: skip
    strength = judge(number_bins(facts["brightness"].to_numpy()))
    if strength >= _BRIGHTNESS:
        if strength >= _CERTAIN:
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


def _weigh(
    table: Table,
    rows: np.ndarray,
    found: Found,
    formulas: list[Formula],
    association: dict[str, float | None],
) -> float | None:
    """Say what suspected columns would be worth; return what a quick model makes of the others."""
    open_names = [n for n in found if table.columns[n].use in ("feature", "time")]
    open_names.sort(key=lambda n: (not found[n].reasons, -(association.get(n) or 0.0)))
    model = QuickModel(table, rows, open_names)
    copies = {n for n in open_names if found[n].copy or (_named(found[n]))}
    unsuspected = [n for n in model.names if n not in copies]
    tested = [n for n in open_names if found[n].reasons and not found[n].certain]
    tested = [n for n in tested if found[n].copy or found[n].strong or _named(found[n])]
    for name in sorted(tested, key=lambda n: -found[n].strength)[:_TESTED]:
        others = [n for n in unsuspected if n != name]
        without, whole = model.score(others), model.score([*others, name])
        # Of the last tenth, a large share is a small gain.
        found[name].worth = worth = max(whole - without, 0.0) / max(1 - without, 0.1)
        if worth >= found[name].least_worth:
            found[name].reasons.append((0.0, f"a quick model of the other columns reaches"
                                        f" {without:.2f}, with it {whole:.2f}"))  # fmt: skip
    for formula in formulas:
        names = formula.columns
        if formula.exact:
            held = "exactly" if formula.share > 0.999 else f"in {formula.share:.0%} of the rows"
            text = f"{TOGETHER} {held}: {formula.text}"
        else:
            others = [n for n in unsuspected if n not in names]
            # Trees find it hard to see what only two columns together say: give it to them.
            model.add(formula.text, formula.combined(table, model.rows))
            without, whole = model.score(others), model.score([*others, formula.text])
            if whole - without < LeakEvidence.least_worth * (1 - without):
                continue
            text = f"{TOGETHER} ({formula.share:.2f} of 1): {formula.text}"
        for name in names:
            found[name].certain = True
            found[name].say(1.0 if formula.exact else formula.share, text)
    return model.score(unsuspected) if unsuspected else None


def _named(evidence: LeakEvidence) -> bool:
    return (
        evidence.hint is not None
        and not evidence.hint.early
        and evidence.strength >= max(_NAMED, evidence.hint.least)
    )


def _suspect(table: Table, name: str, evidence: LeakEvidence) -> Suspect:
    reasons = sorted(evidence.reasons, key=lambda item: -item[0])
    worth = evidence.worth or 0.0
    suspicion = evidence.copy or evidence.strong or _named(evidence)
    critical = evidence.most == "critical" and (
        evidence.certain or (suspicion and worth >= evidence.least_worth)
    )
    feature = table.columns[name].use == "feature"
    doubt = 1 - min(reasons[0][0], 1.0)
    score = 1 - doubt * (1 - 0.3 * (evidence.hint is not None)) * (1 - 0.5 * worth)
    known = table.columns[name].known == "before"
    return Suspect(
        column=name,
        score=rounded(score, 4) or 0.0,
        reason="; ".join(dict.fromkeys(reason for _, reason in reasons[:4])),
        severity="critical" if critical and feature else "warning",
        resolved="known when the prediction is made, says project.yaml" if known else "",
    )
