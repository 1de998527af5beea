"""Values of as many rows, against as many background rows, as the project's budget allows."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from toolkit.explain.shap import cost_plan, expected_gradients
from toolkit.explain.shap.attribution import explain_rows
from toolkit.explain.shap.explanation_task import ExplanationTask
from toolkit.explain.shap.outputs import RowValues, outputs, scorer
from toolkit.explain.shap.request import INTERVENTIONAL, TREE_PATH_DEPENDENT, ExplainRequest
from toolkit.explain.shap.sampling import CALL_CELLS, CALL_ROWS, FeatureGroups, differences
from toolkit.explain.shap.screening import screen
from toolkit.forests import AdditiveModel
from toolkit.table.predictor import Smooth

if TYPE_CHECKING:
    import pandas as pd

    from toolkit.run.stage import Stage
    from toolkit.table import Predictor

TRAINING_ROWS = "the trees' training rows, by the counts stored at every split"
"""The background of tree-path-dependent values, in words."""
_SCREEN = 3  # a stream of random numbers
_TIMED = 500
"""Rows by which the time of scoring is estimated."""


@dataclass(frozen=True)
class Provenance:
    """How the values were computed.

    Attributes
    ----------
    plan : CostPlan
        What was affordable.
    screened : int
        Evaluations spent on finding the columns that matter.
    gap : float
        Largest difference of the mean output of the background and of what it was chosen from.
    reference : str
        What it was chosen from, in words.
    """

    plan: cost_plan.CostPlan
    screened: int
    gap: float
    reference: str


def budgeted_values(
    task: ExplanationTask,
    structure: AdditiveModel | Smooth | None,
    background: int,
    feature_perturbation: str = INTERVENTIONAL,
) -> tuple[RowValues, Provenance]:
    """Return the values of the task's rows, or of fewer, and note what was not affordable.

    Parameters
    ----------
    task : ExplanationTask
        What is explained.
    structure, feature_perturbation
        As in `ExplainRequest`.
    background : int
        Background rows, at most.
    """
    stage, model, rows = task.stage, task.model, task.rows
    no_background = feature_perturbation == TREE_PATH_DEPENDENT
    frame, gap = task.reference.sample(model, background, stage.project.seed)
    groups, screened = FeatureGroups.of_columns(task.columns), 0
    plan = cost_plan.CostPlan(len(rows), 0 if no_background else background, 1)
    if isinstance(structure, Smooth):
        plan = gradient_plan(stage, model, structure, len(rows), background)
    elif structure is None or structure.rest is not None:
        if structure is None:
            groups, screened = _groups(task, frame)
        plan = _sampling_plan(task, frame, groups)
    if plan.rows < len(rows):
        rows = task.sample_rows(plan.rows)
    if plan.background < background and not no_background:
        frame, gap = task.reference.sample(model, plan.background, stage.project.seed)
    for sentence in plan.reductions:
        stage.note(f"The explanation would take too long as asked: {sentence}")
    rows = np.sort(rows)
    explained = task.test.frame.iloc[rows]
    stage.progress(f"{plan.words()}: {_cost(model, explained, plan)}")
    values = explain_rows(
        ExplainRequest(
            model,
            explained,
            frame,
            rows=task.test.rows[rows],
            groups=groups,
            structure=structure,
            feature_perturbation=feature_perturbation,
            orders=plan.orders,
            points=plan.points,
            seed=stage.project.seed,
            threads=stage.project.automl.budget.threads,
            progress=_tenths(stage),
        )
    )
    if no_background:
        return values, Provenance(plan, screened, 0.0, TRAINING_ROWS)
    return values, Provenance(plan, screened, gap, task.reference.words)


def _groups(task: ExplanationTask, background: pd.DataFrame) -> tuple[FeatureGroups, int]:
    """Return what gets a value in a wide table, and the evaluations that finding it took."""
    columns = task.columns
    if len(columns) <= cost_plan.MOST_COLUMNS:
        return FeatureGroups.of_columns(columns), 0
    task.stage.progress(f"screening {len(columns):,} columns")
    groups, spent = screen(
        scorer(task.model),
        task.test.frame.iloc[task.rows][columns],
        background[columns],
        cost_plan.SINGLE_COLUMNS,
        [task.stage.project.seed, _SCREEN],
    )
    task.stage.note(
        f"The table is wide: {cost_plan.SINGLE_COLUMNS} columns are explained by themselves and"
        f" {len(groups.columns[-1]):,} together as one"
    )
    return groups, spent


def _sampling_plan(
    task: ExplanationTask, background: pd.DataFrame, groups: FeatureGroups
) -> cost_plan.CostPlan:
    import pandas as pd

    frame = task.test.frame.iloc[task.rows]
    both = pd.concat([frame, background], ignore_index=True)
    differs = differences(both, len(frame), groups).sum(axis=2)
    steps = float(np.maximum(differs - 1, 0).mean())  # evaluations for one order of one pair
    asked = cost_plan.asked(task.stage.project)
    return cost_plan.plan(asked, len(frame), len(background), steps, len(task.columns))


def gradient_plan(
    stage: Stage, model: Predictor, smooth: Smooth, rows: int, background: int
) -> cost_plan.CostPlan:
    """Return how many rows and gradients of expected gradients are affordable."""
    cells = len(smooth.owners) * len(outputs(model))
    asked = cost_plan.asked(stage.project)
    return cost_plan.lines(asked, rows, background, expected_gradients.FEWEST, cells)


def _cost(model: Predictor, frame: pd.DataFrame, plan: cost_plan.CostPlan) -> str:
    """Return in words how long scoring will take here, and how much memory it takes."""
    if not plan.evaluations:
        return "no mixture is scored"
    if plan.points:
        return f"{plan.evaluations:,} at most"
    sample = frame.iloc[np.arange(_TIMED) % len(frame)].reset_index(drop=True)
    clock = time.perf_counter()
    model.predict(sample)
    seconds = (time.perf_counter() - clock) * plan.evaluations / _TIMED
    cells = min(plan.evaluations, CALL_ROWS, CALL_CELLS // max(1, frame.shape[1])) * frame.shape[1]
    return f"at most {seconds:,.0f} s of scoring here, {cells * 8 / 2**20:,.0f} MiB a call"


def _tenths(stage: Stage) -> Callable[[int, int], None]:
    def report(done: int, total: int) -> None:
        if done * 10 // total > (done - 1) * 10 // total:
            stage.progress("explaining rows", done, total)

    return report
