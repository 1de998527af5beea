"""The store of finished trials: one record for each, written last."""

from __future__ import annotations

import json
import shutil
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np

from toolkit import canonical
from toolkit.automl.engines.base import Engine, Trial, installed
from toolkit.run import fingerprint

MODELS, SEARCH = "models", "search"
WORKER = "toolkit.automl.workers.main"
"""The module that fits trials, in a process of its own."""
_TASK, _SCRATCH = "task", "scratch"


@dataclass(frozen=True)
class TrialRecord:
    """A trial that was finished.

    Attributes
    ----------
    name : str
        Of the trial, and of the model's folder.
    fingerprint : str
        Digest of everything that the model depends on.
    seconds : float
        How long it took to fit on all folds.
    scoring_seconds : float
        How long the saved model takes for 1,000 rows.
    details : dict of str
        From the candidate.
    complexity : float, optional
        From the candidate.
    notes : list of str
        What was sampled or degraded.
    digests : dict of str to str
        Of the model's folder and of its out-of-fold scores.
    """

    name: str
    fingerprint: str
    seconds: float
    scoring_seconds: float
    details: dict[str, str] = field(default_factory=dict)
    complexity: float | None = None
    notes: list[str] = field(default_factory=list)
    digests: dict[str, str] = field(default_factory=dict)


class TrialStore:
    """The finished trials of a run.

    Parameters
    ----------
    run : Path
        The run folder.
    """

    def __init__(self, run: Path) -> None:
        self.run = run
        self.folder = run / SEARCH

    @property
    def task(self) -> Path:
        """Where the task lies while a search runs."""
        return self.folder / _TASK

    def model(self, name: str) -> Path:
        """Return the folder of a finished model."""
        return self.run / MODELS / name

    def scratch(self, name: str) -> Path:
        """Return a trial's own folder, which a second attempt finds as the first left it."""
        return self.folder / _SCRATCH / name

    def oof(self, name: str) -> np.ndarray:
        """Return a finished trial's out-of-fold scores."""
        scores: np.ndarray = np.load(self._oof(name))
        return scores

    def finished(self, trial: Trial, expected: str) -> TrialRecord | None:
        """Return the record of a trial that still holds."""
        try:
            facts = json.loads(self._record(trial.name).read_text(encoding="utf-8"))
            record = TrialRecord(**facts)
        except (OSError, ValueError, TypeError):
            return None
        if record.fingerprint != expected or self._digests(trial.name) != record.digests:
            return None
        return record

    def begin(self, trial: Trial) -> None:
        """Remove what an attempt under other choices left behind."""
        self._record(trial.name).unlink(missing_ok=True)
        self._oof(trial.name).unlink(missing_ok=True)
        shutil.rmtree(self.model(trial.name), ignore_errors=True)
        self.scratch(trial.name).mkdir(parents=True, exist_ok=True)

    def finish(self, record: TrialRecord, oof: np.ndarray) -> TrialRecord:
        """Record a trial whose model lies in its folder already."""
        np.save(self._oof(record.name), oof)
        facts = asdict(record) | {"digests": self._digests(record.name)}
        canonical.write_text(self._record(record.name), canonical.dumps(facts))
        shutil.rmtree(self.scratch(record.name), ignore_errors=True)
        return TrialRecord(**facts)

    def forget(self) -> None:
        """Let every trial run again; its models stay until then."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def tidy(self) -> None:
        """Remove what only a running search needs."""
        shutil.rmtree(self.task, ignore_errors=True)
        shutil.rmtree(self.folder / _SCRATCH, ignore_errors=True)

    def _digests(self, name: str) -> dict[str, str]:
        paths = {"model": self.model(name), "oof": self._oof(name)}
        return {key: canonical.digest_file(path) for key, path in paths.items() if path.exists()}

    def _record(self, name: str) -> Path:
        return self.folder / f"{name}.json"

    def _oof(self, name: str) -> Path:
        return self.folder / f"{name}.oof.npy"


def trial_fingerprint(task_digest: str, engine: Engine, trial: Trial) -> str:
    """Return the digest of what a trial's model depends on."""
    return canonical.digest(
        {
            "task": task_digest,
            "engine": engine.name,
            "version": engine.version,
            "requires": {name: installed(name) for name in engine.requirements()},
            "settings": trial.settings,
            "code": fingerprint.worker_digest(WORKER),
        }
    )
