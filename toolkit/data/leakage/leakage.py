"""Columns that may leak the target: each suspect with its reason in words."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from toolkit.artifacts import LeakSearch, Suspect
from toolkit.data.leakage.agreement import LIMIT
from toolkit.data.leakage.association import associations
from toolkit.data.leakage.column_worth import QuickModel
from toolkit.data.leakage.copies import SALT
from toolkit.data.leakage.evidence import Found, LeakEvidence
from toolkit.data.leakage.formula import Formula, equation, pairs
from toolkit.data.leakage.single_columns import single_columns
from toolkit.data.rows import make_table, rounded
from toolkit.errors import DataError

if TYPE_CHECKING:
    import pandas as pd

    from toolkit.data.rows import Table
    from toolkit.project.model import Project

TOGETHER = "gives the target together with others"
"""How the reason begins for columns that add up to the target."""
_FIRST_ROWS = 10_000
_TESTED = 10
_LISTED = 50


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
    found, looked = single_columns(table, rows, association, threshold)
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
        rng = np.random.default_rng([project.seed, SALT + 2])
        chosen = rng.choice(len(frame), _FIRST_ROWS, replace=False)
        frame = frame.iloc[np.sort(chosen)].reset_index(drop=True)
    unsaid = {n: c.model_copy(update={"known": None}) for n, c in project.columns.items()}
    try:
        table = make_table(project.model_copy(update={"columns": unsaid}), frame)
    except DataError:
        return []
    rows = np.flatnonzero(table.known)
    found, _ = single_columns(table, rows, associations(table, rows, contents=False), LIMIT)
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
    copies = {n for n in open_names if found[n].copy or found[n].named}
    unsuspected = [n for n in model.names if n not in copies]
    tested = [n for n in open_names if found[n].reasons and not found[n].certain]
    tested = [n for n in tested if found[n].copy or found[n].strong or found[n].named]
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


def _suspect(table: Table, name: str, evidence: LeakEvidence) -> Suspect:
    reasons = sorted(evidence.reasons, key=lambda item: -item[0])
    worth = evidence.worth or 0.0
    suspicion = evidence.copy or evidence.strong or evidence.named
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
