"""The stage ``explain``: choose rows, explain them, report how exact it is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from toolkit import table
from toolkit.artifacts import Attributions, Explanation
from toolkit.errors import DataError
from toolkit.explain.assemble import artifact, attribution_frame
from toolkit.explain.shap.background import references
from toolkit.explain.shap.explanation_task import ExplanationTask
from toolkit.explain.shap.strategies import STRATEGIES
from toolkit.explain.shap.strategy import first_result

if TYPE_CHECKING:
    from toolkit.run.stage import Stage
    from toolkit.table import Predictor


def explain(stage: Stage, model: Predictor) -> Explanation:
    """Explain the model on test rows against training rows, and write both artefacts.

    Values are on the original columns, in the space that the explanation names: log-odds where
    the model is a sum in them, else the unit of ``model.predict``. Which strategy gave them, and
    why others did not, is part of the explanation.

    Parameters
    ----------
    stage : Stage
        Open, with the split made.
    model : Predictor
        Anything with ``predict``.

    Raises
    ------
    DataError
        When there are no test rows or too few training rows.
    ModelError
        When the model gives a row no number.
    """
    test, train = table.load_part(stage, "test"), table.load_part(stage, "train")
    columns = [name for name in model.columns if name in test.frame.columns]
    if not len(test) or len(train) < 2 or not columns:
        raise DataError(
            f"nothing to explain: {len(test)} test rows, {len(train)} training rows,"
            f" {len(columns)} feature columns",
            remedy="Keep more rows for test in split.test, or give more rows",
        )
    stage.progress("choosing rows to explain")
    task = ExplanationTask(stage, model, test, references(stage, train))
    result = first_result(task, STRATEGIES)
    suspects = [name for name in table.leak_suspects(stage) if name in model.columns]
    explanation = artifact(stage.project, model, result, suspects)
    stage.write(Attributions(attribution_frame(result.values)))
    stage.write(explanation)
    if result.values.additivity_error > result.values.tolerance:
        stage.note("The values do not add up to the output: see the check Additivity")
    return explanation
