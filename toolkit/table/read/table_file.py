"""Tables in single files: CSV, Parquet, Excel, NumPy arrays."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from toolkit.artifacts.base import Check
from toolkit.table.images import image_arrays
from toolkit.table.read import excel_file, file_type, layout, parquet_file
from toolkit.table.read.text import csv_file

if TYPE_CHECKING:
    import pandas as pd

    from toolkit.project.data import Data


def read_file(path: Path) -> pd.DataFrame:
    """Return the rows of a file whose format and layout are detected from its content."""
    data, _ = file_type.detect_layout(file_type.file_type(path))
    return read_table(path, data)[0]


def read_table(path: Path, data: Data) -> tuple[pd.DataFrame, list[Check]]:
    """Return the rows of a file of a known format, and what was renamed or dropped.

    Parameters
    ----------
    path : Path
        The file.
    data : Data
        Its format, one of csv, parquet, excel and npz, and its layout.
    """
    return _READERS[data.format](path, data)


def _read_parquet(path: Path, data: Data) -> tuple[pd.DataFrame, list[Check]]:
    frame, checks = parquet_file.read_parquet(path, data)
    frame, said = unique_columns(frame)
    return frame, [*checks, *said]


_READERS = {
    "csv": csv_file.read_csv,
    "parquet": _read_parquet,
    "excel": excel_file.read_excel,
    "npz": image_arrays.read_npz,
}


def unique_columns(frame: pd.DataFrame) -> tuple[pd.DataFrame, list[Check]]:
    """Return a table whose columns have names that differ, and what was renamed."""
    import pandas as pd

    names, checks = layout.unique_names([str(name) for name in frame.columns])
    frame = frame.copy(deep=False)
    frame.columns = pd.Index(names)
    return frame.reset_index(drop=True), checks
