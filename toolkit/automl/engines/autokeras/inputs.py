"""From rows to the arrays that networks take: numbers, tokens and pixels."""

from __future__ import annotations

import collections
import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from toolkit import canonical
from toolkit.automl.files import skops_file

if TYPE_CHECKING:
    import pandas as pd

    from toolkit.automl.inputs import Inputs

_FILE = "inputs.json"
_FEW_VALUES = 20
_LIMIT = 6.0
_QUANTILES = 1000
_SAMPLE = 200_000
_VOCABULARY = 20_000
_LONGEST, _SHORTEST = 256, 8
_SIDE = 64
_LOOKED_AT = 500


class TableEncoder:
    """Design columns as a matrix: numbers on the scale of a normal distribution, categories
    as columns of 0 and 1.

    Parameters
    ----------
    columns : list of str
        Of the design frame.
    """

    kind = "table"

    def __init__(self, columns: list[str]) -> None:
        self.columns = columns

    def fit(self, inputs: Inputs, seed: int) -> TableEncoder:
        """Learn medians, quantiles and categories from training rows."""
        from sklearn.preprocessing import QuantileTransformer

        from toolkit import table

        frame = inputs.design[self.columns]
        if len(frame) > _SAMPLE:
            rows = np.random.default_rng(seed).choice(len(frame), _SAMPLE, replace=False)
            frame = frame.iloc[np.sort(rows)].reset_index(drop=True)
        self.prepare = table.make_preprocessor(frame).fit(frame)
        matrix = self.prepare.transform(frame)
        count = len(self.prepare.numbers)
        # On few values quantiles say no more than the values themselves.
        self.bent = [i for i in range(count) if len(np.unique(matrix[:, i])) > _FEW_VALUES]
        self.quantiles = None
        if self.bent:
            self.quantiles = QuantileTransformer(
                n_quantiles=min(_QUANTILES, len(frame)),
                output_distribution="normal",
                subsample=None,
            ).fit(matrix[:, self.bent])
        self.width = matrix.shape[1]
        return self

    def array(self, inputs: Inputs) -> np.ndarray:
        """Return the matrix, float32."""
        if not len(inputs):  # which scikit-learn does not take
            return np.zeros((0, self.width), dtype=np.float32)
        matrix: np.ndarray = self.prepare.transform(inputs.design[self.columns])
        if self.quantiles is not None:
            matrix[:, self.bent] = self.quantiles.transform(matrix[:, self.bent])
        return np.clip(matrix, -_LIMIT, _LIMIT, out=matrix)

    def facts(self) -> dict[str, Any]:
        """Return what a block has to know."""
        return {
            "kind": self.kind,
            "shape": [self.width],
            "dtype": "float32",
            "numbers": len(self.prepare.numbers),
            "columns": self.columns,
            "bent": self.bent,
        }

    def save(self, folder: Path) -> None:
        """Write what was learnt beside the facts."""
        skops_file.save(self.prepare, folder / "prepare.skops")
        if self.quantiles is not None:
            skops_file.save(self.quantiles, folder / "quantiles.skops")

    @classmethod
    def load(cls, facts: dict[str, Any], folder: Path) -> TableEncoder:
        """Return a saved one."""
        part = cls(facts["columns"])
        part.prepare = skops_file.load(folder / "prepare.skops")
        part.bent = facts["bent"]
        part.quantiles = skops_file.load(folder / "quantiles.skops") if part.bent else None
        part.width = facts["shape"][0]
        return part


class TextEncoder:
    """A text column as numbers of words, by a vocabulary of its own; 0 fills up, 1 is unknown.

    Parameters
    ----------
    column : str
        Of the typed frame.
    """

    kind = "text"

    def __init__(self, column: str) -> None:
        self.column = column

    def fit(self, inputs: Inputs, seed: int) -> TextEncoder:
        """Learn the vocabulary, and how long texts are."""
        split = [words(text) for text in _texts(inputs.typed[self.column])]
        counts = collections.Counter(word for text in split for word in set(text))
        least = 2 if len(split) >= 200 else 1
        known = [(-n, word) for word, n in counts.items() if n >= least]
        self.words = [word for _, word in sorted(known)[:_VOCABULARY]]
        lengths = [len(text) for text in split] or [0]
        wanted = int(np.quantile(lengths, 0.95))
        self.length = int(np.clip(-(-wanted // 8) * 8, _SHORTEST, _LONGEST))
        return self._indexed()

    def _indexed(self) -> TextEncoder:
        self._codes = {word: code for code, word in enumerate(self.words, start=2)}
        return self

    def array(self, inputs: Inputs) -> np.ndarray:
        """Return tokens, int32 (n, length)."""
        texts = _texts(inputs.typed[self.column])
        tokens = np.zeros((len(texts), self.length), dtype=np.int32)
        for row, text in enumerate(texts):
            codes = [self._codes.get(word, 1) for word in words(text)[: self.length]]
            tokens[row, : len(codes)] = codes
        return tokens

    def facts(self) -> dict[str, Any]:
        """Return what a block has to know."""
        return {
            "kind": self.kind,
            "shape": [self.length],
            "dtype": "int32",
            "words": len(self.words) + 2,
            "column": self.column,
        }

    def save(self, folder: Path) -> None:
        """Write the vocabulary beside the facts, most frequent first."""
        path = folder / f"vocabulary_{_safe(self.column)}.json"
        canonical.write_text(path, canonical.dumps(self.words))

    @classmethod
    def load(cls, facts: dict[str, Any], folder: Path) -> TextEncoder:
        """Return a saved one."""
        part = cls(facts["column"])
        path = folder / f"vocabulary_{_safe(part.column)}.json"
        part.words = json.loads(path.read_text(encoding="utf-8"))
        part.length = facts["shape"][0]
        return part._indexed()


class ImageEncoder:
    """An image column as pixels of one size: grey if all are, at most 64 on a side.

    Parameters
    ----------
    column : str
        Of the typed frame.
    """

    kind = "image"

    def __init__(self, column: str) -> None:
        self.column = column

    def fit(self, inputs: Inputs, seed: int) -> ImageEncoder:
        """Learn size and colours from a sample of training images."""
        from toolkit.table.images import images

        series = inputs.typed[self.column].dropna()
        if len(series) > _LOOKED_AT:
            rows = np.random.default_rng(seed).choice(len(series), _LOOKED_AT, replace=False)
            series = series.iloc[np.sort(rows)]
        shapes = []
        for data in series:
            try:
                shapes.append(images.decode(data).shape)
            except images.UnreadableImage:
                continue
        sides = np.median([shape[:2] for shape in shapes], axis=0) if shapes else np.array([8, 8])
        sides = np.maximum(np.round(sides * min(1.0, _SIDE / sides.max())), 4)
        self.height, self.width = int(sides[0]), int(sides[1])
        self.colour = any(len(shape) == 3 for shape in shapes)
        return self

    def array(self, inputs: Inputs) -> np.ndarray:
        """Return pixels, uint8 (n, height, width, channels); zeros where there is no image."""
        from toolkit.table.images import images

        column = inputs.typed[self.column]
        pixels, _ = images.stack(column, self.width, self.height, colour=self.colour)
        return pixels if self.colour else pixels[..., None]

    def facts(self) -> dict[str, Any]:
        """Return what a block has to know."""
        return {
            "kind": self.kind,
            "shape": [self.height, self.width, 3 if self.colour else 1],
            "dtype": "uint8",
            "column": self.column,
        }

    def save(self, folder: Path) -> None:
        """Nothing is learnt beyond the facts."""

    @classmethod
    def load(cls, facts: dict[str, Any], folder: Path) -> ImageEncoder:
        """Return a saved one."""
        part = cls(facts["column"])
        part.height, part.width, channels = facts["shape"]
        part.colour = channels == 3
        return part


_KINDS: dict[str, Any] = {"table": TableEncoder, "text": TextEncoder, "image": ImageEncoder}


class Encoder:
    """All parts of a row, in the order of a network's inputs."""

    def __init__(self, parts: list[Any]) -> None:
        self.parts = parts

    @classmethod
    def fit(cls, inputs: Inputs, columns: dict[str, dict[str, Any]], kinds: list[str],
            seed: int) -> Encoder:  # fmt: skip
        """Learn from training rows.

        Parameters
        ----------
        inputs : Inputs
            The training rows.
        columns : dict
            The feature columns, by name, with their type.
        kinds : list of str
            table, text, image: what to take. Beside texts or images, a table is made of the
            other columns alone.
        seed : int
            Of samples.
        """
        native = {n for n, column in columns.items() if column["type"] in kinds}
        parts: list[Any] = [
            _KINDS[column["type"]](name) for name, column in columns.items() if name in native
        ]
        if "table" in kinds:
            origin = inputs.features.origin
            design = [n for n in inputs.design.columns if origin.get(n, n) not in native]
            if design:
                parts.append(TableEncoder(design))
        return cls([part.fit(inputs, seed) for part in parts])

    def arrays(self, inputs: Inputs) -> list[np.ndarray]:
        """Return an array for each part."""
        return [part.array(inputs) for part in self.parts]

    def facts(self) -> list[dict[str, Any]]:
        """Return what blocks have to know of each part."""
        return [part.facts() for part in self.parts]

    def save(self, folder: Path) -> None:
        """Write facts, and what was learnt."""
        # The order of columns matters: no key is sorted away.
        text = json.dumps(self.facts(), ensure_ascii=False) + "\n"
        canonical.write_text(folder / _FILE, text)
        for part in self.parts:
            part.save(folder)

    @classmethod
    def load(cls, folder: Path) -> Encoder:
        """Return a saved one."""
        facts = json.loads((folder / _FILE).read_text(encoding="utf-8"))
        return cls([_KINDS[part["kind"]].load(part, folder) for part in facts])


def words(text: str) -> list[str]:
    """Return the words and marks of a text, lower case; a number counts by its length."""
    found = re.findall(r"\d+|[^\W\d]+|[^\w\s]", text.lower())
    return [f"<{min(len(word), 12)} digits>" if word[0].isdigit() else word for word in found]


def _texts(series: pd.Series) -> list[str]:
    return [str(text) for text in series.to_numpy(dtype=object, na_value="")]


def _safe(name: str) -> str:
    return canonical.digest(name).removeprefix("sha256:")[:12]
