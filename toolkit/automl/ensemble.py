"""A blend of models across engines, chosen on out-of-fold scores.

Greedy selection with replacement: the blend begins with the best model and each round adds
the one that helps most (Caruana, Niculescu-Mizil, Crew and Ksikes 2004, "Ensemble selection
from libraries of models"). On few rows it is the mean of selections, each of a random half of
the models on a bootstrap sample, drawn towards equal weights of each family's best: estimated
weights then often lose to equal ones (Smith and Wallis 2009, "A simple explanation of the
forecast combination puzzle"). What it is worth is measured where it was not chosen: each
fold's rows are blended with weights that were chosen without that fold.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from toolkit import metrics
from toolkit.automl import objectives
from toolkit.automl.objectives import combine

if TYPE_CHECKING:
    from toolkit.artifacts import Interval
    from toolkit.automl.folds import Folds

NAME = "ensemble"
MOST_ROWS = 100_000
"""Weights are chosen on so many rows at the most."""
_MOST_CELLS = 4_000_000  # rows x models x columns that are blended
_FEWEST_ROWS = 5_000
_POOL = 20
_MEMBERS = 8
_MORE_MEMBERS = 16
"""Where rows are few, models are quick, and to rely on more of them is safer."""
_LEAST_WEIGHT = 0.02
_PATIENCE = 5
_NOTHING = 1e-6
_WORSE = 0.005
"""A mean of selections that is worse than one selection by this share of the loss is none."""
_FEW_ROWS = 1_500
"""Equal weights of the families have a share that falls with the rows: 1/e at so many."""
_OUTLIER = 3.0
"""A family's best that is worse than the middle one by so many typical distances has no part."""
_FORGONE = 0.01
"""The share of the gain that is given up for fewer members."""


@dataclass(frozen=True)
class Ensemble:
    """A blend.

    Attributes
    ----------
    weights : dict of str to float
        By model, heaviest first; they sum to 1.
    oof : array of shape (n, k) or (n,)
        Blended out-of-fold scores, each row by weights that were chosen without its fold;
        NaN in rows that no fold holds out.
    note : str
        On how many of how many rows it was chosen; empty where on all.
    space : str
        What is averaged: ``linear`` (probabilities or values) or ``log`` (their logarithms).
    how : str
        How it was chosen, in a sentence.
    """

    weights: dict[str, float]
    oof: np.ndarray
    note: str
    space: str = "linear"
    how: str = ""


def select(  # noqa: PLR0917
    oof: dict[str, np.ndarray],
    target: np.ndarray,
    weights: np.ndarray | None,
    folds: Folds,
    metric_name: str,
    context: metrics.Context,
    *,
    seed: int,
    rounds: int = 50,
    bagged: bool = True,
    families: Mapping[str, str] | None = None,
) -> Ensemble:
    """Choose the weights of a blend.

    Parameters
    ----------
    oof : dict of str to array
        Out-of-fold scores by model, (n, k) or (n,).
    target : array of shape (n,)
        Codes of classes, or numbers.
    weights : array of shape (n,), optional
        How much each row counts.
    folds : Folds
        Which rows were held out together. Where they follow time, a fold's weights are
        chosen on earlier folds; the first fold's on the later ones, for want of others.
    metric_name : str
        The ranking metric; see `objectives.surrogate` for what stands in for some.
    context : Context
        The task and its classes.
    seed : int
        Of the rows drawn where there are more than 100,000.
    rounds : int
        The most rounds: a weight is a multiple of one through their number.
    bagged : bool
        Whether selections are averaged where rows are few; it takes some ten times as long.
    families : mapping of str to str, optional
        Each model's family; without it every model is one of its own.
    """
    if len(oof) == 1:
        name, scores = next(iter(oof.items()))
        return Ensemble({name: 1.0}, scores, "", how="There is one model only.")
    work = _Selection(
        oof, target, weights, folds, metric=metric_name, context=context, seed=seed,
        rounds=rounds, families=families or {},
    )  # fmt: skip
    blends = [work.nested(space) for space in work.spaces]
    best = min(range(len(blends)), key=lambda place: (blends[place][1], place))
    space, (scores, nested) = work.spaces[best], blends[best]
    bags = _bags(len(work.rows)) if bagged else 0
    if bags:
        mean = work.nested(space, -(-bags // 2))
        if mean[1] < nested + _WORSE * abs(nested):
            scores, nested = mean
        else:
            bags = 0  # one model stands out: half of the selections would do without it
    found, single = work.weights(space, np.arange(len(work.rows)), bags)
    how = work.how(found, nested, single)
    return Ensemble(found, scores, work.note(), space, how)


def gain(  # noqa: PLR0917
    previous: Ensemble,
    now: Ensemble,
    target: np.ndarray,
    weights: np.ndarray | None,
    folds: Folds,
    metric_name: str,
    context: metrics.Context,
    *,
    resamples: int = 300,
    confidence: float = 0.95,
    seed: int = 7,
) -> Interval:
    """Return by how much one blend is better than an earlier one: positive is better.

    The paired difference of their scores on rows that neither was chosen on.
    """
    from toolkit.artifacts import Interval

    rows = folds.scored
    metric = metrics.get(metric_name)
    found = metrics.paired_difference(
        metric, target[rows], now.oof[rows], previous.oof[rows], context,
        resamples=resamples, confidence=confidence, seed=seed,
        weights=None if weights is None else weights[rows],
    )  # fmt: skip
    if metric.greater_is_better or found.value is None:
        return found
    low = None if found.high is None else -found.high
    high = None if found.low is None else -found.low
    return Interval(value=-found.value, low=low, high=high)


class _Selection:
    """The rows on which weights are chosen, and the models' parts of them."""

    def __init__(
        self,
        oof: dict[str, np.ndarray],
        target: np.ndarray,
        weights: np.ndarray | None,
        folds: Folds,
        *,
        metric: str,
        context: metrics.Context,
        seed: int,
        rounds: int,
        families: Mapping[str, str],
    ) -> None:
        self.oof, self.folds, self.rounds = oof, folds, rounds
        self.names = sorted(oof)
        self.families = [families.get(name, name) for name in self.names]
        self.metric = objectives.surrogate(metric)
        if context.classes:
            codes, self.centre = metrics.class_codes(target, context.classes), 0.0
        else:
            # Losses are quick and of few digits: those of a date in seconds would all be alike.
            self.centre = float(np.mean(target))
            codes = target - self.centre
        self.rows = _sample(folds.scored, len(oof), max(1, len(context.classes)), seed)
        self.codes = codes[self.rows]
        self.counted = None if weights is None else weights[self.rows]
        self.fold = folds.fold[self.rows]
        self.spaces = objectives.SPACES if context.classes else objectives.SPACES[:1]
        self.seed = seed
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
        found, single = greedy(parts, loss, self.rounds)
        if bags:
            mean = self._mean_of_bags(space, seen, bags)
            value = loss(np.einsum("m,mcn->cn", mean.astype(np.float32), parts))
            # That the luckiest single model looks better here says little; `nested` judges. But
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
            total[half] += greedy(given, self._loss(space, drawn), self.rounds)[0]
        share = float(np.exp(-len(seen) / _FEW_ROWS))
        weights = (1 - share) * total / total.sum() + share * self._equal(space, seen)
        return _trimmed(weights, _MORE_MEMBERS)

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
            f" at random: what a blend costs is known {np.sqrt(total / used):.1f} times less well"
        )

    def how(self, found: dict[str, float], nested: float, single: float) -> str:
        """Say how the blend was chosen, and what it is worth."""
        return (
            f"{len(found)} of {len(self.names)} models by {metrics.get(self.metric).title}; loss"
            f" {nested:.5g} on rows it was not chosen on, best single model {single:.5g}"
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


def greedy(parts: np.ndarray, loss: objectives.Loss, rounds: int = 50) -> tuple[np.ndarray, float]:
    """Choose weights by greedy selection with replacement.

    Parameters
    ----------
    parts : array of shape (m, c, n)
        What is averaged, by model; see `objectives.parts`.
    loss : callable
        What blended parts cost on these rows.
    rounds : int
        The most rounds.

    Returns
    -------
    weights : array of shape (m,)
        They sum to 1, none is below .02, at most 8 are not 0. The blend's loss here is never
        above the best single model's.
    single : float
        That model's loss.
    """
    singles = np.array([loss(part) for part in parts])
    pool = np.argsort(singles, kind="stable")[:_POOL]
    counts = np.zeros(len(parts), dtype=np.int64)
    total = np.zeros_like(parts[0])
    path: list[tuple[float, np.ndarray]] = []
    since, least = 0, np.inf
    for size in range(1, rounds + 1):
        members = np.flatnonzero(counts)
        candidates = members if len(members) == _MEMBERS else pool
        values = (
            [loss((total + parts[i]) / size) for i in candidates] if size > 1 else singles[pool]
        )
        # Of equals one that is in already.
        place = min(
            range(len(candidates)), key=lambda at: (values[at], counts[candidates[at]] == 0, at)
        )
        chosen = candidates[place]
        counts[chosen] += 1
        total = total + parts[chosen]
        path.append((float(values[place]), counts.copy()))
        since = 0 if values[place] < least - 1e-7 * abs(least) or size == 1 else since + 1
        least = min(least, float(values[place]))
        if since >= _PATIENCE:
            break
    return _shortest(path, float(singles[pool[0]])), float(singles[pool[0]])


def _shortest(path: list[tuple[float, np.ndarray]], single: float) -> np.ndarray:
    # Of the rounds that are as good as the best, but for a little, the one of fewest members.
    least = min(value for value, _ in path)
    enough = least + _FORGONE * max(single - least, 0.0)
    _, _, counts = min(
        ((int((counts > 0).sum()), int(counts.sum()), counts) for value, counts in path
         if value <= enough),
        key=lambda item: item[:2],
    )  # fmt: skip
    return _trimmed(counts)


def _trimmed(counts: np.ndarray, most: int = _MEMBERS) -> np.ndarray:
    """Return weights that sum to 1, without those that are small or too many."""
    weights = counts / counts.sum()
    weights[np.argsort(-weights, kind="stable")[most:]] = 0
    weights[weights < _LEAST_WEIGHT] = 0
    return np.asarray(weights / weights.sum())


def _bags(rows: int) -> int:
    # What a selection owes to chance matters on few rows, where bags cost little.
    return 20 if rows <= 2_500 else 12 if rows <= 10_000 else 0


def _sample(scored: np.ndarray, models: int, columns: int, seed: int) -> np.ndarray:
    most = min(MOST_ROWS, max(_FEWEST_ROWS, _MOST_CELLS // (models * columns)))
    if len(scored) <= most:
        return scored
    drawn: np.ndarray[Any, Any] = np.random.default_rng(seed).permutation(scored)[:most]
    return np.sort(drawn)
