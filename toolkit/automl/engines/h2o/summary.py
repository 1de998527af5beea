"""What a reader may want to know of an H2O model, and how much there is to read in it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import h2o

from toolkit.automl.engines.h2o import keys

if TYPE_CHECKING:
    from toolkit.automl.engines.h2o.training_table import FittedModel

_WORDS = {
    "number_of_trees": "trees",
    "max_depth": "deepest tree",
    "regularization": "regularisation",
    "number_of_active_predictors": "coefficients",
}
_TOLD = (
    "max_depth", "min_rows", "learn_rate", "sample_rate", "col_sample_rate",
    "col_sample_rate_per_tree", "booster", "reg_lambda", "reg_alpha", "alpha",
)  # fmt: skip
_TREES_READ = 60


def details(fitted: FittedModel) -> dict[str, str]:
    """Return trees, regularisation and settings in words."""
    summary = _summary(fitted)
    found = {
        words: str(summary[name])
        for name, words in _WORDS.items()
        if summary.get(name) not in (None, "")
    }
    actual = fitted.model.actual_params
    told = [f"{name} {actual[name]}" for name in _TOLD if actual.get(name) not in (None, [])]
    if told:
        found["settings"] = ", ".join(told)
    if fitted.members:
        names = [keys.MARK.sub("", member.model.model_id) for member in fitted.members]
        found["base models"] = ", ".join(names)
    return found


def complexity(fitted: FittedModel, classes: list[str]) -> float | None:
    """Return the leaves of all trees, or the coefficients; for a stack those of its members.

    XGBoost's leaves are counted in at most 60 trees, evenly spaced, and scaled up.

    Parameters
    ----------
    fitted : FittedModel
        The model.
    classes : list of str
        What the classes among its training rows are called in H2O.
    """
    if fitted.members:
        counts = [complexity(member, classes) for member in fitted.members]
        known = [count for count in counts if count is not None]
        return sum(known) if len(known) == len(counts) else None
    summary = _summary(fitted)
    if "number_of_active_predictors" in summary:
        return float(summary["number_of_active_predictors"]) + 1
    if "mean_leaves" in summary:
        return round(float(summary["mean_leaves"]) * float(summary["number_of_internal_trees"]))
    if fitted.model.algo == "xgboost":
        return _xgboost_leaves(fitted, classes)
    return None


def _summary(fitted: FittedModel) -> dict[str, Any]:
    table = fitted.model.get_summary()
    if isinstance(table, str):  # there is none
        return {}
    values = zip(table.col_header, table.cell_values[0], strict=True)
    # The client turns whole numbers into others.
    return {
        name: int(value) if isinstance(value, float) and value.is_integer() else value
        for name, value in values
    }


def _xgboost_leaves(fitted: FittedModel, classes: list[str]) -> float:
    trees = int(_summary(fitted)["number_of_trees"])
    groups = classes if len(classes) > 2 else [None]
    read = sorted({round(place * trees / _TREES_READ) for place in range(_TREES_READ)} - {trees})
    # The client's H2OTree also puts each tree together, node by node.
    leaves = sum(
        h2o.api("GET /3/Tree", data={
            "model": fitted.model.model_id,
            "tree_number": number,
            "tree_class": group,
            "plain_language_rules": "false",
        })["left_children"].count(-1)
        for number in read
        for group in groups
    )  # fmt: skip
    return round(leaves * trees / len(read))
