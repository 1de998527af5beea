"""What a reader may want to know of an H2O model, and how much there is to read in it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from toolkit.automl.engines.h2o import keys

if TYPE_CHECKING:
    from toolkit.automl.engines.h2o.server.rest import Server
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
    actual = {p["name"]: p["actual_value"] for p in fitted.record["parameters"]}
    told = [f"{name} {actual[name]}" for name in _TOLD if actual.get(name) not in (None, [])]
    if told:
        found["settings"] = ", ".join(told)
    if fitted.members:
        names = [keys.MARK.sub("", member.key) for member in fitted.members]
        found["base models"] = ", ".join(names)
    return found


def complexity(server: Server, fitted: FittedModel) -> float | None:
    """Return the leaves of all trees, or the coefficients; for a stack those of its members.

    XGBoost's leaves are counted in at most 60 trees, evenly spaced, and scaled up.
    """
    if fitted.members:
        counts = [complexity(server, member) for member in fitted.members]
        known = [count for count in counts if count is not None]
        return sum(known) if len(known) == len(counts) else None
    summary = _summary(fitted)
    if "number_of_active_predictors" in summary:
        return float(summary["number_of_active_predictors"]) + 1
    if "mean_leaves" in summary:
        return round(float(summary["mean_leaves"]) * float(summary["number_of_internal_trees"]))
    if fitted.record["algo"] == "xgboost":
        return _xgboost_leaves(server, fitted)
    return None


def _summary(fitted: FittedModel) -> dict[str, Any]:
    table = fitted.record["output"].get("model_summary") or {}
    names = [column["name"] for column in table.get("columns", [])]
    return {name: column[0] for name, column in zip(names, table.get("data", []), strict=True)}


def _xgboost_leaves(server: Server, fitted: FittedModel) -> float:
    trees = int(_summary(fitted)["number_of_trees"])
    names = fitted.record["output"].get("domains") or [[]]
    classes = names[-1] or []
    groups = classes if len(classes) > 2 else [None]
    read = sorted({round(place * trees / _TREES_READ) for place in range(_TREES_READ)} - {trees})
    leaves = sum(
        server.get(
            "/3/Tree",
            model=fitted.key,
            tree_number=number,
            tree_class=group,
            plain_language_rules="false",
        )["left_children"].count(-1)
        for number in read
        for group in groups
    )
    return round(leaves * trees / len(read))
