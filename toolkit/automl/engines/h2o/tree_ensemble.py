"""H2O's saved models of trees as forests that add up to what they predict."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from toolkit.automl.engines.h2o.mojo import MODEL_FILE, read_code
from toolkit.automl.engines.h2o.trees import MojoTrees, head
from toolkit.forests import TreeEnsemble

if TYPE_CHECKING:
    import pandas as pd

_PLAIN = ("identity", "logit", "")
"""Links under which leaves add up to a value or a margin; several classes have a logarithm."""

_LINEAR = ("identity", "logit", "multinomial")
"""A GLM's links under which terms add up to what is explained."""
_LOGARITHMIC = ("count:", "reg:gamma", "reg:tweedie")
"""XGBoost's objectives under which they add up to a logarithm."""


def linear(folder: Path) -> bool:
    """Return whether a saved model is a GLM of a link under which its terms add up."""
    facts = head((folder / MODEL_FILE).read_bytes())
    return facts["algo"] == "glm" and facts.get("link", "") in _LINEAR


def tree_ensembles(folder: Path) -> list[TreeEnsemble]:
    """Return a saved model's trees; empty where its predictions are no sum of them.

    Those of a forest of several classes are marked: H2O scales their sums to 1 afterwards.
    """
    archive = (folder / MODEL_FILE).read_bytes()
    facts = head(archive)
    algorithm, classes = facts["algo"], int(facts["n_classes"])
    if algorithm not in ("gbm", "drf", "xgboost") or facts.get("booster", "gbtree") != "gbtree":
        return []
    if facts.get("link_function", "") not in _PLAIN and classes <= 2:
        return []
    read = MojoTrees(archive, str(folder / MODEL_FILE))
    if read.objective.startswith(_LOGARITHMIC):
        return []
    code, _ = read_code(folder)
    numbers = [place for place, column in enumerate(code.columns) if "levels" not in column]

    def matrix(design: pd.DataFrame) -> np.ndarray:
        coded = code.matrix(design)
        if algorithm == "xgboost":
            coded = coded.astype(np.float32)
        if read.zero_is_missing:
            part = coded[:, numbers]
            part[part == 0] = np.nan
            coded[:, numbers] = part
        return coded

    names = [column["name"] for column in code.columns]
    space = "value" if classes < 2 else "probability" if algorithm == "drf" else "margin"
    votes = algorithm == "drf" and classes > 2
    found = TreeEnsemble(space, read.trees, read.base, names, matrix, votes)
    if algorithm == "drf" and classes == 2:
        return [found.scaled(-1.0, 1.0)]  # its trees vote for the first class
    return [found]
