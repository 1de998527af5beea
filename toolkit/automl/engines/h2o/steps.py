"""Which of H2O AutoML's own steps are taken, and in what order."""

from __future__ import annotations

from typing import TYPE_CHECKING

from toolkit.automl.engines.base import Trial

if TYPE_CHECKING:
    from toolkit.automl.task import TaskFacts

ALGORITHMS = {
    "GLM": "generalised linear model",
    "DRF": "random forest",
    "XRT": "extremely randomised trees",
    "GBM": "gradient boosting",
    "XGBoost": "gradient boosting (XGBoost)",
    "StackedEnsemble": "stacked ensemble",
}
# Name, algorithm, AutoML's step, round, cost. In AutoML's order.
_STEPS = (
    ("xgboost_1", "XGBoost", "def_2", 1, 1.0),
    ("gbm_1", "GBM", "def_5", 1, 1.0),
    ("glm_1", "GLM", "def_1", 1, 0.5),
    ("drf_1", "DRF", "def_1", 2, 1.5),
    ("xgboost_2", "XGBoost", "def_1", 2, 1.0),
    ("gbm_2", "GBM", "def_2", 2, 1.0),
    ("xrt_1", "XRT", "XRT", 2, 1.5),
    ("gbm_3", "GBM", "def_3", 3, 1.0),
    ("xgboost_3", "XGBoost", "def_3", 3, 1.0),
    ("gbm_4", "GBM", "def_4", 3, 1.0),
    ("gbm_5", "GBM", "def_1", 3, 1.0),
)
_STACK = "stack_1"
STACKED = tuple(
    f"h2o_{name}" for name in ("xgboost_1", "gbm_1", "gbm_2", "glm_1", "drf_1", "xrt_1")
)
"""Trials that a stack is made of."""
_GRIDS = ("XGBoost", "GBM")
_DRAWS = 8
"""Random draws from each grid."""
_DEEP_ROWS = 200
"""What GBM's step def_5 needs to learn from: twice its 100 rows a leaf."""


def plan(facts: TaskFacts) -> list[Trial]:
    """Return AutoML's defaults in its order, a stack of the best, then random draws."""
    least = facts.rows * (2 / (facts.folds + 2) if facts.ordered else 1 - 1 / facts.folds)
    trials = [
        _trial(facts, name, algorithm, step, round=round, cost=cost)
        for name, algorithm, step, round, cost in _STEPS
        if step != "def_5" or least * 0.85 >= _DEEP_ROWS
    ]
    if not facts.ordered:
        trials.append(_stack(trials))
    counts = {"XGBoost": 3, "GBM": 5}
    for draw in range(_DRAWS):
        for algorithm in _GRIDS:
            name = f"{algorithm.lower()}_{counts[algorithm] + draw + 1}"
            round = 4 + draw // 3
            trials.append(
                _trial(facts, name, algorithm, "grid_1", round=round, cost=1.5, draw=draw)
            )
    return trials


def _trial(
    facts: TaskFacts,
    name: str,
    algorithm: str,
    step: str,
    *,
    round: int,
    cost: float,
    draw: int = 0,
) -> Trial:
    return Trial(
        name=f"h2o_{name}",
        engine="h2o",
        family=ALGORITHMS[algorithm],
        round=round,
        settings={"algorithm": algorithm, "step": step, "seed": facts.seed + draw},
        cost=cost,
        interpretable=algorithm == "GLM",
        # H2O has no monotonic boosting for several classes.
        monotonic=algorithm in _GRIDS and facts.task != "multiclass",
    )


def _stack(trials: list[Trial]) -> Trial:
    bases = {trial.name: trial.settings for trial in trials if trial.name in STACKED}
    return Trial(
        name=f"h2o_{_STACK}",
        engine="h2o",
        family=ALGORITHMS["StackedEnsemble"],
        round=3,
        settings={"algorithm": "StackedEnsemble", "bases": bases},
    )
