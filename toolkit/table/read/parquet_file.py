"""Parquet files as tables: every type so that a gap, a dictionary or a scale changes no value."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from toolkit.artifacts.base import Check
from toolkit.errors import DataError
from toolkit.table.cells.notes import listed
from toolkit.table.read import cells

if TYPE_CHECKING:
    import pandas as pd

    from toolkit.project.data import Data


def read_parquet(path: Path, data: Data) -> tuple[pd.DataFrame, list[Check]]:
    """Read a Parquet file.

    Raises
    ------
    DataError
        If it is none, or is damaged.
    """
    import pandas as pd
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        table = pq.ParquetFile(path).read()
        found = [series_of(column) for column in table.columns]
    except (pa.ArrowException, OSError, ValueError, OverflowError) as error:
        raise DataError(
            f"cannot be read as Parquet: {str(error).splitlines()[0][:200].rstrip('.')}",
            where=str(path),
            remedy="Check the file, and data.format",
        ) from error
    names = [str(name) for name in table.column_names]
    kept = [
        place
        for place, name in enumerate(names)
        if found[place] is not None and not name.startswith("__index_level_")
    ]
    left_out = {
        name: str(table.column(place).type)
        for place, name in enumerate(names)
        if found[place] is None
    }
    frame = pd.DataFrame({place: found[place] for place in kept})
    frame.columns = pd.Index([names[place] for place in kept], dtype=object)
    return frame, left_out_check(left_out)


def left_out_check(columns: dict[str, str]) -> list[Check]:
    """Return what is said of columns, by name and type, that hold neither values nor images."""
    if not columns:
        return []
    return [
        Check(
            name="Columns without single values",
            severity="warning",
            message=f"{len(columns)} columns hold lists, structures or binary data and are left"
            f" out: {listed([f'{name} ({kind})' for name, kind in columns.items()], 8)}.",
            columns=list(columns),
            remedy="Turn them into numbers or texts in the source to use them",
        )
    ]


def series_of(column: Any) -> pd.Series | None:
    """Return a pyarrow column as pandas holds it; None for what holds no single values.

    A gap, a dictionary or a scale changes no value: whole numbers stay whole, decimals exact.
    """
    import pyarrow as pa
    import pyarrow.types as kinds

    kind = column.type
    if isinstance(kind, pa.ExtensionType):
        return series_of(pa.chunked_array([c.storage for c in column.chunks], kind.storage_type))
    if kinds.is_dictionary(kind):
        return series_of(column.cast(kind.value_type))
    if kinds.is_integer(kind) or kinds.is_boolean(kind):
        return _whole(column)
    if kinds.is_float16(kind):
        return column.cast(pa.float32()).cast(pa.float64()).to_pandas()
    if kinds.is_date(kind):
        return column.cast(pa.timestamp("us")).to_pandas()
    if kinds.is_decimal(kind) or kinds.is_time(kind):
        return cells.column(column.to_pylist())
    if kinds.is_struct(kind):  # an image beside its path, as the datasets package writes it
        return column.to_pandas() if "bytes" in [field.name for field in kind] else None
    if kinds.is_nested(kind) or kinds.is_interval(kind):
        return None
    if _is_binary(kind):
        return cells.column(column.to_pylist())
    if kinds.is_string_view(kind):
        column = column.cast(pa.large_string())
    return column.to_pandas()


def _is_binary(kind: Any) -> bool:
    import pyarrow.types as kinds

    return bool(
        kinds.is_binary(kind)
        or kinds.is_large_binary(kind)
        or kinds.is_fixed_size_binary(kind)
        or kinds.is_binary_view(kind)
    )


def _whole(column: Any) -> pd.Series:
    import pandas as pd
    import pyarrow.types as kinds

    if not column.null_count:
        return column.to_pandas()
    if kinds.is_boolean(column.type):
        name: Any = pd.BooleanDtype()
    else:
        name = pd.UInt64Dtype() if kinds.is_uint64(column.type) else pd.Int64Dtype()
    return column.to_pandas(types_mapper=lambda _: name)
