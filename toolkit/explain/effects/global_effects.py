"""Global effects of the champion, from its predictions alone, in one call and a fixed budget."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from toolkit import formats, table
from toolkit.artifacts import Attributions, Check, Explanation, GlobalEffects
from toolkit.errors import DataError
from toolkit.explain.effects import feature_effects as of_columns
from toolkit.explain.effects.data_support import surroundings
from toolkit.explain.effects.interactions import interactions
from toolkit.explain.effects.permutation_importance import permutation, shap_ranking, stability
from toolkit.explain.effects.sampled_rows import SampledRows, draw
from toolkit.explain.effects.surrogate_tree import surrogate
from toolkit.explain.shap.outputs import unit

if TYPE_CHECKING:
    from toolkit.run.stage import Stage
    from toolkit.table import Part, Predictor

TOP = 8
OUTPUTS = 3
FAITHFUL = 0.7
FLAGGED = 0.2
"""Share of rows outside the data from which a grid value is flagged."""
_COMPARED = 30


def global_effects(stage: Stage, model: Predictor, explanation: Explanation) -> GlobalEffects:
    """Look at the whole model, and write what is seen.

    Effects of the most important columns, their interactions, permutation importance beside
    that by SHAP values, how firm its ranks are, and a small tree that imitates the model. All
    is in the unit of ``model.predict``, whatever the unit of the SHAP values. The model scores
    about 200,000 rows at most, however large the table.

    Parameters
    ----------
    stage : Stage
        Open, with the split made and `Attributions` written.
    model : Predictor
        Anything with ``predict``.
    explanation : Explanation
        For the order of the columns.

    Raises
    ------
    DataError
        When there are no test rows or too few training rows.
    ModelError
        When the model gives a row no number.
    """
    test, train = table.load_part(stage, "test"), table.load_part(stage, "train")
    if not len(test) or len(train) < 2:
        raise DataError(
            f"nothing to look at: {len(test)} test rows, {len(train)} training rows",
            remedy="Keep more rows for test in split.test, or give more rows",
        )
    stage.progress("scoring training rows")
    sample = draw(model, train, stage.project.seed, stage.project.automl.effort)
    shap = shap_ranking(explanation, list(sample.kinds))
    around = surroundings(sample, list(shap)[:_COMPARED])
    able = [name for name in shap if sample.kinds[name] not in ("text", "image")]
    shown = _outputs(sample, train)
    effects = of_columns.effects(
        sample, around, able[:TOP], shown, lambda d, n: stage.progress("effects of columns", d, n)
    )
    stage.progress("interactions")
    varied = [effect.column for effect in effects]
    pairs = interactions(sample, varied)
    stage.progress("shuffling columns")
    shuffled = permutation(sample, test, stage.project, shap, around)
    stage.progress("fitting a surrogate tree")
    tree = surrogate(sample, test, list(shap)[:_COMPARED])
    frame = stage.read(Attributions).frame
    ranked = [name for name in shap if name in set(frame["column"])]
    effects = GlobalEffects(
        suspects=explanation.suspects,
        output=unit(model, stage.project.target.column),
        outputs=shown,
        mean={name: float(sample.scores[:, sample.names.index(name)].mean()) for name in shown},
        rows=len(sample.frame),
        of_rows=sample.of_rows,
        effect_rows=min(sample.fewer(of_columns.PDP_ROWS), len(sample.frame)),
        ale_rows=min(sample.fewer(of_columns.ALE_ROWS), len(sample.frame)),
        evaluations=sample.evaluations,
        effects=effects,
        interactions=pairs,
        permutation=shuffled,
        stability=stability(frame, ranked, stage.project.seed)[:TOP],
        surrogate=tree,
    )
    effects = effects.model_copy(update={"checks": _checks(effects, explanation, able[:TOP])})
    stage.write(effects)
    return effects


def _outputs(sample: SampledRows, train: Part) -> list[str]:
    """Return the one output, or those of the most frequent classes."""
    if len(sample.names) <= OUTPUTS:
        return sample.names
    counts = {name: int((train.target.astype(str) == name).sum()) for name in sample.names}
    chosen = set(sorted(sample.names, key=lambda name: -counts[name])[:OUTPUTS])
    return [name for name in sample.names if name in chosen]


def _checks(effects: GlobalEffects, explanation: Explanation, asked: list[str]) -> list[Check]:
    found = [_fidelity(effects), _agreement(effects), *_extrapolation(effects)]
    constant = [name for name in asked if name not in {each.column for each in effects.effects}]
    if constant:
        found.append(
            Check(name="Columns without effects", severity="info", columns=constant,
                  message="These columns have one value only in the training rows: "
                  f"{', '.join(constant)}.")
        )  # fmt: skip
    if explanation.grouped:
        found.append(
            Check(name="Columns taken together", severity="info",
                  message=f"{len(explanation.grouped):,} columns that were explained as one are"
                  " neither permuted nor ranked.")
        )  # fmt: skip
    return [check for check in found if check is not None]


def _fidelity(effects: GlobalEffects) -> Check | None:
    tree = effects.surrogate
    if tree.r2 is None:
        return Check(name="Surrogate tree", severity="info",
                     message="There is no surrogate tree: the output is constant, or no column"
                     " can be split on.")  # fmt: skip
    low = tree.r2 < FAITHFUL
    return Check(
        name="Surrogate tree",
        severity="warning" if low else "ok",
        message=f"The tree explains {formats.percent(max(tree.r2, 0.0))} of the variance of the"
        f" model's output"
        f" on test rows{': its fidelity is too low' if low else ''}.",
        remedy="Do not explain the model by this tree" if low else "",
    )


def _agreement(effects: GlobalEffects) -> Check | None:
    found = effects.permutation
    if found.columns and found.columns[0].rank is None:
        return Check(name="Permutation importance", severity="info",
                     message=f"{found.metric} is not defined on the test rows, so that no column"
                     " can be ranked by it.")  # fmt: skip
    odd = [each.column for each in found.columns if each.why]
    if not odd:
        return None
    verb = "ranks" if len(odd) == 1 else "rank"
    return Check(
        name="SHAP and permutation importance",
        severity="info",
        message=f"{len(odd)} of {len(found.columns)} columns {verb} differently by permutation than"
        " by SHAP importance.",
        columns=odd,
        remedy="Read the possible reasons in the table",
    )


def _extrapolation(effects: GlobalEffects) -> list[Check]:
    far = [
        each.column
        for each in effects.effects
        if np.mean([share > FLAGGED for share in each.outside]) >= 0.5
    ]
    if not far:
        return []
    return [
        Check(
            name="Partial dependence out of distribution",
            severity="info",
            message=f"Of {len(effects.effects)} columns with effects, {len(far)} have half or more"
            " of their grid where the mixed rows are out of distribution.",
            columns=far,
            remedy="Read accumulated local effects for them",
        )
    ]
