"""Design frames on their way to H2O and back.

Inside H2O a column is called ``c12``, a category ``L0003`` and a class ``k0001``: names
and values of real tables hold commas, quotes, numbers that are labels, and spellings
that H2O takes for missing. The code is kept beside the model.

Frames travel as Parquet: its types are not guessed from the first rows. (H2O itself takes
numbers apart into decimals, and keeps them to within their last digit.) A small frame is
pushed; a large one, or any for a cluster of the user's, is written to a file that H2O
imports itself.
"""

from __future__ import annotations

import io
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from toolkit.automl.engines.h2o import keys
from toolkit.errors import EngineError

if TYPE_CHECKING:
    from toolkit.automl.engines.h2o.server.rest import Server

TARGET = "target"
_MOST_LEVELS = 255
_MOST_LEVELS_IN_ALL = 5000
_LEAST_LEVELS = 8
_FEW = 20
"""Rows up to which it is quicker to look at each than to find the distinct ones."""
_ROW_GROUP = 10_000
_BLOCK_CELLS = 10_000_000
# The same on every cluster: H2O adds up in chunks, and another division gives other last digits.
_CHUNK_BYTES = 1 << 22


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
        self._numbers = [
            {level: number for number, level in enumerate(column.get("levels", ()))}
            for column in columns
        ]

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
        """Return the frame with H2O's names and levels; categories keep all their levels."""
        series: dict[str, Any] = {}
        for number, column in enumerate(self.columns):
            values = frame[column["name"]]
            if "levels" not in column:
                series[f"c{number}"] = values.to_numpy(dtype=np.float64, na_value=np.nan)
                continue
            codes = self._coded(number, values)
            series[f"c{number}"] = _tokens("L", codes, len(column["levels"]) + 1)
        return pd.DataFrame(series, index=frame.index)

    def matrix(self, frame: pd.DataFrame) -> np.ndarray:
        """Return the frame as numbers and codes of levels, (n, columns); missing ones are NaN."""
        result = np.empty((len(frame), len(self.columns)))
        for place, column in enumerate(self.columns):
            values = frame[column["name"]]
            if "levels" in column:
                codes = self._coded(place, values)
                result[:, place] = np.where(codes < 0, np.nan, codes)
            else:
                result[:, place] = values.to_numpy(dtype=np.float64, na_value=np.nan)
        return result

    def _coded(self, place: int, values: pd.Series) -> np.ndarray:
        """Return the number of each row's level; -1 where it is missing or unknown."""
        which: Any = slice(len(values))
        texts: Any = values
        if len(values) > _FEW:
            # Texts are compared once for each that differs, not once for each row.
            which, texts = pd.factorize(values)
        column, numbers = self.columns[place], self._numbers[place]
        unknown = len(numbers) if column["rest"] else -1
        codes = [
            -1 if pd.isna(text) else numbers.get(str(text), unknown) for text in texts.tolist()
        ]
        return np.array([*codes, -1])[which]

    def kinds(self) -> list[str]:
        """Return H2O's type of each column."""
        return ["Enum" if "levels" in column else "Numeric" for column in self.columns]

    def tokens(self, place: int) -> list[str] | None:
        """Return what a column's levels are called inside H2O; None for numbers."""
        column = self.columns[place]
        if "levels" not in column:
            return None
        return [f"L{code:04d}" for code in range(len(column["levels"]) + column["rest"])]

    def place(self, name: str) -> str | None:
        """Return what a number column is called inside H2O; None if it is none or not there."""
        for number, column in enumerate(self.columns):
            if column["name"] == name and "levels" not in column:
                return f"c{number}"
        return None


def class_tokens(codes: np.ndarray, classes: int) -> Any:
    """Return what classes are called inside H2O; the order of names is that of codes."""
    return _tokens("k", codes, classes)


def store(
    server: Server,
    code: FrameCode,
    design: pd.DataFrame,
    extra: pd.DataFrame | None = None,
    *,
    key: str,
    imported: bool = False,
    folder: Path | None = None,
) -> str:
    """Bring a design frame into H2O under a key; return a note if that went another way.

    Parameters
    ----------
    server : Server
        Where to.
    code : FrameCode
        How it is written.
    design : pandas.DataFrame
        What is written.
    extra : pandas.DataFrame, optional
        Columns beside it that are written as they are: numbers, or categories.
    key : str
        The frame's name in H2O.
    imported : bool
        Whether H2O shall read a file by itself.
    folder : Path, optional
        For that file; a temporary one by default.
    """
    kinds = code.kinds()
    if extra is not None:
        kinds += ["Numeric" if _is_number(extra[name]) else "Enum" for name in extra.columns]
    names = [f"c{number}" for number in range(len(code.columns))]
    names += [] if extra is None else list(extra.columns)
    blocks = _blocks(code, design, extra)
    if not imported:
        stream = io.BytesIO()
        _write(stream, blocks)
        _push(server, stream.getvalue(), key, names, kinds)
        return ""
    with tempfile.TemporaryDirectory(prefix="toolkit-h2o-frame-", dir=folder) as place:
        # A cluster may run under another user.
        Path(place).chmod(0o755)
        file = Path(place) / f"{key}.parquet"
        _write(file, blocks)
        return _import(server, file, key, names, kinds)


def predict(server: Server, model: str, frame: str, classes: int) -> np.ndarray:
    """Return a model's scores of a stored frame: (n, classes), or (n,) without classes."""
    key = keys.unique("scores")
    answer = server.post(f"/4/Predictions/models/{model}/frames/{frame}", predictions_frame=key)
    try:
        server.wait(answer["key"]["name"])
        return scores(server, key, classes)
    finally:
        keys.forget(server, key)


def scores(server: Server, key: str, classes: int) -> np.ndarray:
    """Return the content of a frame of predictions.

    A class that was not among the training rows gets the probability 0.
    """
    from pyarrow import csv

    content = server.download("/3/DownloadDataset", frame_id=key)
    table = csv.read_csv(io.BytesIO(content))
    if not classes:
        return np.asarray(table["predict"].to_numpy(), dtype=np.float64)
    found = np.zeros((table.num_rows, classes))
    for number in range(classes):
        if (token := f"k{number:04d}") in table.column_names:
            found[:, number] = table[token].to_numpy()
    # XGBoost's are of single precision, and add up to one within that only.
    return np.asarray(found / found.sum(axis=1, keepdims=True))


def _blocks(
    code: FrameCode, design: pd.DataFrame, extra: pd.DataFrame | None
) -> Iterable[pd.DataFrame]:
    rows = max(_ROW_GROUP, _BLOCK_CELLS // max(1, design.shape[1]) // _ROW_GROUP * _ROW_GROUP)
    for start in range(0, max(1, len(design)), rows):
        encoded = code.encode(design.iloc[start : start + rows])
        if extra is not None:
            part = extra.iloc[start : start + rows]
            encoded = encoded.assign(**{name: part[name].array for name in extra.columns})
        yield encoded


def _write(target: Path | io.BytesIO, blocks: Iterable[pd.DataFrame]) -> None:
    # Block by block: a second copy of a large frame is never held.
    import pyarrow as pa
    from pyarrow import parquet

    writer = None
    for block in blocks:
        table = pa.Table.from_pandas(block, preserve_index=False).replace_schema_metadata()
        if writer is None:
            writer = parquet.ParquetWriter(target, table.schema)
        writer.write_table(table, row_group_size=_ROW_GROUP)
    assert writer is not None
    writer.close()


def _push(
    server: Server, content: bytes | Path, key: str, names: list[str], kinds: list[str]
) -> None:
    raw = keys.unique("raw")
    server.upload(content, raw)
    _parse(server, raw, key, names, kinds)


def _import(server: Server, file: Path, key: str, names: list[str], kinds: list[str]) -> str:
    try:
        answer = server.get("/3/ImportFiles", path=str(file))
        if answer["destination_frames"] and not answer["fails"]:
            _parse(server, answer["destination_frames"][0], key, names, kinds)
            return ""
    except EngineError:
        # One node may see the file and another not.
        if not server.alive():
            raise
        keys.forget(server, key)
    _push(server, file, key, names, kinds)
    return (
        f"the H2O cluster at {server.url} does not see {file.parent.parent}:"
        f" {file.stat().st_size / 2**20:.0f} MiB were pushed to it instead of imported by it"
    )


def _parse(server: Server, raw: str, key: str, names: list[str], kinds: list[str]) -> None:
    job = server.post(
        "/3/Parse",
        destination_frame=key,
        source_frames=[raw],
        parse_type="PARQUET",
        separator=124,
        single_quotes=False,
        check_header=1,
        number_columns=len(names),
        column_names=names,
        column_types=kinds,
        chunk_size=_CHUNK_BYTES,
        delete_on_done=True,
        blocking=False,
    )
    server.wait(job["job"]["key"]["name"])


def _is_number(values: pd.Series) -> bool:
    return bool(pd.api.types.is_numeric_dtype(values) and not pd.api.types.is_bool_dtype(values))


def _tokens(letter: str, codes: np.ndarray, count: int) -> Any:
    tokens = pd.Index([f"{letter}{place:04d}" for place in range(count)])
    return pd.Categorical.from_codes(codes.astype(np.int32), categories=tokens)
