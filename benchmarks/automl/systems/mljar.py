"""mljar-supervised in the mode made for the best score."""

from __future__ import annotations

import os
from typing import Any

from adapter import Fitted, Task

METRICS = {"auc": "auc", "log_loss": "logloss", "rmse": "rmse"}
KINDS = {
    "binary": "binary_classification",
    "multiclass": "multiclass_classification",
    "regression": "regression",
}


def fit(task: Task) -> Fitted:
    import numpy as np
    from supervised import AutoML

    # Any number of threads but "all" turns its networks off; the process has only its cores.
    threads = -1 if task.cores >= (os.cpu_count() or 1) else task.cores
    search = AutoML(
        results_path=str(task.scratch / "results"),
        mode="Compete",
        ml_task=KINDS[task.kind],
        total_time_limit=max(1, int(task.left())),
        eval_metric=METRICS[task.metric],
        n_jobs=threads,
        random_state=task.seed,
        verbose=1,
    )
    search.fit(task.features, task.train[task.target])

    def predict(frame: Any) -> Any:
        if task.kind == "regression":
            return search.predict(frame)
        answer = search.predict_all(frame)
        probabilities = np.column_stack(
            [answer[f"prediction_{label}"].to_numpy() for label in task.classes]
        )
        return probabilities[:, 1] if task.kind == "binary" else probabilities

    board = search.get_leaderboard()
    return Fitted(
        predict,
        ["mljar-supervised", "lightgbm", "xgboost", "catboost", "scikit-learn"],
        {"models": [str(name) for name in board["name"]], "mode": "Compete"},
    )
