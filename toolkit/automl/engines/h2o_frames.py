"""Design frames on their way to H2O and back.

Inside H2O a column is called ``c12``, a category ``L0003`` and a class ``k0001``: names
and values of real tables hold commas, quotes, numbers that are labels, and spellings
that H2O takes for missing. The code is kept beside the model.
"""

from __future__ import annotations

import io
import itertools
import os
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from toolkit.automl.rest import Server

TARGET = "target"
_MOST_LEVELS = 255
_MOST_LEVELS_IN_ALL = 5000
_LEAST_LEVELS = 8
_ROW_GROUP = 10_000
_CHUNK_BYTES = 1 << 22
_counter = itertools.count(1)


def unique_key(prefix: str) -> str:
    """Return a key that no other frame or model in a shared server has."""
    return f"{prefix}_{os.getpid()}_{next(_counter)}"


class FrameCode:
    """How a design frame is written for H2O.

    Parameters
    ----------
    columns : list of dict
        ``name``; for categories ``levels`` (texts in order), and ``rest`` (bool): whether
        rarer and unknown texts share one further level.
    """

    def __init__(self, columns: list[dict[str, Any]]) -> None:
        self.columns = columns

    @classmethod
    def fit(cls, frame: pd.DataFrame) -> FrameCode:
        """Learn the levels of each category from the training rows.

        The most frequent are kept: 255 for a column, fewer where many columns are
        categories, since most algorithms make a column of each level.
        """
        texts = [name for name in frame.columns if not _is_number(frame[name])]
        most = max(_LEAST_LEVELS, min(_MOST_LEVELS, _MOST_LEVELS_IN_ALL // max(1, len(texts))))
        columns: list[dict[str, Any]] = []
        for name in frame.columns:
            if _is_number(frame[name]):
                columns.append({"name": str(name)})
                continue
            counts = frame[name].dropna().astype(str).value_counts()
            ranked = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
            kept = sorted(str(level) for level, _ in ranked[:most])
            columns.append({"name": str(name), "levels": kept, "rest": len(ranked) > most})
        return cls(columns)

    def encode(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Return the frame with H2O's names and levels."""
        series: dict[str, Any] = {}
        for number, column in enumerate(self.columns):
            values = frame[column["name"]]
            if "levels" not in column:
                series[f"c{number}"] = values.to_numpy(dtype=np.float64, na_value=np.nan)
                continue
            levels = column["levels"]
            codes = _codes(values, levels)
            if column["rest"]:
                unknown = (codes < 0) & values.notna().to_numpy()
                codes = np.where(unknown, len(levels), codes)
            series[f"c{number}"] = _tokens("L", codes, len(levels) + 1)
        return pd.DataFrame(series, index=frame.index)

    def kinds(self) -> list[str]:
        """Return H2O's type of each column."""
        return ["Enum" if "levels" in column else "Numeric" for column in self.columns]


def class_token(code: int) -> str:
    """Return what a class is called inside H2O; the order of names is that of codes."""
    return f"k{code:04d}"


def upload(server: Server, frame: pd.DataFrame, kinds: list[str], prefix: str) -> str:
    """Store a frame in H2O, with the column types that are given, and return its key.

    Parquet keeps every number exactly and its types are not guessed from the first rows.
    """
    stream = io.BytesIO()
    frame.to_parquet(stream, index=False, row_group_size=_ROW_GROUP)
    raw, key = unique_key("raw"), unique_key(prefix)
    server.upload(stream.getvalue(), raw)
    job = server.post(
        "/3/Parse",
        destination_frame=key,
        source_frames=[raw],
        parse_type="PARQUET",
        separator=124,
        single_quotes=False,
        check_header=1,
        number_columns=frame.shape[1],
        column_names=list(frame.columns),
        column_types=kinds,
        chunk_size=_CHUNK_BYTES,
        delete_on_done=True,
        blocking=False,
    )
    server.wait(job["job"]["key"]["name"])
    return key


def with_target(
    encoded: pd.DataFrame, target: np.ndarray, codes: np.ndarray | None
) -> pd.DataFrame:
    """Return an encoded frame with the target beside it: class tokens, or the numbers."""
    values = (
        target.astype(np.float64)
        if codes is None
        else np.array([class_token(code) for code in codes], dtype=object)
    )
    return encoded.assign(**{TARGET: values})


def predict(server: Server, model: str, frame: str, classes: int) -> np.ndarray:
    """Return a model's scores of a stored frame: (n, classes), or (n,) without classes.

    A class that was not among the training rows gets the probability 0.
    """
    key = unique_key("scores")
    answer = server.post(f"/4/Predictions/models/{model}/frames/{frame}", predictions_frame=key)
    server.wait(answer["key"]["name"])
    try:
        content = server.download("/3/DownloadDataset", frame_id=key)
    finally:
        server.delete(key)
    table = pd.read_csv(io.BytesIO(content), float_precision="round_trip")
    if not classes:
        return table["predict"].to_numpy(dtype=np.float64)
    scores = np.zeros((len(table), classes))
    for code in range(classes):
        if (token := class_token(code)) in table:
            scores[:, code] = table[token].to_numpy(dtype=np.float64)
    return scores


def _is_number(values: pd.Series) -> bool:
    return bool(pd.api.types.is_numeric_dtype(values) and not pd.api.types.is_bool_dtype(values))


def _codes(values: pd.Series, levels: list[str]) -> np.ndarray:
    texts = values.astype(object).where(values.notna(), None)
    texts = texts.map(str, na_action="ignore")
    return np.asarray(pd.Categorical(texts, categories=levels).codes, dtype=np.int64)


def _tokens(letter: str, codes: np.ndarray, count: int) -> np.ndarray:
    # The last place is that of code -1: missing.
    tokens = np.array([*(f"{letter}{code:04d}" for code in range(count)), None], dtype=object)
    return tokens[codes]
