"""Whether what a stage computed still holds: choices, code, inputs and outputs."""

from __future__ import annotations

import functools
from pathlib import Path

from toolkit import canonical, paths
from toolkit.project.file import ProjectFile
from toolkit.run import package
from toolkit.run.folder import Run
from toolkit.run.imports import Use, notebook_uses

PROJECT = "project:"

# The sections, or keys of one, that a stage looks at. What it reads from earlier stages
# counts by digest.
SECTIONS: dict[str, tuple[str, ...]] = {
    "scoping": (
        "data", "columns", "target", "problem", "metric", "costs", "acceptance",
        "fairness.people_affected", "fairness.protected_confirmed", "fairness.outcome_is_benefit",
        "fairness.label_trusted", "fairness.errors_matter_most", "fairness.metric",
        "fairness.limit", "fairness.minimum_group", "governance", "split",
    ),
    "eda": ("seed", "columns", "target", "split", "eda", "metric", "costs", "explain.bootstrap",
            "explain.confidence"),
    "label_review": ("seed", "columns", "target", "split", "labels", "metric", "costs",
                     "explain.bootstrap"),
    "automl": (
        "seed", "data.missing", "data.decimal", "columns", "target", "metric", "costs", "automl",
        "split", "h2o", "choice", "labels", "explain.bootstrap", "explain.confidence",
    ),
    "evaluate": ("seed", "columns", "target", "metric", "costs", "acceptance", "fairness",
                 "labels", "split", "automl.preset", "explain.bootstrap", "explain.confidence"),
    "explain": ("seed", "columns", "target", "metric", "costs", "fairness.outcome_is_benefit",
                "labels", "automl.preset", "explain", "recourse"),
    "report": (),  # all of them, and where each comes from
}  # fmt: skip


def choices_digest(stage: str, file: ProjectFile) -> str:
    """Return the digest of the sections that a stage looks at."""
    dump = file.project.model_dump(mode="json")
    sections = SECTIONS[stage]
    if not sections:
        origins = {key: source.model_dump() for key, source in file.sources().items()}
        return canonical.digest({"choices": dump, "sources": origins})
    chosen = {}
    for key in sections:
        section, _, field = key.partition(".")
        chosen[key] = dump[section][field] if field else dump[section]
    return canonical.digest(chosen)


SHOWN = ("widgets", "plots")
"""What cells take from here is for the eye: a panel edits choices, and computes no artefact."""


def code_digest(stage: str, project: Path) -> str:
    """Return the digest of the source that a stage's notebook leads to.

    Parameters
    ----------
    stage : str
        One of `toolkit.paths.STAGES`.
    project : Path
        The project's folder, whose own notebook counts where there is one.

    Notes
    -----
    What cells show counts only where a module writes it into an artefact, as the report does
    its figures.
    """
    name = paths.notebook_name(stage)
    own = project / "notebooks" / name
    return _digest(notebook_work(own if own.is_file() else paths.notebooks() / name))


def worker_digest(module: str) -> str:
    """Return the digest of the source that a process runs which is started by a module's name."""
    return _digest(frozenset([(module, ())]))


def notebook_work(notebook: Path) -> frozenset[Use] | None:
    """Return what a notebook's cells compute with; None where they cannot be read."""
    found = notebook_uses(notebook)
    if found is None:
        return None
    return frozenset(
        (module, names)
        for module, names in found
        if [*module.split("."), *names, ""][1] not in SHOWN
    )


@functools.cache
def _digest(work: frozenset[Use] | None) -> str:
    own = package.own()
    # A cell that is not plain Python may use anything.
    return own.digest(((name, ()) for name in own.paths) if work is None else work)


def resolve(name: str, run: Run, file: ProjectFile) -> Path:
    """Return the path behind a name in a stage's inputs or outputs."""
    if name.startswith(PROJECT):
        return file.folder / name.removeprefix(PROJECT)
    return run.folder / name


def is_current(stage: str, run: Run, file: ProjectFile) -> bool:
    """Whether a stage is done and nothing that it depends on has changed since."""
    from toolkit.run.manifest import Manifest

    if not run.has(Manifest):
        return False
    record = run.manifest().stages.get(stage)
    if record is None or record.status != "done":
        return False
    if record.code != code_digest(stage, file.folder):
        return False
    if record.choices != choices_digest(stage, file):
        return False
    return all(
        digest_or_absent(resolve(name, run, file)) == digest
        for name, digest in {**record.inputs, **record.outputs}.items()
    )


def digest_or_absent(path: Path) -> str:
    """Return a file's or folder's digest, or ``absent``."""
    return canonical.digest_file(path) if path.exists() else "absent"
