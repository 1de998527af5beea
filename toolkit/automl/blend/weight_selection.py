"""The rows on which a blend's weights are chosen, and how: once, or as a mean of many times."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

import numpy as np

from toolkit import formats, metrics
from toolkit.automl.blend import objectives
from toolkit.automl.blend.greedy_weights import greedy, trimmed
from toolkit.automl.blend.objectives import combine

if TYPE_CHECKING:
    from toolkit.automl.scoring_rows import ScoringRows

MOST_ROWS = 100_000
"""The most rows on which weights are chosen."""
_MOST_CELLS = 4_000_000  # rows x models x columns that are blended
_FEWEST_ROWS = 5_000
_MORE = 2
"""Where rows are few, models are quick, and to rely on more of them is safer."""
_NOTHING = 1e-6
_FEW_ROWS = 1_500
"""Rows at which the share of equal weights of the families has fallen to 1/e."""
_OUTLIER = 3.0
"""A family's best that is worse than the middle one by so many typical distances has no part."""


class Selection:
    """The rows on which weights are chosen, and the models' parts of them."""

    def __init__(
        self,
        oof: dict[str, np.ndarray],
        scoring: ScoringRows,
        *,
        rounds: int,
        members: int,
        families: Mapping[str, str],
    ) -> None:
        target, folds, context = scoring.target, scoring.folds, scoring.context
        self.oof, self.folds, self.rounds, self.members = oof, folds, rounds, members
        self.names = sorted(oof)
        self.families = [families.get(name, name) for name in self.names]
        self.metric = objectives.surrogate(scoring.metric)
        if context.classes:
            codes, self.centre = metrics.class_codes(target, context.classes), 0.0
        else:
            # Losses are quick and of few digits: those of a date in seconds would all be alike.
            self.centre = float(np.mean(target))
            codes = target - self.centre
        self.rows = _sample(folds.scored, len(oof), max(1, len(context.classes)), scoring.seed)
        self.codes = codes[self.rows]
        self.counted = None if scoring.weights is None else scoring.weights[self.rows]
        self.fold = folds.fold[self.rows]
        self.spaces = objectives.SPACES if context.classes else objectives.SPACES[:1]
        self.seed = scoring.seed
        self._parts: dict[str, np.ndarray] = {}

    def nested(self, space: str, bags: int = 0) -> tuple[np.ndarray, float]:
        """Return the blend of every row by weights chosen without its fold, and its loss."""
        blend = np.full_like(self.oof[self.names[0]], np.nan)
        for seen, held in self._divisions():
            chosen, _ = self.weights(space, seen, bags)
            given = [self.oof[name][held] for name in chosen]
            blend[held] = combine(given, list(chosen.values()), space)
        own = self._part(blend, "linear")
        return blend, self._loss("linear", np.arange(len(self.rows)))(own)

    def weights(
        self, space: str, seen: np.ndarray, bags: int = 0
    ) -> tuple[dict[str, float], float]:
        """Return weights chosen on some of the rows, and the best single model's loss there."""
        parts, loss = self._of(space)[:, :, seen], self._loss(space, seen)
        found, single = greedy(parts, loss, self.rounds, self.members)
        if bags:
            mean = self._mean_of_bags(space, seen, bags)
            value = loss(np.einsum("m,mcn->cn", mean.astype(np.float32), parts))
            # That the best single model looks better here says little; `nested` judges. But
            # models that are alike make no blend.
            if abs(value - single) > _NOTHING * abs(single):
                found = mean
        order = sorted(np.flatnonzero(found), key=lambda place: (-found[place], place))
        return {self.names[place]: float(found[place]) for place in order}, single

    def _mean_of_bags(self, space: str, seen: np.ndarray, bags: int) -> np.ndarray:
        """Return the mean of weights, each chosen of half of the models on a bootstrap sample.

        Models that are left out give their place to others like them: the more so, the less
        the rows tell which of them is better.
        """
        generator = np.random.default_rng(self.seed)
        parts, total = self._of(space), np.zeros(len(self.names))
        for _ in range(bags):
            drawn = seen[generator.integers(0, len(seen), len(seen))]
            half = generator.permutation(len(self.names))[: max(1, -(-len(self.names) // 2))]
            given = parts[np.ix_(half, np.arange(parts.shape[1]), drawn)]
            total[half] += greedy(given, self._loss(space, drawn), self.rounds, self.members)[0]
        share = float(np.exp(-len(seen) / _FEW_ROWS))
        weights = (1 - share) * total / total.sum() + share * self._equal(space, seen)
        return trimmed(weights, _MORE * self.members)

    def _equal(self, space: str, seen: np.ndarray) -> np.ndarray:
        """Return equal weights of each family's best model, but for families that fall behind."""
        loss = self._loss(space, seen)
        losses = np.array([loss(part) for part in self._of(space)[:, :, seen]])
        best: dict[str, int] = {}
        for place in np.argsort(losses, kind="stable"):
            best.setdefault(self.families[place], int(place))
        places = np.array(list(best.values()))
        found = losses[places]
        middle = np.median(found)
        near = found <= middle + _OUTLIER * np.median(np.abs(found - middle))
        weights = np.zeros(len(self.names))
        weights[places[near]] = 1 / near.sum()
        return weights

    def note(self) -> str:
        """Say on how many rows the blend was chosen, where not on all."""
        used, total = len(self.rows), len(self.folds.scored)
        if used == total:
            return ""
        return (
            f"The ensemble's weights are chosen on {used:,} of {total:,} out-of-fold rows, drawn"
            f" at random: the standard error of a blend's loss is"
            f" {np.sqrt(total / used):.1f} times as large"
        )

    def how(self, found: dict[str, float], nested: float, single: float) -> str:
        """Say how the blend was chosen, and what it is worth."""
        return (
            f"{len(found)} of {len(self.names)} models by {metrics.get(self.metric).title}; loss"
            f" {formats.number(nested, 5)} on rows it was not chosen on, best single model"
            f" {formats.number(single, 5)}"
        )

    def _divisions(self) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Give the rows to choose on (places in the sample) and those to blend (positions)."""
        scored = self.folds.scored
        if self.folds.count == 1:
            half = np.full(len(self.folds.fold), -1)
            half[scored] = np.random.default_rng(self.seed).permutation(len(scored)) % 2
            for side in (0, 1):
                yield (
                    np.flatnonzero(half[self.rows] != side),
                    scored[half[scored] == side],
                )
            return
        for number in range(self.folds.count):
            earlier = self.folds.ordered and number > 0
            seen = self.fold < number if earlier else self.fold != number
            yield np.flatnonzero(seen), np.flatnonzero(self.folds.fold == number)

    def _of(self, space: str) -> np.ndarray:
        if space not in self._parts:
            self._parts[space] = np.stack(
                [self._part(self.oof[name], space) for name in self.names]
            )
        return self._parts[space]

    def _part(self, scores: np.ndarray, space: str) -> np.ndarray:
        given = scores[self.rows] - self.centre
        return objectives.parts(given, self.codes, self.metric, space)

    def _loss(self, space: str, seen: np.ndarray) -> objectives.Loss:
        counted = None if self.counted is None else self.counted[seen]
        if not len(seen) or (counted is not None and counted.sum() <= 0):
            return lambda _: 0.0  # nothing is known of any blend
        loss = objectives.loss(self.metric, space, self.codes[seen], counted)

        def known(blend: np.ndarray) -> float:
            value = loss(blend)
            return value if np.isfinite(value) else 0.0

        return known


def _sample(scored: np.ndarray, models: int, columns: int, seed: int) -> np.ndarray:
    most = min(MOST_ROWS, max(_FEWEST_ROWS, _MOST_CELLS // (models * columns)))
    if len(scored) <= most:
        return scored
    drawn: np.ndarray = np.random.default_rng(seed).permutation(scored)[:most]
    return np.sort(drawn)
