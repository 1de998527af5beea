"""The SHAP values of one more test row, computed as those of the explained rows were."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from toolkit import table
from toolkit.errors import DataError
from toolkit.explain.assemble import attribution_frame
from toolkit.explain.shap.attribution import explain_rows
from toolkit.explain.shap.background import Reference, references
from toolkit.explain.shap.budgeted_values import gradient_plan
from toolkit.explain.shap.request import EXPECTED_GRADIENTS, INTERVENTIONAL, ExplainRequest
from toolkit.explain.shap.sampling import FeatureGroups
from toolkit.explain.shap.strategies import SUM_CHECK_ROWS, corrected
from toolkit.table.predictor import Additive, Differentiable, Smooth

if TYPE_CHECKING:
    import pandas as pd

    from toolkit.artifacts import Explanation
    from toolkit.forests import AdditiveModel
    from toolkit.run.stage import Stage
    from toolkit.table import Predictor


def row_explainer(
    stage: Stage, model: Predictor, explanation: Explanation
) -> Callable[[int], pd.DataFrame]:
    """Return a function that explains one more test row, against the same background.

    It takes a row's number in the table and gives lines as in `Attributions`.

    Raises
    ------
    DataError
        By that function, for a row that is not among the test rows.
    """
    test, train = table.load_part(stage, "test"), table.load_part(stage, "train")
    place = {int(row): i for i, row in enumerate(test.rows)}
    reference = references(stage, train)
    own = [name for name in test.frame.columns if name in model.columns]
    common: list[ExplainRequest] = []  # all of the request but the row, once it is needed

    def one(row: int) -> pd.DataFrame:
        if row not in place:
            raise DataError(
                f"row {row} is not a test row",
                expected=f"one of {len(place):,} rows, such as {test.rows[0]}",
            )
        frame = test.frame.iloc[[place[row]]]
        if not common:
            groups = _groups(explanation, own)
            common.append(_request(stage, model, explanation, reference, frame, groups))
        return attribution_frame(explain_rows(replace(common[0], frame=frame, rows=[row])))

    return one


def _groups(explanation: Explanation, own: list[str]) -> FeatureGroups:
    """Return the groups of columns that have a value in the explanation."""
    if not explanation.grouped:
        return FeatureGroups.of_columns(own)
    names = [item.column for item in next(iter(explanation.importance.values()))]
    single = [name for name in own if name not in set(explanation.grouped)]
    group = next(name for name in names if name not in set(own))
    return FeatureGroups([*single, group], [*([n] for n in single), explanation.grouped])


def _request(  # noqa: PLR0917
    stage: Stage,
    model: Predictor,
    explanation: Explanation,
    reference: Reference,
    frame: pd.DataFrame,
    groups: FeatureGroups,
) -> ExplainRequest:
    size = explanation.background or SUM_CHECK_ROWS
    structure = _structure(stage, model, explanation, reference)
    request = ExplainRequest(
        model,
        frame,
        reference.sample(model, size, stage.project.seed)[0],
        groups=groups,
        structure=structure,
        orders=max(1, explanation.permutations // max(1, explanation.background)),
        seed=stage.project.seed,
    )
    if isinstance(structure, Smooth):
        plan = gradient_plan(stage, model, structure, explanation.rows, size)
        return replace(request, points=plan.points)
    perturbation = INTERVENTIONAL if structure is None else explanation.feature_perturbation
    return replace(request, feature_perturbation=perturbation)


def _structure(
    stage: Stage, model: Predictor, explanation: Explanation, reference: Reference
) -> AdditiveModel | Smooth | None:
    """Return what was known of the model when it was explained."""
    by_gradients = explanation.feature_perturbation == EXPECTED_GRADIENTS
    if by_gradients and isinstance(model, Differentiable):
        smooth = model.as_smooth()
        if isinstance(smooth, Smooth):
            return smooth
    if not explanation.exact or not isinstance(model, Additive):
        return None
    additive = model.as_sum()
    if additive is not None and explanation.left_out:
        additive = additive.without_forests(explanation.left_out)
    if additive is not None and explanation.corrected:
        additive = corrected(model, additive, reference, stage.project.seed)
    return additive
