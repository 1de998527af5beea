"""SHAP values for given rows against a given background."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from toolkit import formats
from toolkit.errors import DataError
from toolkit.explain.shap import exact, expected_gradients, sampling
from toolkit.explain.shap.background_blocks import background_blocks, over_parts
from toolkit.explain.shap.outputs import (
    RowValues,
    in_score_order,
    in_space,
    outputs,
    own_space,
    scorer,
    tolerance,
)
from toolkit.explain.shap.request import EXPECTED_GRADIENTS, TREE_PATH_DEPENDENT, ExplainRequest
from toolkit.explain.shap.sampling import FeatureGroups, TableValueFunction
from toolkit.forests import AdditiveModel
from toolkit.table.predictor import Smooth

EXACT_EVALUATIONS = 400_000


def explain_rows(request: ExplainRequest) -> RowValues:
    """Return the SHAP values of rows.

    Exact where the model is a sum of trees and terms, or all coalitions cost at most 400,000
    evaluations; else sampled. Expected gradients of a differentiable model.

    Parameters
    ----------
    request : ExplainRequest
        The model, the rows, the background, and how values are computed.

    Raises
    ------
    DataError
        Without a row or a background row.
    ModelError
        When the model gives a row no number.
    """
    frame, background = request.frame, request.background
    if not len(background) or not len(frame):
        raise DataError(
            f"{len(frame)} rows cannot be explained against {len(background)}",
            expected="at least one row and one background row",
        )
    score = scorer(request.model)
    columns = [name for name in request.model.columns if name in frame.columns]
    background = background[columns].reset_index(drop=True)
    background = background.iloc[in_score_order(score(background))].reset_index(drop=True)
    request = replace(
        request,
        frame=frame[columns].reset_index(drop=True),
        background=background,
        rows=range(len(frame)) if request.rows is None else request.rows,
        groups=request.groups or FeatureGroups.of_columns(columns),
    )
    return _verified(request, score, _estimate(request, score))


@dataclass(frozen=True)
class _Estimate:
    """Values and errors, each (n, groups, outputs), and how they were computed."""

    shap: np.ndarray
    error: np.ndarray
    method: str
    sampled: bool = False
    evaluations: int = 0
    base: np.ndarray | None = None
    parts: Sequence[np.ndarray] = ()
    by_part: np.ndarray | None = None
    """Values against each part of the background, (parts, n, groups, outputs)."""

    def with_remainder(self, rest: _Estimate) -> _Estimate:
        """Return the values of the exact summands plus those of the estimated remainder.

        Another background would change both, together or against each other. So the standard
        error comes from the spread of their sum over parts of the background.
        """
        assert self.by_part is not None
        assert rest.by_part is not None
        shap, error = over_parts(self.by_part + rest.by_part, self.parts)
        return _Estimate(
            shap,
            error if len(self.parts) > 1 else rest.error,
            f"{self.method}; the rest: {rest.method}",
            rest.sampled,
            rest.evaluations,
        )


def _estimate(request: ExplainRequest, score: sampling.Score) -> _Estimate:
    """Return the values by the method that the request's structure allows."""
    structure = request.structure
    if isinstance(structure, Smooth):
        return _expected_gradients(request, structure, score)
    if structure is None:
        return _permutation(request, score)
    if request.feature_perturbation == TREE_PATH_DEPENDENT:
        return _tree_path_dependent(request, structure)
    found = _additive(request, structure)
    if structure.rest is None:
        return found
    return found.with_remainder(_permutation(request, structure.rest, found.parts))


def _verified(request: ExplainRequest, score: sampling.Score, found: _Estimate) -> RowValues:
    """Return the values with their additivity error."""
    model, frame, background = request.model, request.frame, request.background
    structure, perturbation, slack = request.structure, request.feature_perturbation, 1.0
    additive = structure if isinstance(structure, AdditiveModel) else None
    if isinstance(structure, Smooth):
        perturbation, slack = EXPECTED_GRADIENTS, expected_gradients.TOLERATED
    space = own_space(model) if additive is None else additive.space
    in_own_space = in_space(score, space)
    # The rows are scored again, alone and in another order: that finds a model that gives a
    # row another output the second time.
    output = in_own_space(frame.iloc[::-1].reset_index(drop=True))[::-1]
    reference = in_own_space(background)
    base = reference.mean(axis=0) if found.base is None else found.base
    error = float(np.abs(base + found.shap.sum(axis=1) - output).max())
    evaluations = found.evaluations + 2 * len(background) + len(frame)
    if additive is not None:
        error = max(error, exact.sum_error(additive, in_own_space, frame, background))
        evaluations += exact.MIXTURES + min(len(frame), exact.MIXTURES)
    assert request.groups is not None
    return RowValues(
        rows=np.asarray(request.rows, dtype=np.int64),
        groups=request.groups,
        classes=outputs(model),
        base=base,
        output=output,
        shap=found.shap,
        standard_error=found.error,
        method=found.method,
        feature_perturbation=perturbation,
        space=space,
        exact=[] if additive is None else additive.kinds(),
        left_out=[] if additive is None else list(additive.forests_left_out),
        corrected=additive is not None and additive.corrected,
        sampled=found.sampled,
        evaluations=evaluations,
        additivity_error=error,
        tolerance=tolerance(np.concatenate([output, reference]), space) * slack,
        frame=frame,
        kinds={name: model.columns[name].type for name in frame.columns},
    )


def _additive(request: ExplainRequest, additive: AdditiveModel) -> _Estimate:
    alone = additive.rest is None
    parts = background_blocks(len(request.background), 1 if alone else 2)
    values = exact.AdditiveShap(additive, request.frame, request.background, request.threads)
    by_part = values.values(parts, request.progress if alone else None)
    shap, error = over_parts(by_part, parts)
    words = {
        "trees": "of trees, from their own structure",
        "terms": "of linear terms, in closed form",
    }
    method = f"Exact Shapley values {' and '.join(words[kind] for kind in additive.kinds())}"
    if additive.votes:
        method += ", before votes are scaled to sum 1"
    if additive.forests_left_out:
        kept = len(additive.ensembles)
        method += f" ({kept} of {kept + len(additive.forests_left_out)} forests)"
    if additive.corrected:
        method += ", as far as these are the model"
    elif not alone and not additive.forests_left_out:
        method += f" ({formats.percent(additive.share + additive.linear)} of the model by weight)"
    return _Estimate(shap, error, method, parts=parts, by_part=by_part)


def _tree_path_dependent(request: ExplainRequest, additive: AdditiveModel) -> _Estimate:
    shap, base = exact.tree_path_dependent_values(additive, request.frame, request.threads)
    method = "Exact Shapley values of trees, from their own structure and their training rows"
    return _Estimate(shap, np.zeros_like(shap), method, base=base)


def _expected_gradients(
    request: ExplainRequest, smooth: Smooth, score: sampling.Score
) -> _Estimate:
    found = expected_gradients.expected_gradients(
        smooth,
        request.frame,
        request.background,
        tolerance=tolerance(score(request.background), smooth.space)
        * expected_gradients.TOLERATED
        / 2,
        points=request.points,
        progress=request.progress,
    )
    pairs = len(request.frame) * len(request.background)
    method = (
        "No SHAP values: gradients of the network along straight lines between encoded rows, at"
        f" {found.evaluations / pairs:,.0f} points each in the mean"
    )
    return _Estimate(found.values, found.error, method, evaluations=found.evaluations)


def _permutation(
    request: ExplainRequest, score: sampling.Score, parts: Sequence[np.ndarray] | None = None
) -> _Estimate:
    """Return values from predictions alone; by part of the background where there are `parts`."""
    assert request.groups is not None
    assert request.rows is not None
    orders = request.orders
    function = TableValueFunction(score, request.frame, request.background, request.groups)
    coalitions = function.rows * function.references << min(function.size, 40)
    if coalitions <= EXACT_EVALUATIONS:
        unit, each_row = 1, sampling.enumerated(function)
        method = "Exact Shapley values: all coalitions of columns enumerated"
    else:
        # Of one background row only its pairs of orders can be compared with each other.
        unit = 2 if orders == 1 or function.references == 1 else orders
        seeds = [[request.seed, int(number)] for number in request.rows]
        each_row = sampling.sampled(function, orders, seeds)
        method = (
            f"Permutation SHAP: {orders * function.references:,} sampled orders a row, in"
            " antithetic pairs"
        )
    values, errors, by_part = [], [], []
    for contributions in each_row:
        if parts is not None:
            shape = (function.references, -1, *contributions.shape[1:])
            each = contributions.reshape(shape).mean(axis=1)
            by_part.append(np.stack([each[part].mean(axis=0) for part in parts]))
        value, error = sampling.summarise(contributions, unit)
        values.append(value)
        errors.append(error)
        if request.progress is not None:
            request.progress(len(values), function.rows)
    return _Estimate(
        np.stack(values),
        np.stack(errors),
        method,
        sampled=coalitions > EXACT_EVALUATIONS,
        evaluations=function.evaluations,
        by_part=None if parts is None else np.stack(by_part, axis=1),
    )
