"""Which settings are tried, the most promising first.

Proven settings come first, then seeded draws around them. They were chosen by measurement,
see ``docs/adr/0010-tree-portfolio.md``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from toolkit.automl.engines import task_terms
from toolkit.automl.engines.base import Trial

if TYPE_CHECKING:
    from toolkit.automl.task import TaskFacts

_DRAWS = 60
_SMALL = 3000
"""Rows below which strong regularisation comes first."""
_LEVELS = 1000
"""Levels of a category that LightGBM tells apart."""
_MANY_CLASSES = 4
_WIDE = 1000
"""Columns that a tree looks at, at most: the rest are left to other trees."""
_FASTEST = 0.15
"""Learning rates are not raised above it for the sake of time."""
_TREES = 100
"""Trees of a forest for each fold."""
_ROUND = 3
"""Trials of one engine in each round after the first."""

_FAMILIES = {
    "lightgbm": "gradient boosting (LightGBM)",
    "catboost": "gradient boosting (CatBoost)",
}

Parameters = dict[str, Any]


def lightgbm(facts: TaskFacts) -> list[Trial]:
    """Return LightGBM's trials."""
    few = min(20, max(2, facts.rows // 25))
    group = int(np.clip(facts.rows // 50, 5, 100))
    common: Parameters = {"min_data_per_group": group, "bagging_freq": 1}
    # Numbers need many more rounds than classes do.
    rate = 0.03 if facts.classes else 0.06
    if len(facts.classes) > _MANY_CLASSES:
        rate *= 2  # each round grows a tree a class
    rate = min(rate * facts.speedup, _FASTEST)
    sparse = {
        "learning_rate": rate, "num_leaves": 16, "min_data_in_leaf": min(10, few),
        "feature_fraction": 0.4, "bagging_fraction": 0.8,
    }  # fmt: skip
    smooth = {
        "learning_rate": rate, "num_leaves": 31, "min_data_in_leaf": min(5, few),
        "feature_fraction": 0.6, "bagging_fraction": 0.7, "path_smooth": 10.0, "lambda_l2": 1.0,
    }  # fmt: skip
    large = {
        "learning_rate": rate, "num_leaves": 128, "min_data_in_leaf": 3, "feature_fraction": 0.9,
    }  # fmt: skip
    slow = {
        "learning_rate": rate, "num_leaves": 48, "min_data_in_leaf": few, "feature_fraction": 0.7,
        "bagging_fraction": 0.8,
    }  # fmt: skip
    additive = {"learning_rate": 0.08, "num_leaves": 4, "min_data_in_leaf": few}
    random = {
        "learning_rate": 0.05, "num_leaves": 31, "min_data_in_leaf": few, "extra_trees": True,
    }  # fmt: skip
    order = [smooth, slow, large, sparse, additive, random]
    if facts.rows < _SMALL:
        order = [sparse, smooth, additive, slow, random, large]
    proven: list[Parameters] = [{"parameters": common | parameters} for parameters in order]
    proven[1] |= {"skewed": "log", "ordinal": True}
    proven[3]["skewed"] = "rate"
    defaults = {"levels": _LEVELS, "ordinal": False, "skewed": ""}
    return _trials(
        facts,
        "lightgbm",
        [defaults | settings for settings in proven],
        lambda generator: defaults | _drawn_lightgbm(generator, facts, common),
        _cost_lightgbm,
    )


def _drawn_lightgbm(
    generator: np.random.Generator, facts: TaskFacts, common: Parameters
) -> Parameters:
    most = float(np.clip(facts.rows / 10, 8, 256))
    parameters: Parameters = common | {
        "learning_rate": _log_uniform(generator, 0.015, 0.06) * (1 if facts.classes else 2),
        "num_leaves": int(_log_uniform(generator, 4, most)),
        "min_data_in_leaf": int(_log_uniform(generator, 2, np.clip(facts.rows / 20, 3, 64))),
        "feature_fraction": round(generator.uniform(0.35, 1.0), 3),
        "bagging_fraction": round(generator.uniform(0.6, 1.0), 3),
        "lambda_l2": float(generator.choice([0.0, 0.1, 1.0, 10.0])),
        "path_smooth": float(generator.choice([0.0, 0.0, 10.0])),
        "extra_trees": bool(generator.random() < 0.25),
    }
    return {
        "parameters": parameters,
        "ordinal": bool(generator.random() < 0.3),
        "skewed": str(generator.choice(["", "log", "rate"])),
    }


def _cost_lightgbm(parameters: Parameters) -> float:
    slower = (0.05 / parameters["learning_rate"]) ** 0.7
    return float(slower * (parameters["num_leaves"] / 31) ** 0.5)


def catboost(facts: TaskFacts) -> list[Trial]:
    """Return CatBoost's trials."""
    thousands = max(facts.rows, 100) / 1000
    rate = float(np.clip(0.03 + 0.02 * np.log10(thousands), 0.03, 0.1))
    if not facts.classes:
        rate *= 1.5
    elif len(facts.classes) > _MANY_CLASSES:
        rate *= 2
    rate = max(rate, min(rate * facts.speedup, _FASTEST))
    common: Parameters = {"one_hot_max_size": 16, "max_ctr_complexity": 1}
    middle: Parameters = {"depth": 6}
    shallow: Parameters = {"depth": 4, "l2_leaf_reg": 5.0, "rsm": 0.7}
    deep: Parameters = {"depth": 8, "random_strength": 2.0, "rsm": 0.7}
    crossed: Parameters = {
        "depth": 5, "max_ctr_complexity": 2, "one_hot_max_size": 8, "random_strength": 2.0,
        "rsm": 0.6,
    }  # fmt: skip
    proven = [middle, shallow, deep, crossed] if facts.classes else [middle, deep, shallow, crossed]
    if facts.rows < _SMALL:
        proven = [shallow, middle, crossed, deep]
    made = [_catboost_settings(common | parameters, rate) for parameters in proven]
    made[2]["skewed"] = "log"
    return _trials(
        facts,
        "catboost",
        made,
        lambda generator: _drawn_catboost(generator, common, rate),
        _cost_catboost,
    )


def _catboost_settings(parameters: Parameters, rate: float) -> Parameters:
    return {
        "parameters": parameters | {"learning_rate": round(rate, 3)},
        "levels": 1_000_000,
        "skewed": "",
    }


def _drawn_catboost(generator: np.random.Generator, common: Parameters, rate: float) -> Parameters:
    rate *= _log_uniform(generator, 0.7, 2.0)
    parameters = common | {
        "depth": int(generator.integers(3, 9)),
        "l2_leaf_reg": _log_uniform(generator, 1.0, 12.0),
        "random_strength": _log_uniform(generator, 0.5, 6.0),
        "rsm": round(generator.uniform(0.4, 1.0), 3),
        "bootstrap_type": "Bernoulli",
        "subsample": round(generator.uniform(0.5, 1.0), 3),
        "one_hot_max_size": int(generator.choice([4, 16, 64])),
        "max_ctr_complexity": int(generator.choice([1, 1, 2])),
    }
    return _catboost_settings(parameters, rate) | {"skewed": str(generator.choice(["", "log"]))}


def _cost_catboost(parameters: Parameters) -> float:
    slower = (0.05 / parameters["learning_rate"]) ** 0.7 * 1.5 ** (parameters["depth"] - 6)
    return float(2.0 * slower * parameters["max_ctr_complexity"])


def forest(facts: TaskFacts) -> list[Trial]:
    """Return the forests: a few, for more of them differ little."""
    leaf = int(np.clip(facts.rows // 500, 2, 10)) if facts.task == "binary" else 1
    # The more classes, the fewer rows of each are alike: small steps and whole trees.
    first = "sqrt" if facts.task == "multiclass" else 0.5
    proven: list[tuple[str, str, Parameters, int]] = [
        ("extra", "extremely randomised trees", {"leaf": leaf, "features": first}, 1),
        ("random", "random forest", {"leaf": leaf, "features": "sqrt"}, 2),
        ("extra", "extremely randomised trees", {"leaf": 2 * leaf, "features": 0.9}, 3),
        ("random", "random forest", {"leaf": 2 * leaf, "features": 0.4}, 3),
    ]
    count: dict[str, int] = {}
    trees = round(_TREES / facts.speedup)
    trials = []
    for algorithm, family, settings, in_round in proven:
        count[algorithm] = count.get(algorithm, 0) + 1
        trials.append(
            Trial(
                name=f"forest_{algorithm}_{count[algorithm]}",
                engine="forest",
                family=family,
                round=in_round,
                settings={"algorithm": algorithm, "trees": trees} | settings,
                cost=round(trees / _TREES, 2),
            )
        )
    return trials


# -- what all have in common -----------------------------------------------------


def _trials(
    facts: TaskFacts,
    engine: str,
    proven: list[Parameters],
    draw: Callable[[np.random.Generator], Parameters],
    cost: Callable[[Parameters], float],
) -> list[Trial]:
    settings = proven + [
        draw(np.random.default_rng([facts.seed, number])) for number in range(_DRAWS)
    ]
    for each in settings:
        _narrow(each["parameters"], "rsm" if engine == "catboost" else "feature_fraction", facts)
    return [
        Trial(
            name=f"{engine}_{number}",
            engine=engine,
            family=_FAMILIES[engine],
            round=1 + -(-(number - 1) // _ROUND),
            settings=chosen,
            cost=round(cost(chosen["parameters"]), 2),
            monotonic=task_terms.enforced(facts),
        )
        for number, chosen in enumerate(settings, 1)
    ]


def _narrow(parameters: Parameters, share: str, facts: TaskFacts) -> None:
    if facts.width > _WIDE:
        few = float(f"{_WIDE / facts.width:.3g}")
        parameters[share] = min(parameters.get(share, 1.0), few)
        # Rounds are dear when columns are many.
        parameters["learning_rate"] = max(parameters["learning_rate"], 0.08)


def _log_uniform(generator: np.random.Generator, low: float, high: float) -> float:
    return float(f"{np.exp(generator.uniform(np.log(low), np.log(high))):.3g}")
