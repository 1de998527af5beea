"""To shap's own types, for those who want its plots."""

from __future__ import annotations

from typing import Any

import numpy as np

from toolkit.artifacts import Attributions, Explanation


def to_shap(explanation: Explanation, attributions: Attributions) -> Any:
    """Return a ``shap.Explanation``; shap is imported here, which takes seconds.

    Parameters
    ----------
    explanation : Explanation
        Base values and classes.
    attributions : Attributions
        SHAP values of the explained rows.

    Returns
    -------
    shap.Explanation
        ``values`` of shape (rows, columns) for one output, else (rows, columns, classes);
        ``data`` holds numbers where a column is numeric and texts elsewhere.
    """
    import shap

    frame, classes = attributions.frame, explanation.classes
    k = len(classes)
    columns = list(dict.fromkeys(frame["column"]))
    n = len(frame) // (k * len(columns)) if columns else 0
    cube = frame["shap"].to_numpy().reshape(n, k, len(columns)).transpose(0, 2, 1)
    first = frame[frame["class"] == classes[0]]
    numbers = first["number"].to_numpy().reshape(n, len(columns)).astype(object)
    texts = first["value"].to_numpy(dtype=object).reshape(n, len(columns))
    known = ~np.isnan(numbers.astype(np.float64)).all(axis=0)
    data = np.where(known[None, :], numbers, texts)
    base = np.tile([explanation.base[name] for name in classes], (n, 1))
    return shap.Explanation(
        values=cube[:, :, 0] if k == 1 else cube,
        base_values=base[:, 0] if k == 1 else base,
        data=data,
        feature_names=columns,
        output_names=None if k == 1 else classes,
    )
