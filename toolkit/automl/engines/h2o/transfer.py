"""Design frames on their way to H2O and scores back, by H2O's own client.

Frames travel as Parquet: its types are not guessed from the first rows. (H2O itself takes
numbers apart into decimals, and keeps them to within their last digit.) A small frame is
pushed; a large one, or any for a cluster of the user's, is imported by H2O itself.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import h2o
import numpy as np
from h2o import H2OFrame
from h2o.exceptions import H2OError
from h2o.model import ModelBase

from toolkit.automl.engines.h2o import keys
from toolkit.automl.engines.h2o.client import forget
from toolkit.automl.engines.h2o.frames import FrameCode, is_number
from toolkit.errors import EngineError

if TYPE_CHECKING:
    import pandas as pd

_ROW_GROUP = 10_000
_BLOCK_CELLS = 10_000_000
# The same on every cluster: H2O adds up in chunks, and another division gives other last digits.
_CHUNK_BYTES = 1 << 22


def store(
    code: FrameCode,
    design: pd.DataFrame,
    extra: pd.DataFrame | None = None,
    *,
    key: str,
    imported: bool = False,
    folder: Path | None = None,
) -> tuple[H2OFrame, str]:
    """Bring a design frame into H2O; return it there, and a note if that went another way.

    Parameters
    ----------
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
    kinds = {f"c{number}": kind for number, kind in enumerate(code.kinds())}
    for name in () if extra is None else extra.columns:
        kinds[name] = "numeric" if is_number(extra[name]) else "enum"  # type: ignore[index]
    with tempfile.TemporaryDirectory(prefix="toolkit-h2o-frame-", dir=folder) as place:
        # A cluster may run under another user.
        Path(place).chmod(0o755)
        file = Path(place) / f"{key}.parquet"
        _write(file, _blocks(code, design, extra))
        if not imported:
            return _pushed(file, key, kinds), ""
        try:
            return _parsed(h2o.lazy_import(str(file)), key, kinds), ""
        except (EngineError, H2OError, ValueError):
            # One node may see the file and another not.
            frame = _pushed(file, key, kinds)
        return frame, (
            f"the H2O cluster at {h2o.connection().base_url} does not see {file.parent.parent}:"
            f" {file.stat().st_size / 2**20:.0f} MiB were pushed to it instead of imported by it"
        )


def predict(model: ModelBase, frame: H2OFrame, classes: int) -> np.ndarray:
    """Return a model's scores of a stored frame: (n, classes), or (n,) without classes."""
    predicted = model.predict(frame)
    try:
        return scores(predicted, classes)
    finally:
        forget(predicted.frame_id)


def scores(frame: H2OFrame, classes: int) -> np.ndarray:
    """Return the content of a frame of predictions: (n, classes), or (n,) without classes.

    A class that was not among the training rows gets the probability 0.
    """
    from pyarrow import csv

    with tempfile.TemporaryDirectory(prefix="toolkit-h2o-scores-") as place:
        table = csv.read_csv(h2o.download_csv(frame, str(Path(place) / "scores.csv")))
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


def _write(target: Path, blocks: Iterable[pd.DataFrame]) -> None:
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


def _pushed(file: Path, key: str, kinds: dict[str, str]) -> H2OFrame:
    raw = keys.unique("raw")
    h2o.api(f"POST /3/PostFile?destination_frame={raw}", filename=str(file))
    return _parsed(raw, key, kinds)


def _parsed(raw: str | list[str], key: str, kinds: dict[str, str]) -> H2OFrame:
    setup = h2o.parse_setup(raw, destination_frame=key, column_types=kinds)
    setup["chunk_size"] = _CHUNK_BYTES
    return h2o.parse_raw(setup)
