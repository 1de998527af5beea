"""Whether the question can be answered with this table, and how well at best."""

from __future__ import annotations

import math
import weakref
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from toolkit import metrics
from toolkit.artifacts import Check, Feasibility, Suspect
from toolkit.artifacts.base import worst_first
from toolkit.data.leakage.leakage import first_look
from toolkit.data.rows import FrameCache, cells_of, make_table, rows_of
from toolkit.data.scoping import checks
from toolkit.data.split.split import TEST, assign
from toolkit.errors import DataError
from toolkit.table import check_target, class_counts, target_values

if TYPE_CHECKING:
    import pandas as pd

    from toolkit.project.model import Project
    from toolkit.run.stage import Stage

Groups = Mapping[str, Mapping[str, int]]

_Z = 1.959964 + 0.841621  # normal quantiles of 97.5 % (two-sided 5 %) and of 80 % power
_COUNTED = 200_000
"""Rows up to which the test rows are counted; a share of more is near enough."""
_ASSUMED_R2 = 0.5
_ASSUMED_CORRELATION = 0.9


def feasibility(stage: Stage) -> Feasibility:
    """Judge the plan against the table, and write the artefact.

    Raises
    ------
    DataError
        If the target cannot be predicted.
    """
    frame = rows_of(stage)
    project = stage.project
    result = feasibility_of(
        project,
        frame[project.target.column],
        groups_of(project, frame),
        _asked(stage),
        test_rows=count_test_rows(project, frame),
    )
    stage.write(result)
    return result


def count_test_rows(project: Project, frame: pd.DataFrame) -> int | None:
    """Return how many rows the split puts into test; None where it is not worth the time.

    The rows are divided as `make_split` does, since classes, groups, moments and equal rows
    make the number differ from the share.
    """
    if len(frame) > _COUNTED:
        return None
    try:
        return len(assign(make_table(project, frame)).rows(TEST))
    except DataError:  # said by 02_eda, in its own words
        return None


_ASKED: weakref.WeakKeyDictionary[FrameCache, tuple[Project, list[Suspect]]] = (
    weakref.WeakKeyDictionary()
)


def _asked(stage: Stage) -> list[Suspect]:
    """Return `first_look`, anew where the project or the rows changed since."""
    project, cells = stage.project, cells_of(stage)
    if cells not in _ASKED or _ASKED[cells][0] != project:
        _ASKED[cells] = project, first_look(project, cells.frame)
    return _ASKED[cells][1]


def live_feasibility(stage: Stage) -> Callable[[Project], tuple[Feasibility, pd.Series]]:
    """Return a function that judges a changed project, quickly: the table is read once, here.

    The function gives the figures, and the target's column to draw.
    """
    frame = rows_of(stage)
    asked = _asked(stage)  # once: a changed target asks for the whole notebook again
    counted: dict[Any, int | None] = {}

    def judge(project: Project) -> tuple[Feasibility, pd.Series]:
        series = frame[project.target.column]
        key = (repr(project.split), repr(project.target), *project.features(), project.seed)
        if key not in counted:
            counted[key] = count_test_rows(project, frame)
        groups = groups_of(project, frame)
        return feasibility_of(project, series, groups, asked, test_rows=counted[key]), series

    return judge


def groups_of(project: Project, frame: pd.DataFrame) -> dict[str, dict[str, int]]:
    """Return the rows of each group of the protected columns that hold categories.

    Only rows that the fairness metric is over count: positives for equal opportunity, the fewer of
    positives and negatives for equalized odds. Which rows will be flagged is not known yet.
    """
    import pandas as pd

    labels = target_values(frame[project.target.column], project.target)
    known, positive = ~pd.isna(labels), labels == project.target.positive
    masks = {"positives": positive, "negatives": known & ~positive}
    rates = metrics.COMPARED.get(metrics.resolve_fairness(project)[0], ())
    over = [masks.get(metrics.RATE_ROWS[rate], known) for rate in rates] or [known]
    found = {}
    for name in project.protected():
        if name in frame and project.columns[name].type in ("category", "boolean"):
            sizes = [class_counts(frame[name][mask]) for mask in over]
            found[name] = {
                group: min(each.get(group, 0) for each in sizes)
                for group in class_counts(frame[name][known])
            }
    return found


def feasibility_of(
    project: Project,
    target: pd.Series,
    groups: Groups | None = None,
    strongest: Sequence[Suspect] = (),
    *,
    test_rows: int | None = None,
) -> Feasibility:
    """Judge the plan; quick enough to run at every click.

    Parameters
    ----------
    project : Project
        The choices, as they are now.
    target : pandas.Series
        The typed target column.
    groups : mapping, optional
        Rows by group of each protected column, of those that the fairness metric is over.
    strongest : sequence of Suspect
        The features to ask about first.
    test_rows : int, optional
        From `count_test_rows`; without it the split's share is taken, and *about* said.

    Raises
    ------
    DataError
        If the target cannot be predicted.
    ProjectError
        If metric or costs contradict the task.
    """
    meaning = project.target
    target_checks = check_target(target, meaning)
    name, reason = metrics.resolve(project)
    fairness, fairness_reason = metrics.resolve_fairness(project)
    classes = _classes(target, project)
    values, counts = _distribution(target, project, classes)
    rows = int(counts.sum())
    about = test_rows is None
    test_rows = round(rows * project.split.test) if test_rows is None else test_rows
    threshold = metrics.cost_threshold(project.costs) if meaning.task == "binary" else None
    facts = Feasibility(
        task=meaning.task,
        rows=rows,
        classes=classes,
        positive=meaning.positive if meaning.task == "binary" else None,
        metric=name,
        metric_reason=reason,
        fairness_metric=fairness,
        fairness_reason=fairness_reason,
        cost_threshold=threshold,
        constant=_constant(project, values, counts),
        detectable=_detectable(meaning.task, classes, test_rows),
        test_rows=test_rows,
        strongest=list(strongest),
    )
    found: list[Check] = [
        *target_checks,
        *checks.of_rows(facts, about=about),
        *checks.of_split(project),
        *checks.of_metric(project, facts),
        *checks.of_known(project, strongest),
        *checks.of_fairness(project, facts, groups or {}),
        *checks.of_people(project),
    ]
    return facts.model_copy(update={"checks": worst_first(found)})


def _classes(target: pd.Series, project: Project) -> dict[str, int]:
    if project.target.task == "regression":
        return {}
    tally = class_counts(target)
    positive = project.target.positive
    if positive is None:
        return tally
    return {positive: tally[positive]} | tally


def _distribution(
    target: pd.Series, project: Project, classes: Mapping[str, int]
) -> tuple[np.ndarray, np.ndarray]:
    # Metrics take row weights, so a row for each distinct value is enough.
    if project.target.task != "regression":
        labels = np.array(list(classes), dtype=object)
        return labels, np.array(list(classes.values()), dtype="float64")
    numbers = target_values(target, project.target)
    values, counts = np.unique(numbers[~np.isnan(numbers)], return_counts=True)
    return values, counts.astype("float64")


def _constant(project: Project, values: np.ndarray, counts: np.ndarray) -> dict[str, float | None]:
    task = project.target.task
    order = list(values) if task == "multiclass" else list(values)[::-1]
    context = metrics.Context(
        task=task, classes=[] if task == "regression" else order, costs=project.costs
    )
    result: dict[str, float | None] = {}
    for name in metrics.for_task(task):
        scores = metrics.constant_scores(values, len(values), context, metric=name, weights=counts)
        result[name] = metrics.get(name).statistic(values, scores, context)(counts)
    return result


def _detectable(task: str, classes: Mapping[str, int], test_rows: int) -> float | None:
    """Return the smallest difference between two models that the test rows can tell apart.

    Classes: a paired comparison of accuracy (McNemar); with a share of discordant rows d
    it is about z sqrt(d / n), z the sum of the normal quantiles (Connor 1987, "Sample size
    for testing differences in proportions for the paired-sample design"; the small term
    that lowers it is left out). d is taken as e (1 - e), e the error of always guessing
    the largest class: half of what independent errors would give.

    Numbers: a paired comparison of squared errors. For two models of R2 r whose errors
    correlate by c and are normal, their difference over n rows has the standard error
    2 (1 - r) sqrt((1 - c^2) / n) in units of R2; r = 0.5 and c = 0.9 are assumed.
    """
    if test_rows < 2:
        return None
    if task == "regression":
        spread = 2 * (1 - _ASSUMED_R2) * math.sqrt(1 - _ASSUMED_CORRELATION**2)
    else:
        error = 1 - max(classes.values()) / sum(classes.values())
        spread = math.sqrt(error * (1 - error))
    return min(1.0, _Z * spread / math.sqrt(test_rows))
