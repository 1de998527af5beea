"""Words and patches: what a model looks at inside texts and images is found, exactly."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from explain_runs import FunctionModel, make_stage
from hypothesis import given, settings
from hypothesis import strategies as st

from toolkit import explain, widgets
from toolkit.artifacts import ContentExplanation
from toolkit.errors import DataError
from toolkit.explain import heat, tokens
from toolkit.explain import inside as module
from toolkit.plots import inside as plots
from toolkit.project.model import Column
from toolkit.table import images


def text_stage(folder, texts, y=None, task="regression", **more):
    """A stage in which every row is a test row, so that any text can be explained."""
    n = len(texts)
    y = np.arange(float(n)) if y is None else y
    frame = pd.DataFrame({"text": pd.Series(texts, dtype="str"), "x": np.arange(n) % 3, "y": y})
    return typed_stage(folder, frame, {"text": "text"}, task, **more)


def typed_stage(folder, frame, kinds, task="regression", **more):
    import json

    from toolkit.artifacts import Split

    stage = make_stage(folder, frame, "y", task, **more)
    path = folder / "project.yaml"
    project = json.loads(path.read_text())
    for name, kind in kinds.items():
        project["columns"][name]["type"] = kind
    path.write_text(json.dumps(project))
    stage.file.reload() if hasattr(stage.file, "reload") else None
    stage.run.write(Split(pd.DataFrame({"row": np.arange(len(frame)), "part": "test"})))
    return stage
