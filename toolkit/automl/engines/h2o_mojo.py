"""H2O models outside the server that trained them: MOJO files."""

from __future__ import annotations

import contextlib
import hashlib
import json
import re
import weakref
from pathlib import Path
from typing import TYPE_CHECKING, Any

from toolkit.automl import cluster
from toolkit.automl.archive import normalised
from toolkit.automl.engines import h2o_frames
from toolkit.canonical import dumps, write_text
from toolkit.errors import EngineError, ModelError
from toolkit.project.search import Budget

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    from toolkit.automl.rest import Server

MODEL_FILE = "model.zip"
CODE_FILE = "code.json"

_RUN_MARK = re.compile(r"_AutoML_\d+_\d{8}_\d+")


def without_run(text: str) -> str:
    """Return a text without the counter and time that AutoML puts into model names."""
    return _RUN_MARK.sub("", text)


def stable_mojo(archive: bytes) -> bytes:
    """Return a MOJO without what differs between two equal trainings.

    Times, names that hold times, and the training's history go; what scores stays, and so
    do the algorithm's parameters.
    """
    content = hashlib.sha256()

    def edit(name: str, body: bytes) -> tuple[str, bytes] | None:
        if name.endswith("modelDetails.json"):
            body = _parameters(body)
        elif name.endswith("experimental/README.md"):
            return None
        elif name.endswith("model.ini"):
            text = without_run(body.decode())
            text = re.sub(r"(?m)^timestamp = .*$", "timestamp = 1970-01-01T00:00:00.000Z", text)
            body = re.sub(r"(?m)^uuid = .*\n", "", text).encode()
        name = without_run(name)
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


def save(server: Server, model: str, code: h2o_frames.FrameCode, classes: int, to: Path) -> None:
    """Write a model's MOJO, and the code of its columns, into a folder."""
    to.mkdir(parents=True, exist_ok=True)
    mojo = server.download(f"/3/Models/{model}/mojo")
    (to / MODEL_FILE).write_bytes(stable_mojo(mojo))
    write_text(to / CODE_FILE, dumps({"columns": code.columns, "classes": classes}))


class MojoScorer:
    """Scores design frames with a saved MOJO, in whatever server there is.

    Parameters
    ----------
    folder : Path
        Where `save` wrote.
    """

    def __init__(self, folder: Path) -> None:
        facts = json.loads((folder / CODE_FILE).read_text(encoding="utf-8"))
        self._code = h2o_frames.FrameCode(facts["columns"])
        self._classes: int = facts["classes"]
        self._mojo = (folder / MODEL_FILE).read_bytes()
        self._where = str(folder / MODEL_FILE)
        self._server: Server | None = None
        self._model = ""

    def __call__(self, design: pd.DataFrame) -> np.ndarray:
        """Return (n, k) probabilities, or (n,) values."""
        server = cluster.connect(Budget()).server
        if self._server is None or self._server.url != server.url:
            self._import(server)
        return score(server, self._model, self._code, design, self._classes)

    def _import(self, server: Server) -> None:
        raw, model = h2o_frames.unique_key("mojo"), h2o_frames.unique_key("model")
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
        weakref.finalize(self, forget, server, model, raw)


def score(
    server: Server,
    model: str,
    code: h2o_frames.FrameCode,
    design: pd.DataFrame,
    classes: int,
) -> Any:
    """Return a stored model's scores of a design frame."""
    frame = h2o_frames.upload(server, code.encode(design), code.kinds(), "rows")
    try:
        return h2o_frames.predict(server, model, frame, classes)
    finally:
        forget(server, frame)


def forget(server: Server, *keys: str) -> None:
    """Remove frames and models; a server that is gone has forgotten them already."""
    for key in keys:
        with contextlib.suppress(EngineError):
            server.delete(key)
