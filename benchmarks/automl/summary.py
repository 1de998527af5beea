"""From cells to what the benchmark says: scores over seeds, ranks, differences, optimism."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cells
import environments
import numpy as np
import scores

BEST_OF = environments.OURS


@dataclass(frozen=True)
class Done:
    """A cell that was run."""

    table: str
    metric: str
    system: str
    seed: int
    cell: dict[str, Any]
    folder: Path

    def draws(self) -> Any:
        path = self.folder / cells.DRAWS
        return np.load(path) if self.cell["score"] is not None and path.exists() else None


def summarise(done: list[Done], systems: list[str]) -> dict[str, Any]:
    """Return ranks and, per table and system, the mean over seeds with its interval."""
    tables: dict[str, Any] = {}
    for name in dict.fromkeys(one.table for one in done):
        tables[name] = _table([one for one in done if one.table == name], systems)
    mean_rank = {
        system: scores.mean(table["systems"][system]["rank"] for table in tables.values())
        for system in systems
    }
    return {
        "mean_rank": mean_rank,
        "tables": tables,
        "optimism": _optimism([one for one in done if one.system == BEST_OF]),
        "versions": {
            one.system: one.cell["versions"] for one in done if one.cell["score"] is not None
        },
    }


def _table(done: list[Done], systems: list[str]) -> dict[str, Any]:
    metric = done[0].metric
    ours = {one.seed: one for one in done if one.system == BEST_OF}
    # Only divisions that every system has had its turn on are ranked.
    places: dict[str, list[float]] = {system: [] for system in systems}
    for seed in sorted({one.seed for one in done}):
        found = {one.system: one.cell["score"] for one in done if one.seed == seed}
        if set(found) == set(systems):
            for system, place in scores.ranks(metric, found).items():
                places[system].append(place)
    return {
        "metric": metric,
        "higher_is_better": scores.HIGHER_IS_BETTER[metric],
        "systems": {
            system: {
                **_system([one for one in done if one.system == system], ours, metric),
                "rank": scores.mean(places[system]),
            }
            for system in systems
        },
    }


def _system(done: list[Done], ours: dict[int, Done], metric: str) -> dict[str, Any]:
    good = [one for one in done if one.cell["score"] is not None]
    low, high = _spread([one.draws() for one in good])
    facts: dict[str, Any] = {
        "score": scores.mean(one.cell["score"] for one in good),
        "low": low,
        "high": high,
        "wall": scores.mean(one.cell["wall"] for one in good),
        "wall_most": max((one.cell["wall"] for one in good), default=None),
        "predict": scores.mean(one.cell["predict"] for one in good),
        "peak_mib": max((one.cell["peak_mib"] for one in done), default=None),
        "failures": len(done) - len(good),
        "behind_toolkit": _behind(good, ours, metric),
        "seeds": [{"seed": one.seed, **one.cell} for one in done],
    }
    return facts


def _spread(draws: list[Any]) -> tuple[float | None, float | None]:
    if not draws or any(one is None for one in draws):
        return None, None
    return scores.interval(np.mean(draws, axis=0))


def _behind(good: list[Done], ours: dict[int, Done], metric: str) -> dict[str, float] | None:
    """Return how much worse a system is than the toolkit on the same rows: negative is better."""
    sign = 1 if scores.HIGHER_IS_BETTER[metric] else -1
    pairs = [
        (ours[one.seed], one)
        for one in good
        if one.system != BEST_OF and one.seed in ours and ours[one.seed].cell["score"] is not None
    ]
    if not pairs:
        return None
    low, high = scores.interval(
        sign * np.mean([first.draws() - second.draws() for first, second in pairs], axis=0)
    )
    by = np.mean([first.cell["score"] - second.cell["score"] for first, second in pairs])
    return {"by": float(sign * by), "low": low, "high": high}


def _optimism(ours: list[Done]) -> dict[str, Any]:
    """Return how much better the score that selected the champion was than the holdout's."""
    found: dict[str, Any] = {"tables": {}, "mean": {}}
    known = [one for one in ours if one.cell.get("facts", {}).get("optimism") is not None]
    for name in dict.fromkeys(one.table for one in known):
        facts = [one.cell["facts"] for one in known if one.table == name]
        found["tables"][name] = {
            "metric": facts[0]["metric"],
            "selection": scores.mean(fact["selection"] for fact in facts),
            "holdout": scores.mean(fact["holdout"] for fact in facts),
            "optimism": scores.mean(fact["optimism"] for fact in facts),
            "selection_bias": scores.mean(fact["selection_bias"] for fact in facts),
            "explained": sum(fact["explained"] for fact in facts),
            "cells": len(facts),
        }
    for metric in dict.fromkeys(table["metric"] for table in found["tables"].values()):
        found["mean"][metric] = scores.mean(
            table["optimism"] for table in found["tables"].values() if table["metric"] == metric
        )
    return found
