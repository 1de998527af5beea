"""What an engine finished stays finished: a killed search goes on with the next engine."""

from __future__ import annotations

import json
import shutil
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from toolkit import __version__, canonical
from toolkit.automl.model import FACTS_FILE

if TYPE_CHECKING:
    from toolkit.automl.engines.base import Engine
    from toolkit.project.model import AutoML
    from toolkit.table import Part

MODELS = "models"


@dataclass(frozen=True)
class Finished:
    """What one engine did.

    Attributes
    ----------
    fingerprint : str
        Digest of everything that its models depend on.
    version : str
        The engine's version.
    names : list of str
        Its candidates, in order.
    seconds : float
        How long it searched.
    failures, notes : list of str
        What did not work, and what was degraded.
    digests : dict of str to str
        Of each candidate's folder: one that was damaged since is no model.
    """

    fingerprint: str
    version: str
    names: list[str]
    seconds: float
    failures: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    digests: dict[str, str] = field(default_factory=dict)


def fingerprint(engine: Engine, part: Part, classes: list[str], seed: int, choices: AutoML) -> str:
    """Return the digest of what an engine's models depend on."""
    from toolkit import table

    return canonical.digest(
        {
            "toolkit": __version__,
            "engine": engine.name,
            "version": engine.version,
            "settings": engine.settings(choices),
            "seed": seed,
            "rows": table.table_digest(part.frame),
            "target": canonical.digest(part.target),
            "columns": {name: c.model_dump(mode="json") for name, c in part.columns.items()},
            "classes": classes,
        }
    )


def read(run: Path, engine: str, expected: str) -> Finished | None:
    """Return what an engine did in an earlier attempt, if it still holds."""
    try:
        facts: dict[str, Any] = json.loads(_path(run, engine).read_text(encoding="utf-8"))
        finished = Finished(**facts)
    except (OSError, ValueError, TypeError):
        return None
    if finished.fingerprint != expected:
        return None
    return finished if digests(run, finished.names) == finished.digests else None


def digests(run: Path, names: list[str]) -> dict[str, str]:
    """Return the digest of each model's folder; one that is not there is left out."""
    folders = {name: run / MODELS / name for name in names}
    return {name: canonical.digest_file(f) for name, f in folders.items() if f.is_dir()}


def write(run: Path, engine: str, finished: Finished) -> None:
    """Record that an engine is done."""
    canonical.write_text(_path(run, engine), canonical.dumps(asdict(finished)))


def clear(run: Path, engine: str) -> None:
    """Remove an engine's models of an earlier attempt."""
    _path(run, engine).unlink(missing_ok=True)
    for folder in sorted((run / MODELS).glob("*")):
        try:
            facts = json.loads((folder / FACTS_FILE).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            continue
        if facts.get("engine") == engine and folder.name != "champion":
            shutil.rmtree(folder)


def forget(run: Path) -> None:
    """Let every engine search again; its models stay until then."""
    for path in (run / MODELS).glob("*.done.json"):
        path.unlink()


def _path(run: Path, engine: str) -> Path:
    return run / MODELS / f"{engine}.done.json"
