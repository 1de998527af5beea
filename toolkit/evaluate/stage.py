"""The stage ``evaluate``: the champion on the test rows."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from toolkit import metrics, table
from toolkit.artifacts import (
    AcceptanceVerdict,
    Evaluation,
    Interval,
    TestPredictions,
)
from toolkit.artifacts.automl import Bin
from toolkit.errors import ProjectError
from toolkit.evaluate.errors.worst_images import mistakes
from toolkit.evaluate.fairness.groups import compare_groups
from toolkit.evaluate.scores import checks, slices
from toolkit.evaluate.scores.conditions import conditions, described, movement
from toolkit.evaluate.scores.scored_rows import (
    ScoredTestRows,
    calibrated,
    protected_columns,
    row_loss,
    score_part,
)
from toolkit.formats import number

if TYPE_CHECKING:
    import pandas as pd

    from toolkit.run.stage import Stage
    from toolkit.table import Predictor


def evaluate(stage: Stage, model: Predictor) -> Evaluation:
    """Hold the model against the test rows, and write the predictions and what came out.

    Parameters
    ----------
    stage : Stage
        Open, with the split made.
    model : Predictor
        Anything with ``predict``.

    Raises
    ------
    DataError
        When there are no test rows.
    ModelError
        When the model gives a row no number.
    ProjectError
        When an acceptance limit names a metric of another task.
    """
    project = stage.project
    _refuse_limits(stage)
    stage.progress("scoring the test rows")
    test, train = table.load_part(stage, "test"), table.load_part(stage, "train")
    scored = score_part(stage, model, test)
    names = metrics.for_task(model.task)
    found = {}
    for done, name in enumerate(names):
        stage.progress("intervals of the metrics", done, len(names))
        found[name] = scored.interval(name)
    constant = {
        name: metrics.get(name)(
            test.target,
            metrics.constant_scores(
                train.target, len(test), scored.context, metric=name, weights=train.weights
            ),
            scored.context,
            test.weights,
        )
        for name in names
    }
    stage.progress("looking for weak slices")
    protected = protected_columns(stage, test)
    search = _slices(scored, protected)
    stage.progress("comparing groups")
    groups, fairness, said = compare_groups(project, scored, protected)
    classes = model.task != "regression"
    evaluation = Evaluation(
        rows=len(test),
        metric=scored.metric,
        metrics=found,
        constant=constant,
        confusion=_confusion(scored) if classes else {},
        cost=found["expected_cost"] if classes else None,
        constant_cost=constant.get("expected_cost"),
        calibration=_calibration(scored),
        slices=search.slices,
        groups=groups,
        fairness=fairness,
        acceptance=_acceptance(stage, found, one_class=checks.of_one_class(scored)),
        mistakes=mistakes(scored),
        checks=[
            *checks.about_rows(scored),
            *checks.about_constant(scored, train),
            *checks.about_calibration(scored),
            *checks.about_slices(search),
            *said,
        ],
    )
    stage.write(TestPredictions(_predictions(scored)))
    stage.write(evaluation)
    return evaluation


def _predictions(scored: ScoredTestRows) -> pd.DataFrame:
    import pandas as pd

    part, columns = scored.part, {}
    columns["row"], columns["actual"] = part.rows, part.target
    for place, name in enumerate(scored.context.classes):
        columns[f"p:{name}"] = scored.scores[:, place]
    columns["predicted"] = scored.decided
    frame = pd.DataFrame(columns)
    if scored.context.task != "regression":
        frame = frame.astype({"actual": "str", "predicted": "str"})
    return frame


def _confusion(scored: ScoredTestRows) -> dict[str, dict[str, int]]:
    classes, actual = scored.context.classes, scored.part.target
    unseen = sorted({str(label) for label in actual} - set(classes))
    everyone = [*classes, *unseen]
    codes = metrics.class_codes(actual, everyone)
    decided = metrics.class_codes(scored.decided, classes)
    counts = np.bincount(codes * len(classes) + decided, minlength=len(everyone) * len(classes))
    cells = counts.reshape(len(everyone), len(classes))
    return {
        name: {other: int(cells[i, j]) for j, other in enumerate(classes)}
        for i, name in enumerate(everyone)
    }


def _calibration(scored: ScoredTestRows) -> list[Bin]:
    """Return bins of the positive class's probability, or of the likeliest class's."""
    if scored.context.task == "regression":
        return []
    happened, p = calibrated(scored)
    return metrics.calibration_bins(
        happened, p, confidence=scored.resampling.confidence, weights=scored.part.weights
    )


def _slices(scored: ScoredTestRows, protected: dict[str, pd.Series]) -> slices.SliceSearch:
    columns = described(scored.part, protected)
    parts = [conditions(values) for values in columns.values()]
    first = scored.scores.reshape(len(scored.part), -1)[:, -1]
    return slices.weakest(
        parts,
        row_loss(scored)[0],
        lambda inside: scored.interval(scored.metric, inside),
        movement=[movement(part.codes, first) for part in parts],
    )


def _refuse_limits(stage: Stage) -> None:
    allowed = metrics.for_task(stage.project.target.task)
    for place, item in enumerate(stage.project.acceptance):
        if item.metric not in allowed:
            raise ProjectError(
                f"{item.metric} does not fit the task {stage.project.target.task}",
                where=f"acceptance[{place}].metric",
                expected=", ".join(allowed),
            )


def _acceptance(
    stage: Stage, found: dict[str, Interval], *, one_class: bool
) -> list[AcceptanceVerdict]:
    result = []
    for item in stage.project.acceptance:
        score = found[item.metric]
        for limit, sign, words in ((item.at_least, 1, "at least"), (item.at_most, -1, "at most")):
            if limit is None:
                continue
            result.append(
                AcceptanceVerdict(
                    metric=item.metric,
                    limit=f"{words} {number(limit, 15)}",
                    bound=limit,
                    score=score,
                    verdict="cannot be judged" if one_class else _held(score, limit, sign),
                )
            )
    return result


def _held(score: Interval, limit: float, sign: int) -> str:
    """Return what an interval says of a limit that is a lower (1) or an upper one (-1)."""
    if score.value is None or score.low is None or score.high is None:
        return "cannot be judged"
    low, high = sorted((sign * score.low, sign * score.high))
    if low >= sign * limit:
        return "met"
    return "missed" if high < sign * limit else "unclear"
