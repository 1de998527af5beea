"""The tables, and how each is divided into rows to learn from and rows to judge by."""

from __future__ import annotations

import hashlib
import json
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
TEST = 0.25
_MOST_CLASSES = 20
"""Whole numbers of more values than this are a regression's, where nothing else is said."""
METRICS = {"binary": "auc", "multiclass": "log_loss", "regression": "rmse"}


@dataclass(frozen=True)
class Table:
    """A table and what is predicted in it."""

    name: str
    path: Path
    target: str
    positive: str | None = None
    task: str | None = None
    drop: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Cut:
    """One division of a table: the same for every system."""

    table: str
    seed: int
    folder: Path
    kind: str
    target: str
    classes: list[str]
    digest: str

    @property
    def metric(self) -> str:
        return METRICS[self.kind]

    def truth(self) -> Any:
        """Return the test rows' codes of classes, or values."""
        import numpy as np

        return np.load(self.folder / "truth.npy")


def tables(text: str, data: Path) -> list[Table]:
    """Return the tables that ``--tables`` names."""
    import yaml

    known = yaml.safe_load((HERE / "tables.yaml").read_text(encoding="utf-8"))
    found = []
    for entry in text.split(","):
        name, _, target = entry.partition(":")
        path = data / f"{name}.csv.gz"
        if not path.is_file():
            sys.exit(f"no table {path}")
        facts = {"target": target} if target else known.get(name)
        if facts is None:
            sys.exit(f"{name} is not in tables.yaml: write {name}:TARGET")
        found.append(Table(name=name, path=path, **facts))
    return found


def cut(table: Table, seed: int, work: Path) -> Cut:
    """Divide a table once, and write both parts for all systems to read.

    `pandas.read_csv` reads it with its defaults. Rows without a target are left out.
    Classes are shared out evenly, and a class of one row is learnt from.
    """
    folder = work / "cuts" / table.name / str(seed)
    digest = hashlib.sha256(table.path.read_bytes()).hexdigest()
    asked = json.dumps([digest, table.target, table.positive, table.task, table.drop, TEST])
    key = hashlib.sha256(asked.encode()).hexdigest()[:16]
    facts_file = folder / "cut.json"
    if facts_file.exists():
        facts = json.loads(facts_file.read_text(encoding="utf-8"))
        if facts["digest"] == key:
            return Cut(folder=folder, **facts)
    folder.mkdir(parents=True, exist_ok=True)
    facts = _write(table, seed, folder) | {"digest": key}
    facts_file.write_text(json.dumps(facts, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    return Cut(folder=folder, **facts)


def _write(table: Table, seed: int, folder: Path) -> dict[str, Any]:
    import numpy as np
    import pandas as pd
    import pyarrow as pa
    import pyarrow.parquet as pq

    frame = pd.read_csv(table.path, low_memory=False)
    for name in (table.target, *table.drop):
        if name not in frame:
            sys.exit(f"{table.path} has no column {name!r}")
    frame = frame.drop(columns=table.drop).dropna(subset=table.target).reset_index(drop=True)
    kind = table.task or _kind(frame[table.target])
    classes: list[str] = []
    if kind == "regression":
        truth = frame[table.target] = frame[table.target].astype(float)
    else:
        labels = _labels(frame[table.target])
        classes = _classes(labels, kind, table.positive)
        frame[table.target] = labels
        truth = labels.map({label: code for code, label in enumerate(classes)})
    held = _held(truth.to_numpy(), kind, seed)

    def write(part: pd.DataFrame, name: str) -> None:
        # Without pandas's notes on types, which differ between its versions.
        columns = pa.Table.from_pandas(part, preserve_index=False).replace_schema_metadata(None)
        pq.write_table(columns, folder / name)

    write(frame[~held], "train.parquet")
    write(frame[held].drop(columns=table.target), "test.parquet")
    np.save(folder / "truth.npy", truth.to_numpy()[held])
    return {
        "table": table.name, "seed": seed, "kind": kind, "target": table.target,
        "classes": classes,
    }  # fmt: skip


def _kind(target: Any) -> str:
    from pandas.api.types import is_float_dtype, is_numeric_dtype

    values = target.nunique()
    if values == 2:
        return "binary"
    whole = not is_float_dtype(target) or bool((target % 1 == 0).all())
    if is_numeric_dtype(target) and not (whole and values <= _MOST_CLASSES):
        return "regression"
    return "multiclass"


def _labels(target: Any) -> Any:
    from pandas.api.types import is_float_dtype

    if is_float_dtype(target) and (target % 1 == 0).all():
        target = target.astype("int64")
    return target.astype(str)


def _classes(labels: Any, kind: str, positive: str | None) -> list[str]:
    found = sorted(labels.unique())
    if kind == "multiclass":
        return found
    if len(found) != 2:
        sys.exit(f"a binary target has two classes, not {len(found)}")
    positive = positive or labels.value_counts().index[-1]
    if positive not in found:
        sys.exit(f"no class {positive!r}: the target has {', '.join(found)}")
    return [*(label for label in found if label != positive), positive]


def _held(truth: Any, kind: str, seed: int) -> Any:
    """Return which rows judge: a share of every class, or of all rows."""
    import numpy as np

    generator = np.random.default_rng([seed, 17])
    held = np.zeros(len(truth), dtype=bool)
    groups = [truth == code for code in np.unique(truth)] if kind != "regression" else []
    for group in groups or [np.ones(len(truth), dtype=bool)]:
        rows = generator.permutation(np.flatnonzero(group))
        held[rows[: int(np.floor(TEST * len(rows) + 0.5))]] = len(rows) > 1
    return held
