"""AutoKeras's structured-data tasks on jax.

AutoKeras takes whole numbers-only matrices: rows are imputed, scaled and one-hot encoded by
scikit-learn before, and a regression's target is standardised, as its users have to do.
"""

from __future__ import annotations

import os
from typing import Any

from adapter import Fitted, Task

HELD_OUT = 0.2
PATIENCE = 10
MOST_LEVELS = 100
RESERVE = 0.05
"""Share of the budget kept for the end of an epoch and for loading the best network."""


def preparation(frame: Any) -> Any:
    from pandas.api.types import is_numeric_dtype
    from sklearn.compose import make_column_transformer
    from sklearn.impute import SimpleImputer
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder, StandardScaler

    numbers = [name for name in frame.columns if is_numeric_dtype(frame[name])]
    others = [name for name in frame.columns if name not in numbers]
    return make_column_transformer(
        (make_pipeline(SimpleImputer(), StandardScaler()), numbers),
        (
            OneHotEncoder(
                handle_unknown="infrequent_if_exist",
                max_categories=MOST_LEVELS,
                sparse_output=False,
            ),
            others,
        ),
    )


def target_of(task: Task) -> tuple[Any, float, float]:
    """Return the target as AutoKeras wants it, and by what it was shifted and scaled."""
    import numpy as np

    values = task.train[task.target]
    if task.kind == "regression":
        mean, scale = float(values.mean()), float(values.std()) or 1.0
        return ((values.to_numpy() - mean) / scale).reshape(-1, 1), mean, scale
    codes = values.map({label: code for code, label in enumerate(task.classes)}).to_numpy()
    if task.kind == "binary":
        return codes.reshape(-1, 1).astype(np.float32), 0.0, 1.0
    return np.eye(len(task.classes), dtype=np.float32)[codes], 0.0, 1.0


def fit(task: Task) -> Fitted:
    os.environ["KERAS_BACKEND"] = "jax"
    os.environ["JAX_PLATFORMS"] = "cpu"
    import autokeras
    import keras
    import keras_tuner
    import numpy as np
    from sklearn.model_selection import train_test_split

    keras.utils.set_random_seed(task.seed)
    prepare = preparation(task.features)
    x = np.asarray(prepare.fit_transform(task.features), dtype=np.float32)
    y, mean, scale = target_of(task)
    learnt, held = train_test_split(
        np.arange(len(x)), test_size=HELD_OUT, random_state=task.seed,
        stratify=None if task.kind == "regression" else y.argmax(1) if y.shape[1] > 1 else y,
    )  # fmt: skip
    names = [f"x{number}" for number in range(x.shape[1])]
    watched, direction = ("val_auc", "max") if task.metric == "auc" else ("val_loss", "min")
    kind = "Regressor" if task.kind == "regression" else "Classifier"
    search = getattr(autokeras, f"StructuredData{kind}")(
        column_names=names,
        column_types=dict.fromkeys(names, "numerical"),
        metrics=[keras.metrics.AUC(name="auc")] if task.metric == "auc" else None,
        objective=keras_tuner.Objective(watched, direction),
        max_trials=1000,
        directory=task.scratch,
        seed=task.seed,
        overwrite=True,
    )

    class Clock(keras.callbacks.Callback):  # type: ignore[misc, name-defined]
        """Ends the search when its time is over: AutoKeras has no such limit."""

        def __deepcopy__(self, _: Any) -> Clock:
            return self  # the tuner copies callbacks for each trial

        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
            if task.left() <= max(1.0, RESERVE * task.budget):
                self.model.stop_training = True
                search.tuner.oracle.max_trials = 1  # reached already; 0 would mean no limit

    stop = keras.callbacks.EarlyStopping(monitor=watched, mode=direction, patience=PATIENCE)
    search.fit(
        x[learnt],
        y[learnt],
        validation_data=(x[held], y[held]),
        epochs=1000,
        callbacks=[stop, Clock()],
        batch_size=max(32, min(1024, len(learnt) // 100)),
        verbose=0,
    )
    network = search.export_model()

    def predict(frame: Any) -> Any:
        scores = network.predict(
            np.asarray(prepare.transform(frame), dtype=np.float32), batch_size=4096, verbose=0
        )
        if task.kind == "multiclass":
            return scores
        return scores[:, 0].astype(np.float64) * scale + mean

    done = [t for t in search.tuner.oracle.trials.values() if t.status == "COMPLETED"]
    return Fitted(
        predict,
        ["autokeras", "keras", "jax", "scikit-learn"],
        {"trials": len(done), "parameters": int(network.count_params())},
    )
