"""A blend of other engines' models: it loads them all, and averages their predictions."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np

from toolkit import __version__, canonical
from toolkit.automl import engines
from toolkit.automl.blend.objectives import combine
from toolkit.automl.engines.base import Candidate, Engine, Scorer, Trial
from toolkit.automl.files.model_file import (
    FACTS_FILE,
    FEATURES,
    NATIVE,
    check_versions,
    read_facts,
    write_facts,
)
from toolkit.errors import EngineError, ModelError
from toolkit.project.engine_names import ENSEMBLE

if TYPE_CHECKING:
    from toolkit.automl.blend.blend import Ensemble
    from toolkit.automl.inputs import Inputs
    from toolkit.automl.task import SearchTask, TaskFacts
    from toolkit.forests import TreeEnsemble

FILE, MEMBERS = "ensemble.json", "members"
FAMILY = "weighted ensemble across engines"
_AVERAGED = {"linear": "scores", "log": "logarithms of probabilities"}


class EnsembleEngine(Engine):
    """Weighted means of models that other engines fitted; it fits none itself."""

    name = ENSEMBLE
    title = "Ensemble"
    description = "a weighted mean of models of other engines"

    @property
    def version(self) -> str:
        """The toolkit's version: the members' engines have their own."""
        return __version__

    def plan(self, facts: TaskFacts) -> list[Trial]:
        """Return no trials: a blend is chosen when the others are done."""
        return []

    def fit(self, task: SearchTask, trial: Trial) -> Candidate:
        """Refuse: `toolkit.automl.blend.blend.select` chooses a blend."""
        _refuse()

    def load(self, folder: Path) -> Scorer:
        """Return the scorer of a blend.

        Raises
        ------
        ModelError
            If a member was made by another version of its engine.
        """
        facts = read(folder)
        scorers = []
        for name in facts["weights"]:
            member = folder / MEMBERS / name
            own = read_facts(member)
            check_versions(own, member)
            scorers.append(engines.get(own["engine"]).load(member / NATIVE))
        shares, space = list(facts["weights"].values()), facts["space"]

        def score(inputs: Inputs) -> np.ndarray:
            return combine([scorer(inputs) for scorer in scorers], shares, space)

        return score

    def tree_ensembles(self, folder: Path) -> list[TreeEnsemble]:
        """Return the members' forests, weighted; empty where one of them has none."""
        found, rest = self.parts(folder)
        return [] if rest else found

    def members(self, folder: Path) -> dict[str, float]:
        """Return the members' weights, heaviest first."""
        weights: dict[str, float] = read(folder)["weights"]
        return weights

    def space(self, folder: Path) -> str:
        """Return what is averaged: linear or log, as in `toolkit.automl.blend.objectives`."""
        return str(read(folder)["space"])

    def parts(self, folder: Path) -> tuple[list[TreeEnsemble], dict[str, float]]:
        """Return forests that add up, weighted, and the weights of the members that have none.

        Values and probabilities add up where the blend is their mean, and margins where it
        is that of logarithms.
        """
        facts = read(folder)
        spaces = ("value", "probability") if facts["space"] == "linear" else ("margin",)
        total = sum(facts["weights"].values())
        found: list[TreeEnsemble] = []
        rest: dict[str, float] = {}
        for name, weight in facts["weights"].items():
            member = folder / MEMBERS / name
            trees = engines.get(read_facts(member)["engine"]).tree_ensembles(member / NATIVE)
            if trees and all(one.space in spaces for one in trees):
                found += [one.scaled(weight / total) for one in trees]
            else:
                rest[name] = weight / total
        return found, rest


def _refuse() -> NoReturn:
    raise EngineError("an ensemble is chosen, not fitted")


def write(folder: Path, members: dict[str, Path], chosen: Ensemble) -> None:
    """Write a blend as a model: copies of its members, their weights, and what it requires.

    Parameters
    ----------
    folder : Path
        The model's folder; what was there is removed.
    members : dict of str to Path
        The models' folders by name.
    chosen : Ensemble
        The blend.
    """
    from toolkit.table.schema.input_schema import FILE as SCHEMA

    part = folder.with_name(f".part-{folder.name}")
    shutil.rmtree(part, ignore_errors=True)
    own = {name: read_facts(members[name]) for name in chosen.weights}
    for name in chosen.weights:
        target = part / NATIVE / MEMBERS / name
        shutil.copytree(members[name] / NATIVE, target / NATIVE)
        shutil.copy2(members[name] / FACTS_FILE, target / FACTS_FILE)
    first = next(iter(chosen.weights))
    # One search has one transformer and one schema: every member's copy is the same.
    shutil.copytree(members[first] / FEATURES, part / FEATURES)
    if (members[first] / SCHEMA).is_file():
        shutil.copy2(members[first] / SCHEMA, part / SCHEMA)
    content = {"order": list(chosen.weights), "weights": chosen.weights, "space": chosen.space}
    canonical.write_text(part / NATIVE / FILE, canonical.dumps(content))
    sizes = [facts["complexity"] for facts in own.values()]
    known: list[float] = [size for size in sizes if size is not None]
    write_facts(
        part,
        own[first]
        | {
            "name": folder.name,
            "engine": EnsembleEngine.name,
            "family": FAMILY,
            "requires": {k: v for facts in own.values() for k, v in facts["requires"].items()},
            "details": {"averaged": _AVERAGED[chosen.space], "chosen": chosen.how},
            "complexity": sum(known) if len(known) == len(sizes) else None,
        },
    )
    shutil.rmtree(folder, ignore_errors=True)
    part.rename(folder)


def read(folder: Path) -> dict[str, Any]:
    """Return a blend's ``weights`` by model, heaviest first, and its ``space``.

    Raises
    ------
    ModelError
        If the file is not there or is damaged.
    """
    path = folder / FILE
    try:
        facts = json.loads(path.read_text(encoding="utf-8"))
        weights = {name: float(facts["weights"][name]) for name in facts["order"]}
        return {"weights": weights, "space": str(facts["space"])}
    except (OSError, ValueError, KeyError) as error:
        raise ModelError("is missing or damaged", where=str(path)) from error
