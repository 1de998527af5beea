"""Whether the champion can be reproduced: its trials are fitted again, and compared."""

from __future__ import annotations

import dataclasses
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, cast

import numpy as np

from toolkit import canonical, formats, table
from toolkit.artifacts import Champion, SearchSummary
from toolkit.automl import engines
from toolkit.automl.blend.objectives import combine
from toolkit.automl.files.model_file import NATIVE, read_facts
from toolkit.automl.model.saved_model import Model, saved_model
from toolkit.automl.task_preparation import prepare
from toolkit.automl.trial_plan import make_plan
from toolkit.automl.workers.refit import refit
from toolkit.automl.workers.search_result import SearchCallbacks
from toolkit.automl.workers.trial_store import MODELS
from toolkit.errors import RunError
from toolkit.project.model import Project
from toolkit.project.renamed import with_new_names
from toolkit.run import fingerprint
from toolkit.run.folder import Run
from toolkit.run.manifest import Manifest, library_versions, machine

if TYPE_CHECKING:
    from toolkit.artifacts.base import Artifact
    from toolkit.automl.engines.base import Trial
    from toolkit.automl.inputs import Inputs
    from toolkit.automl.task import SearchTask
    from toolkit.automl.workers.trial_store import TrialRecord, TrialStore
    from toolkit.run.stage import Stage

Grade = Literal["exact", "within tolerance", "not reproducible"]
TOLERANCE = 0.01
"""Of the predictions' largest difference: in probability, or in deviations of the target."""


@dataclass(frozen=True)
class RefittedModel:
    """One model that was fitted again.

    Attributes
    ----------
    name : str
        The model.
    engine : str
        Its engine.
    difference : float
        The largest between old and new predictions of the rows compared.
    same_files : bool
        Whether its files are the same, byte by byte.
    """

    name: str
    engine: str
    difference: float
    same_files: bool


@dataclass(frozen=True)
class Reproduction:
    """The result of fitting the champion again.

    Attributes
    ----------
    grade : str
        ``exact`` (equal predictions), ``within tolerance`` or ``not reproducible``.
    champion : str
        Its name.
    difference : float
        The largest between old and new predictions: in probability, or in standard
        deviations of the target.
    rows : int
        Rows that were compared.
    parts : list of RefittedModel
        The models that it is made of.
    causes : list of str
        Why it is not exact, a sentence each.
    """

    grade: Grade
    champion: str
    difference: float
    rows: int
    parts: list[RefittedModel]
    causes: list[str] = field(default_factory=list)

    def lines(self) -> list[str]:
        """Return it in words, a line each."""
        found = [
            f"{self.grade}: {self.champion}, largest difference"
            f" {formats.number(self.difference)} over"
            f" {self.rows:,} rows (tolerance {formats.number(TOLERANCE, 6)})"
        ]
        for part in self.parts:
            files = "the same files" if part.same_files else "other files"
            found.append(
                f"  {part.name}: largest difference {formats.number(part.difference)}, {files}"
            )
        return found + [f"  cause: {text}" for text in self.causes]

    def facts(self) -> dict[str, Any]:
        """Return it as JSON."""
        return dataclasses.asdict(self)


Say = Callable[[str], None]


def reproduce(run_folder: Path | str, say: Say = lambda text: None) -> Reproduction:
    """Fit a run's champion again from its frozen choices and rows, and compare.

    Nothing in the run is changed.

    Parameters
    ----------
    run_folder : path
        A run in which 04_automl is done.
    say : callable
        Told in words what happens.

    Raises
    ------
    MissingArtifact
        If the run has no champion.
    RunError
        If the run's trials are none that this version plans.
    EngineError
        If a trial cannot be fitted here.
    """
    run = Run(run_folder)
    frozen = _Frozen(run, say)
    champion = run.read(Champion)
    kept = saved_model(run.folder / champion.model)
    # In the order in which they are summed up.
    weights = kept.members or {champion.name: 1.0}
    task, _ = prepare(cast("Stage", frozen))
    trials = _trials(frozen.project, task, weights)
    say(f"fitting {', '.join(trial.name for trial in trials)} again")
    with tempfile.TemporaryDirectory(prefix="toolkit-reproduce-") as scratch:
        store = refit(
            frozen.project, task, trials, Path(scratch) / "run", callbacks=_TrialReport(say)
        )
        return _compared(frozen, kept, weights, store, task)


class _Frozen:
    """A run's frozen choices and artefacts, where a stage is expected; it writes nothing."""

    def __init__(self, run: Run, say: Say) -> None:
        self.run = run
        self.manifest: Manifest = run.manifest()
        self.project = _project(run, self.manifest)
        self._say = say

    def progress(self, text: str, done: int | None = None, total: int | None = None) -> None:
        self._say(text)

    def note(self, message: str) -> None:
        """The search has said it already."""

    def read(self, kind: type[Artifact]) -> Artifact:
        return self.run.read(kind)

    def write(self, artifact: Artifact) -> None:
        """The run keeps what it has."""

    def require_decisions(self) -> None:
        """The run holds the labels that its champion learnt from, whatever the log says now."""


def _project(run: Run, manifest: Manifest) -> Project:
    # JSON's keys are sorted, and models know their columns in the order of the table.
    facts = dict(manifest.project)
    order = read_facts(run.folder / run.read(Champion).model)["columns"]
    rest = [name for name in facts["columns"] if name not in order]
    facts["columns"] = {name: facts["columns"][name] for name in [*order, *rest]}
    return Project.model_validate(with_new_names(facts))


class _TrialReport(SearchCallbacks):
    def __init__(self, say: Say) -> None:
        self._say = say

    def finished(self, trial: Trial, record: TrialRecord, before: bool) -> None:
        self._say(f"{trial.name}: fitted in {record.seconds:.1f} s")

    def failed(self, trial: Trial, reason: str) -> None:
        self._say(f"{trial.name} did not work: {reason}")


def _trials(project: Project, task: SearchTask, weights: dict[str, float]) -> list[Trial]:
    there: list[str] = [
        name for name in project.automl.engines if not engines.get(name).available()
    ]
    plan = make_plan(project.automl, task.facts, there)
    wanted = [trial for trial in plan if trial.name in weights]
    lacking = sorted(set(weights) - {trial.name for trial in wanted})
    if lacking:
        raise RunError(
            f"{lacking[0]} is no trial that can be planned here",
            where="reproduce",
            expected="the engines and the version of the toolkit that the run was made with",
        )
    return wanted


def _compared(
    frozen: _Frozen,
    kept: Model,
    weights: dict[str, float],
    store: TrialStore,
    task: SearchTask,
) -> Reproduction:
    run = frozen.run
    rows = table.load_part(cast("Stage", frozen), "validation")
    inputs = kept.inputs(rows.frame)
    unit = 1.0 if kept.classes else max(float(np.std(task.target)), 1e-12)
    parts, again = [], []
    for name in weights:
        before = saved_model(run.folder / MODELS / name)
        after = saved_model(store.model(name))
        scores = _scores(after, rows.frame)
        again.append(scores)
        parts.append(
            RefittedModel(
                name=name,
                engine=before.engine,
                difference=_largest(before.score(inputs), scores) / unit,
                same_files=canonical.digest_file(before.folder / NATIVE)
                == canonical.digest_file(after.folder / NATIVE),
            )
        )
    blended = combine(again, list(weights.values()), _space(kept)) if len(again) > 1 else again[0]
    difference = _largest(kept.score(inputs), blended) / unit
    grade: Grade = "not reproducible"
    if difference == 0:
        grade = "exact"
    elif difference <= TOLERANCE:
        grade = "within tolerance"
    causes = [] if grade == "exact" else _causes(frozen, parts)
    return Reproduction(grade, kept.name, difference, len(rows), parts, causes)


def _scores(model: Model, frame: Any) -> np.ndarray:
    inputs: Inputs = model.inputs(frame)
    return model.score(inputs)


def _space(model: Model) -> str:
    from toolkit.automl.blend import engine

    return str(engine.read(model.folder / NATIVE)["space"]) if model.members else "linear"


def _largest(a: np.ndarray, b: np.ndarray) -> float:
    return float(np.abs(a - b).max()) if a.size else 0.0


def _causes(frozen: _Frozen, parts: list[RefittedModel]) -> list[str]:
    """Return what is known to make a difference, the likeliest first."""
    manifest, project = frozen.manifest, frozen.project
    record = manifest.stages.get("automl")
    found = _changed_inputs(frozen)
    here = library_versions()
    changed = [
        f"{name} {version} then, {here[name]} now"
        for name, version in sorted(manifest.libraries.items())
        if here.get(name, version) != version
    ]
    if changed:
        found.append(f"Other versions are installed: {'; '.join(changed)}.")
    project_folder = frozen.run.folder.parent.parent
    if record is not None and record.code != fingerprint.code_digest("automl", project_folder):
        found.append("The toolkit's own code is another than that of the run.")
    if manifest.platform != machine():
        found.append(f"Another machine: {manifest.platform} then, {machine()} now.")
    differing = [part for part in parts if part.difference > 0]
    names = ", ".join(part.name for part in differing)
    if project.automl.budget.seconds is not None:
        found.append(
            f"Time budget: automl.budget.seconds is"
            f" {formats.number(project.automl.budget.seconds, 6)}; how many"
            f" rounds a trial got depended on the machine's speed ({names})."
        )
    deep = [part.name for part in differing if engines.get(part.engine).deep]
    if deep:
        found.append(
            f"Deep nets: {', '.join(deep)}; the sums of their training are rounded in an order"
            " that depends on threads and processor."
        )
    search = frozen.run.read(SearchSummary)
    if not search.reproducible and project.automl.budget.seconds is None:
        found.append(search.reproducible_reason)
    rest = [part.name for part in differing if not engines.get(part.engine).deep]
    if rest and not found:
        found.append(
            f"Threads: {', '.join(rest)}; with {project.automl.budget.threads} threads, sums are"
            " rounded in the order in which threads finish."
        )
    return found


def _changed_inputs(frozen: _Frozen) -> list[str]:
    record = frozen.manifest.stages.get("automl")
    if record is None:
        return []
    changed = [
        name
        for name, digest in sorted(record.inputs.items())
        if not name.startswith(fingerprint.PROJECT)
        and fingerprint.digest_or_absent(frozen.run.folder / name) != digest
    ]
    return [f"Data: {', '.join(changed)} changed since the run."] if changed else []
