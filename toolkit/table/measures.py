"""One number that stands for a text or an image where numbers are compared or drawn."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from toolkit.table.images.image_vector import image_facts

if TYPE_CHECKING:
    import pandas as pd

MEASURES = {"text": "length in characters", "image": "brightness (0 to 255)"}
"""What the number is, by the column's type."""


def measure(series: pd.Series, kind: str) -> np.ndarray:
    """Return the number of each text or image, NaN where there is none.

    Parameters
    ----------
    series : pandas.Series
        Typed texts or images.
    kind : str
        A key of `MEASURES`.
    """
    if kind == "image":
        return image_facts(series)["brightness"].to_numpy()
    return series.str.len().to_numpy(dtype="float64", na_value=np.nan)
