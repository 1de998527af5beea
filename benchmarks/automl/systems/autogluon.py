"""AutoGluon's tabular predictor, preset medium_quality, without the models that need torch."""

from __future__ import annotations

from typing import Any

from adapter import Fitted, Task

METRICS = {"auc": "roc_auc", "log_loss": "log_loss", "rmse": "root_mean_squared_error"}
NEED_TORCH = ["NN_TORCH", "FASTAI"]


def fit(task: Task) -> Fitted:
    from autogluon.tabular import TabularPredictor

    predictor = TabularPredictor(
        label=task.target,
        problem_type=task.kind,
        eval_metric=METRICS[task.metric],
        path=str(task.scratch / "models"),
        verbosity=2,
    )
    predictor.fit(
        task.train,
        presets="medium_quality",
        time_limit=task.left(),
        num_cpus=task.cores,
        num_gpus=0,
        excluded_model_types=NEED_TORCH,
    )

    def predict(frame: Any) -> Any:
        if task.kind == "regression":
            return predictor.predict(frame).to_numpy()
        probabilities = predictor.predict_proba(frame)[task.classes].to_numpy()
        return probabilities[:, 1] if task.kind == "binary" else probabilities

    return Fitted(
        predict,
        ["autogluon.tabular", "lightgbm", "xgboost-cpu", "catboost", "scikit-learn"],
        {"winner": predictor.model_best, "models": list(predictor.model_names())},
    )
