"""This toolkit through its public calls: `toolkit new`, then the cells of three notebooks."""

from __future__ import annotations

from typing import Any

from adapter import Fitted, Task

METRICS = {"auc": "roc_auc", "log_loss": "log_loss", "rmse": "rmse"}
HOLDOUT = 0.05
"""Share of the rows that check the champion and teach nothing; half the default, as other
systems hold back less."""
TEST = 0.01
"""The benchmark judges by rows of its own; a project has to have some."""
RESERVE = 0.02
"""Share of the budget kept for what follows the search."""


def choices(task: Task) -> dict[str, Any]:
    found = {
        "seed": task.seed,
        "target.task": task.kind,
        "metric.name": METRICS[task.metric],
        "split.validation": HOLDOUT,
        "split.test": TEST,
        # As the benchmark divides rows: each by itself, whether or not another is equal to it.
        "split.duplicates": "apart",
        # Other systems use what predicts best; the toolkit's default prefers one model to several
        # where the difference may be chance.
        "choice.ensemble": "always",
        "automl.budget.threads": task.cores,
        "tracking.enabled": False,
    }
    return found | ({"target.positive": task.classes[1]} if task.kind == "binary" else {})


def fit(task: Task) -> Fitted:
    from toolkit import automl, data, new, open_stage

    file = new(task.train_file, task.target, task.scratch / "project")
    for key, value in choices(task).items():
        file.set(key, value, by="benchmark")
    stage = open_stage("scoping", file.path, "runs/benchmark", task.choices)
    data.intake(stage)
    stage.finish()
    stage = open_stage("eda", file.path, "runs/benchmark", task.choices)
    data.make_split(stage)
    stage.finish()
    file.set("automl.budget.seconds", task.left() - RESERVE * task.budget, by="benchmark")
    stage = open_stage("automl", file.path, "runs/benchmark", task.choices)
    leaderboard, found = automl.search(stage)
    champion = automl.choose(stage)
    stage.finish()
    model = automl.load_champion(stage)

    def predict(frame: Any) -> Any:
        scores = model.predict(frame)
        if task.kind == "regression":
            return scores
        ours = scores[:, [model.classes.index(label) for label in task.classes]]
        return ours[:, 1] if task.kind == "binary" else ours

    entry = next(entry for entry in leaderboard.entries if entry.name == champion.name)
    facts = {
        "winner": champion.name,
        "models": [entry.name for entry in leaderboard.entries],
        "members": entry.members,
        "calibration": champion.calibration,
        "ended": found.ended,
        "fit_seconds": found.fit_seconds,
        "timeline": found.timeline,
        "not_done": {t.name: t.reason for t in found.trials if t.status != "done"},
        "failures": [text for engine in found.engines for text in engine.failures],
        **holdout(champion),
    }
    packages = ["jupyter-automl-toolkit", "h2o", "autokeras", "lightgbm", "catboost"]
    return Fitted(predict, packages, facts)


def holdout(champion: Any) -> dict[str, Any]:
    found = champion.holdout
    if found is None:
        return {}
    return {
        "metric": found.metric,
        "selection": found.selection,
        "holdout": found.score.value,
        "holdout_low": found.score.low,
        "holdout_high": found.score.high,
        "optimism": found.optimism,
        "selection_bias": found.selection_bias,
        "explained": found.explained,
    }
