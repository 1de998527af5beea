"""Reports on single rows, for the rows that a person would ask about first."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from toolkit import metrics, table
from toolkit.artifacts import Attributions, Check, Explanation, RowReport, RowReports
from toolkit.explain.rows.counterfactual import (
    RowCounterfactuals,
    counterfactuals,
    decision_text,
    known_rows,
)
from toolkit.explain.rows.goals import Adverse, CountedModel, Goal, adverse, score_words
from toolkit.explain.rows.limits import Limit, limits
from toolkit.explain.rows.neighbours import Neighbours, importance_weights
from toolkit.explain.rows.reason_codes import reason_codes

if TYPE_CHECKING:
    import pandas as pd

    from toolkit.project.model import Project
    from toolkit.run.stage import Stage
    from toolkit.table import Part, Predictor

SIMILAR = 5
"""Similar rows listed for each row."""


@dataclass(frozen=True)
class _Chosen:
    positions: np.ndarray
    """Of rows with a report, among the test rows."""
    goals: list[Goal]
    outputs: np.ndarray
    adverse_rows: int


def row_reports(stage: Stage, model: Predictor, explanation: Explanation) -> RowReports:
    """Report on the adverse rows nearest to the wanted outcome, and write the artefact.

    Each gets its reasons, the least changes that lead to the wanted outcome, and the training
    rows most like it. Rows are taken from those that were explained.

    Parameters
    ----------
    stage : Stage
        Open, with the explanation written; its section `recourse` says what is done.
    model : Predictor
        Anything with ``predict`` and ``decide``.
    explanation : Explanation
        How the rows were explained.

    Raises
    ------
    ProjectError
        When the section `recourse` names columns or classes that are not there.
    """
    project, outputs = stage.project, CountedModel(model)
    test, train = table.load_part(stage, "test"), table.load_part(stage, "train")
    lines = stage.read(Attributions).frame
    side, limit_of = adverse(project, model), _limits(stage, model, train)
    stage.progress("choosing rows to report on")
    chosen = _choose(project, outputs, side, test, set(lines["row"].tolist()))
    frame = test.frame.iloc[chosen.positions].reset_index(drop=True)
    weights = importance_weights(explanation)
    found = _changes(stage, frame, chosen, limit_of, train, outputs, list(weights))
    stage.progress("looking for similar rows")
    search = Neighbours(train, outputs, weights=weights, seed=project.seed)
    similar = search.of(frame, SIMILAR, chosen.goals)
    by_row = {int(row): some for row, some in lines.groupby("row", sort=False)}
    context = metrics.context_of(model)
    decided = metrics.decide(chosen.outputs, context) if len(frame) else np.zeros(0)
    reports = []
    for i, position in enumerate(chosen.positions):
        row = int(test.rows[position])
        score = float(chosen.goals[i].scores(chosen.outputs)[i])
        reasons, doubtful = reason_codes(
            by_row[row],
            project,
            output=side.output,
            sign=side.sign_of(score),
        )
        reports.append(
            RowReport(
                row=row,
                actual=decision_text(test.target[position]),
                decision=decision_text(decided[i]),
                score=score,
                wanted=chosen.goals[i].wanted,
                reasons=reasons,
                doubtful=doubtful,
                counterfactuals=found[i].counterfactuals,
                blocked=found[i].blocked,
                similar=similar[i],
            )
        )
    result = RowReports(
        task=model.task,
        adverse=side.words,
        wanted_known=bool(side.wanted),
        output=score_words(project, model),
        threshold=model.threshold if model.task == "binary" else None,
        adverse_rows=chosen.adverse_rows,
        compared=search.compared,
        training=len(train),
        evaluations=outputs.rows,
        fixed={name: limit.why for name, limit in limit_of.items() if limit.rule == "fixed"},
        reports=reports,
        checks=_checks(project, side, reports),
    )
    stage.write(result)
    return result


def _limits(stage: Stage, model: Predictor, train: Part) -> dict[str, Limit]:
    found = limits(stage.project, train.frame, train.columns)
    fixed = {name: "the model does not get it" for name in found if name not in model.columns}
    # A change of what is known only after the outcome leads nowhere.
    fixed |= dict.fromkeys(table.leak_suspects(stage), "it may leak the target")
    return {
        name: dataclasses.replace(limit, rule="fixed", why=fixed[name]) if name in fixed else limit
        for name, limit in found.items()
    }


def _choose(
    project: Project, outputs: CountedModel, side: Adverse, test: Part, explained: set[int]
) -> _Chosen:
    """Return the explained rows with an adverse outcome that are nearest to the wanted one."""
    model = outputs.model
    places = np.array([i for i, row in enumerate(test.rows) if int(row) in explained], dtype=int)
    if not len(places) or not side.wanted:
        return _Chosen(places[:0], [], np.zeros((0, max(1, len(model.classes)))), 0)
    found = outputs(test.frame.iloc[places].reset_index(drop=True))
    goal = Goal(model, side.wanted)
    bad, near = ~goal.reached(found), goal.progress(found)
    order = np.lexsort((places, -near))
    kept = order[bad[order]][: project.recourse.rows]
    return _Chosen(places[kept], [goal] * len(kept), found[kept], int(bad.sum()))


def _changes(  # noqa: PLR0917
    stage: Stage,
    frame: pd.DataFrame,
    chosen: _Chosen,
    limit_of: dict[str, Limit],
    train: Part,
    outputs: CountedModel,
    order: list[str],
) -> list[RowCounterfactuals]:
    if not len(frame) or not stage.project.recourse.counterfactuals:
        return [RowCounterfactuals([], "")] * len(frame)
    stage.progress(f"searching changes of {len(frame)} rows")
    known = known_rows(train.frame, train.columns, outputs, stage.project.seed)
    return counterfactuals(
        stage.project, frame, chosen.goals, limit_of, known, outputs, order=order
    )


def _checks(project: Project, side: Adverse, reports: list[RowReport]) -> list[Check]:
    checks = [
        Check(name="Adverse outcome", severity="info", message=side.words, remedy=side.remedy),
        *_protected_checks(project, reports),
    ]
    if not reports:
        return checks
    found = sum(bool(report.counterfactuals) for report in reports)
    bare = sum(not report.reasons for report in reports)
    checks.append(
        Check(
            name="Counterfactuals",
            severity="info",
            message=f"{found} of {len(reports)} rows have a counterfactual"
            " within the limits. It states the model's output, not a real-world effect.",
        )
    )
    if bare:
        checks.append(
            Check(
                name="Rows without a reason",
                severity="warning",
                message=f"For {bare} of {len(reports)} rows no feature contributed to the adverse"
                " outcome by more than two standard errors.",
                remedy="Raise explain.background",
            )
        )
    return checks


def _protected_checks(project: Project, reports: list[RowReport]) -> list[Check]:
    """Return the protected columns that are among the reasons, or that may be changed."""
    pushed: dict[str, list[int]] = {}
    for report in reports:
        for reason in report.reasons:
            if reason.protected:
                pushed.setdefault(reason.column, []).append(report.row)
    checks = [
        Check(
            name="Protected column among the reasons",
            severity="warning",
            message=f"{name} contributed to the adverse outcome of {len(rows)} of"
            f" {len(reports)} rows"
            f" (rows {', '.join(map(str, rows[:5]))}{' …' if len(rows) > 5 else ''}).",
            columns=[name],
            remedy="Ask whether the model may use it: automl.constraints.exclude",
        )
        for name, rows in pushed.items()
    ]
    free = [name for name in project.protected() if project.recourse.change.get(name) == "free"]
    if free:
        checks.append(
            Check(
                name="Protected column may change",
                severity="warning",
                message=f"recourse.change lets {', '.join(free)} change, which people"
                " cannot be asked to do.",
                columns=free,
                remedy="Set it to fixed",
            )
        )
    return checks
