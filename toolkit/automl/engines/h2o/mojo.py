"""H2O models outside the server that trained them: MOJO files."""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from toolkit.automl.engines.h2o import jvm, keys
from toolkit.automl.engines.h2o.frames import FrameCode
from toolkit.automl.files.archive import normalised
from toolkit.canonical import dumps, write_text
from toolkit.errors import ModelError

if TYPE_CHECKING:
    from h2o.model import ModelBase

    from toolkit.automl.inputs import Inputs

MODEL_FILE = "model.zip"
CODE_FILE = "code.json"
_BLOCK_CELLS = 4_000_000
_REMEDY = "Run 04_automl.ipynb again with --fresh"


def stable_mojo(archive: bytes) -> bytes:
    """Return a MOJO without what differs between two equal trainings.

    Times, the marks of this process in names, and the training's history go; what scores
    stays, and so do the algorithm's parameters.
    """
    content = hashlib.sha256()

    def edit(name: str, body: bytes) -> tuple[str, bytes] | None:
        if name.endswith("modelDetails.json"):
            body = _parameters(body)
        elif name.endswith("experimental/README.md"):
            return None
        elif name.endswith("model.ini"):
            text = keys.MARK.sub("", body.decode())
            text = re.sub(r"(?m)^timestamp = .*$", "timestamp = 1970-01-01T00:00:00.000Z", text)
            body = re.sub(r"(?m)^uuid = .*\n", "", text).encode()
        name = keys.MARK.sub("", name)
        content.update(name.encode() + b"\0" + body)
        return name, body

    anonymous = normalised(archive, edit)
    # H2O wants an identity; a digest of the content is one that does not change.
    identity = int.from_bytes(content.digest()[:7], "big")

    def identify(name: str, body: bytes) -> tuple[str, bytes]:
        if name.endswith("model.ini"):
            body = body.replace(b"[info]\n", f"[info]\nuuid = {identity}\n".encode(), 1)
        return name, body

    return normalised(anonymous, identify)


def _parameters(details: bytes) -> bytes:
    # H2O reads a GLM only with its parameters; keys name what is in no other server.
    kept = []
    for parameter in json.loads(details).get("parameters", []):
        is_key = parameter["type"].startswith("Key<")
        value = None if is_key else parameter["actual_value"]
        kept.append({"name": parameter["name"], "type": parameter["type"], "actual_value": value})
    return dumps({"parameters": kept}).encode()


def save(model: ModelBase, code: FrameCode, classes: int, to: Path) -> None:
    """Write a model's MOJO, and the code of its columns, into a folder."""
    to.mkdir(parents=True, exist_ok=True)
    path = Path(model.download_mojo(str(to / MODEL_FILE)))
    path.write_bytes(stable_mojo(path.read_bytes()))
    write_text(to / CODE_FILE, dumps({"columns": code.columns, "classes": classes}))


def read_code(folder: Path) -> tuple[FrameCode, int]:
    """Return the code of a saved model's columns, and how many classes its task has.

    Raises
    ------
    ModelError
        If the file is not there or is damaged.
    """
    path = folder / CODE_FILE
    try:
        facts = json.loads(path.read_text(encoding="utf-8"))
        return FrameCode(facts["columns"]), int(facts["classes"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ModelError("is missing or damaged", where=str(path), remedy=_REMEDY) from error


class MojoScorer:
    """Scores rows with a saved MOJO, in this process.

    Parameters
    ----------
    folder : Path
        Where `save` wrote.

    Raises
    ------
    ModelError
        If the files are damaged.
    EngineError, EnvironmentProblem
        If Java does not start.
    """

    def __init__(self, folder: Path) -> None:
        path = folder / MODEL_FILE
        self._code, self._classes = read_code(folder)
        self._mojo = jvm.Mojo(path)
        levels = dict(zip(self._mojo.columns, self._mojo.levels, strict=True))
        known = {f"c{place}": self._code.tokens(place) for place in range(len(self._code.columns))}
        if any(known.get(name, ()) != found for name, found in levels.items()) or (
            bool(self._classes) != bool(self._mojo.classes)
        ):
            raise ModelError(
                f"does not belong to the {CODE_FILE} beside it", where=str(path), remedy=_REMEDY
            )
        self._places = [int(name.removeprefix("c")) for name in levels]
        self._order = [int(name.removeprefix("k")) for name in self._mojo.classes] or [0]

    def __call__(self, inputs: Inputs) -> np.ndarray:
        """Return (n, k) probabilities, or (n,) values.

        A class that was not among the training rows gets the probability 0.
        """
        design = inputs.design
        scores = np.zeros((len(inputs), max(1, self._classes)))
        step = max(1, _BLOCK_CELLS // max(1, len(self._places)))
        for start in range(0, len(inputs), step):
            block = self._code.matrix(design.iloc[start : start + step])[:, self._places]
            found = self._mojo.score(block)
            scores[start : start + step, self._order] = found
        if not self._classes:
            return scores[:, 0]
        # XGBoost's are of single precision, and add up to one within that only.
        return scores / scores.sum(axis=1, keepdims=True)
