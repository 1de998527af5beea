"""H2O models outside the server that trained them: MOJO files."""

from __future__ import annotations

import hashlib
import json
import re
import weakref
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from toolkit.automl.engines.h2o import frames, keys
from toolkit.automl.engines.h2o.server import node
from toolkit.automl.files.archive import normalised
from toolkit.canonical import dumps, write_text
from toolkit.errors import EngineError, ModelError
from toolkit.project.search import Budget

if TYPE_CHECKING:
    from toolkit.automl.engines.h2o.server.rest import Server
    from toolkit.automl.inputs import Inputs

MODEL_FILE = "model.zip"
CODE_FILE = "code.json"
_LEAST_BLOCK = 10_000
_BLOCK_CELLS = 4_000_000


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


def save(server: Server, model: str, code: frames.FrameCode, classes: int, to: Path) -> None:
    """Write a model's MOJO, and the code of its columns, into a folder."""
    to.mkdir(parents=True, exist_ok=True)
    mojo = server.download(f"/3/Models/{model}/mojo")
    (to / MODEL_FILE).write_bytes(stable_mojo(mojo))
    write_text(to / CODE_FILE, dumps({"columns": code.columns, "classes": classes}))


class MojoScorer:
    """Scores rows with a saved MOJO, in whatever server there is.

    Parameters
    ----------
    folder : Path
        Where `save` wrote.
    """

    def __init__(self, folder: Path) -> None:
        facts = json.loads((folder / CODE_FILE).read_text(encoding="utf-8"))
        self._code = frames.FrameCode(facts["columns"])
        self._classes: int = facts["classes"]
        self._mojo = (folder / MODEL_FILE).read_bytes()
        self._where = str(folder / MODEL_FILE)
        self._server: Server | None = None
        self._model = ""

    def __call__(self, inputs: Inputs) -> np.ndarray:
        """Return (n, k) probabilities, or (n,) values."""
        connection = node.connect(Budget())
        server = connection.server
        if self._server is None or self._server.url != server.url:
            self._import(server)
        return score(connection, self._model, self._code, inputs, self._classes)

    def _import(self, server: Server) -> None:
        raw, model = keys.unique("mojo"), keys.unique("model")
        server.upload(self._mojo, raw)
        try:
            job = server.post("/3/ModelBuilders/generic", model_id=model, model_key=raw)
            server.wait(job["job"]["key"]["name"])
        except EngineError as error:
            if not server.alive():
                raise
            raise ModelError(
                f"H2O cannot read the saved model: {error.problem}",
                where=self._where,
                remedy="Run 04_automl.ipynb again with --fresh",
            ) from error
        self._server, self._model = server, model
        weakref.finalize(self, keys.forget, server, model, raw)


def score(
    connection: node.Connection,
    model: str,
    code: frames.FrameCode,
    inputs: Inputs,
    classes: int,
) -> np.ndarray:
    """Return a stored model's scores of rows: (n, classes), or (n,) without classes.

    Rows go in blocks, so that neither this process nor H2O holds a second copy of them all.
    """
    found = np.zeros((len(inputs), classes) if classes else len(inputs))
    rows = max(_LEAST_BLOCK, _BLOCK_CELLS // max(1, len(code.columns)))
    for start in range(0, len(inputs), rows):
        places = np.arange(start, min(start + rows, len(inputs)))
        frame = keys.unique("rows")
        try:
            frames.store(
                connection.server,
                code,
                inputs.take(places).design,
                key=frame,
                imported=connection.external,
            )
            found[places] = frames.predict(connection.server, model, frame, classes)
        finally:
            keys.forget(connection.server, frame)
    return found
