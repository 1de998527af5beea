"""FLAML with its default estimators."""

from __future__ import annotations

from typing import Any

from adapter import Fitted, Task

METRICS = {"auc": "roc_auc", "log_loss": "log_loss", "rmse": "rmse"}


def fit(task: Task) -> Fitted:
    import numpy as np
    from flaml import AutoML

    search = AutoML()
    search.fit(
        X_train=task.features,
        y_train=task.train[task.target],
        task="regression" if task.kind == "regression" else "classification",
        metric=METRICS[task.metric],
        time_budget=task.left(),
        n_jobs=task.cores,
        seed=task.seed,
        log_file_name=str(task.scratch / "flaml.log"),
        verbose=1,
    )
    if search.model is None:
        raise RuntimeError("no model was found")

    def predict(frame: Any) -> Any:
        if task.kind == "regression":
            return search.predict(frame)
        found = [str(label) for label in search.classes_]
        probabilities = np.asarray(search.predict_proba(frame))
        probabilities = probabilities[:, [found.index(label) for label in task.classes]]
        return probabilities[:, 1] if task.kind == "binary" else probabilities

    return Fitted(
        predict,
        ["flaml", "lightgbm", "xgboost", "catboost", "scikit-learn"],
        {
            "winner": search.best_estimator,
            "models": [
                name for name, loss in search.best_loss_per_estimator.items() if loss < np.inf
            ],
            "estimators": list(search.estimator_list),
        },
    )
