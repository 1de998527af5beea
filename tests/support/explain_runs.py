"""Runs with rows and a split, and small models, for the tests of evaluation and explanation."""

from __future__ import annotations

import numpy as np
import pandas as pd

from toolkit import metrics
from toolkit.artifacts import Rows, Split
from toolkit.canonical import write_text
from toolkit.project.data import Column
from toolkit.run.stage import open_stage


def column_type(series):
    if pd.api.types.is_datetime64_any_dtype(series):
        return "date"
    return "number" if pd.api.types.is_numeric_dtype(series) else "category"


def make_stage(folder, frame, target, task, *, positive=None, protected=(), name="explain", **more):
    """Open a stage of a run whose table is ``frame``, split 60:20:20 at random.

    ``more`` gives project sections as dicts.
    """
    import json

    frame = frame.reset_index(drop=True)
    columns = {
        str(column): {
            "type": column_type(frame[column]),
            "role": "target" if column == target else "feature",
            "protected": column in protected,
        }
        for column in frame
    }
    project = {
        "name": "test",
        "data": {"source": "table.csv"},
        "columns": columns,
        "target": {"column": target, "task": task, "positive": positive},
        "explain": {"rows": 30, "background": 20, "bootstrap": 60},
        **more,
    }
    write_text(folder / "project.yaml", json.dumps(project))
    stage = open_stage(name, folder / "project.yaml", folder / "runs" / "test")
    frame.columns = [str(column) for column in frame]
    stage.run.write(Rows(frame))
    parts = np.random.default_rng(1).permutation(len(frame)) * 10 // len(frame)
    part = np.select([parts < 6, parts < 8], ["train", "validation"], "test")
    stage.run.write(Split(pd.DataFrame({"row": np.arange(len(frame)), "part": part})))
    return stage


class FunctionModel:
    """A predictor around a plain function of typed rows."""

    def __init__(self, function, columns, task="regression", classes=(), threshold=None):
        self.function = function
        self.columns = {name: Column(type="number") for name in columns}
        self.task, self.classes, self.threshold = task, list(classes), threshold
        self.name = "function"
        self.calls = self.rows = 0

    def predict(self, frame):
        self.calls += 1
        self.rows += len(frame)
        return np.asarray(self.function(frame), dtype=float)

    def decide(self, scores):
        return metrics.decide(scores, metrics.Context(self.task, self.classes, self.threshold))


def sklearn_model(stage, estimator, *, threshold=0.5):
    """Fit a scikit-learn model on the training rows, as a predictor."""
    from sklearn.compose import make_column_selector, make_column_transformer
    from sklearn.impute import SimpleImputer
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder, StandardScaler

    from toolkit import table

    part = table.load_part(stage, "train")
    numbers = make_pipeline(SimpleImputer(keep_empty_features=True), StandardScaler())
    words = OneHotEncoder(handle_unknown="ignore", max_categories=20, sparse_output=False)
    pipeline = make_pipeline(
        make_column_transformer(
            (numbers, make_column_selector(dtype_include="number")),
            (words, make_column_selector(dtype_exclude=["number", "datetime"])),
        ),
        estimator,
    ).fit(part.frame, part.target)
    task = stage.project.target.task
    if task == "regression":
        return FunctionModel(pipeline.predict, part.frame.columns)
    classes = [str(label) for label in pipeline.classes_]
    if task == "binary" and classes[1] != stage.project.target.positive:
        classes.reverse()
    order = [list(map(str, pipeline.classes_)).index(label) for label in classes]
    return FunctionModel(
        lambda frame: pipeline.predict_proba(frame)[:, order],
        part.frame.columns,
        task,
        classes,
        threshold if task == "binary" else None,
    )
