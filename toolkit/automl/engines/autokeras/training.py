"""Training of one network: whole stretches of steps compiled at once by JAX.

The optimiser is AdamW (Loshchilov and Hutter, 2019, "Decoupled Weight Decay
Regularization") with a rate that rises for a moment and falls along a cosine.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import keras
import numpy as np

from toolkit.automl.engines.autokeras.augmentation import altered
from toolkit.automl.engines.autokeras.blocks import OUTPUTS

_DECAY = 0.02
_WARM = 0.05
_MOMENTS = (0.9, 0.999)
_ROOM = {"table": (64, 1024), "text": (32, 256), "image": (16, 128)}
"""TrainingArrays scored at once: a few, and many. JAX compiles once for each number."""


@dataclass(frozen=True)
class TrainingArrays:
    """All rows that training may see, as arrays.

    Attributes
    ----------
    arrays : list of array, shape (n, ...)
        The network's inputs.
    kinds : list of str
        What each is: table, text or image.
    target : array of shape (n,)
        Codes of classes (int32), or standardised values (float32).
    weights : array of float32, shape (n,)
        How much rows count.
    classes : int
        0 for regression.
    """

    arrays: list[np.ndarray]
    kinds: list[str]
    target: np.ndarray
    weights: np.ndarray
    classes: int


@dataclass(frozen=True)
class State:
    """A network's weights, and what the optimiser and layers keep between steps."""

    weights: list[Any]
    others: list[Any]
    first: list[Any]
    second: list[Any]
    steps: Any

    def pack(self) -> tuple[Any, ...]:
        """Return everything as JAX takes it."""
        return self.weights, self.others, self.first, self.second, self.steps


class Training:
    """A network of one architecture, trained as often as wanted.

    Parameters
    ----------
    build : callable
        Gives a fresh Keras model of the architecture, with new random weights.
    rows : TrainingArrays
        What it learns from.
    batch, stretch : int
        TrainingArrays of a step, and steps that are compiled as one.
    rate : float
        The learning rate at its highest.
    alter : str
        What is done to images in training: nothing (empty), ``moved`` or ``mirrored``.
    """

    def __init__(
        self,
        build: Callable[[], Any],
        rows: TrainingArrays,
        *,
        batch: int,
        stretch: int,
        rate: float,
        alter: str = "",
    ) -> None:
        self._build = build
        self.network = trained_part(build())
        self.rows = rows
        self.batch = batch
        self.stretch = stretch
        self.rate = rate
        self.alter = alter
        self._data = (
            [jnp.asarray(array) for array in rows.arrays],
            jnp.asarray(rows.target),
            jnp.asarray(rows.weights),
        )
        self._steps = jax.jit(self._run)
        self.forward = Forward(self.network, rows.kinds)

    def stretches(self, rows: int, passes: float) -> int:
        """Return how many stretches make so many passes over so many rows."""
        return max(1, round(passes * rows / (self.batch * self.stretch)))

    def train(self, rows: np.ndarray, seed: int, planned: int) -> Iterator[tuple[State, float]]:
        """Train from new weights; after each stretch give the state and the mean loss.

        Parameters
        ----------
        rows : array of int
            Positions to learn from.
        seed : int
            Of weights, order and whatever the layers draw.
        planned : int
            Stretches after which the rate has come down to nothing.
        """
        state = self._fresh(seed)
        order = _order(rows, seed, self.stretch * self.batch)
        key = jax.random.key(seed)
        total = planned * self.stretch
        for number in range(planned):
            step = np.arange(number * self.stretch, (number + 1) * self.stretch)
            rates = self.rate * np.minimum(1.0, (step + 1) / (_WARM * total + 1))
            rates = (rates * 0.5 * (1 + np.cos(np.pi * step / total))).astype(np.float32)
            chosen = next(order).reshape(self.stretch, self.batch)
            packed, losses = self._steps(state.pack(), chosen, rates, key, self._data)
            state = State(*packed)
            yield state, float(losses.mean())

    def loss(self, state: State, rows: np.ndarray) -> float:
        """Return the weighted mean loss on some rows: log loss, or the squared error."""
        raw = self.forward(state.weights, state.others, self.rows.arrays, rows)
        target, weights = self.rows.target[rows], self.rows.weights[rows]
        scores = averaged(raw, self.rows.classes)
        if not self.rows.classes:
            losses = (scores - target) ** 2
        else:
            losses = -np.log(np.maximum(scores[np.arange(len(rows)), target], 1e-12))
        return float(np.average(losses, weights=weights))

    def _fresh(self, seed: int) -> State:
        keras.utils.set_random_seed(seed)
        model = trained_part(self._build())
        weights = [variable.value for variable in model.trainable_variables]
        others = [variable.value for variable in model.non_trainable_variables]
        nothing = [jnp.zeros_like(value) for value in weights]
        return State(weights, others, nothing, nothing, jnp.zeros((), jnp.float32))

    def _objective(
        self, weights: Any, others: Any, inputs: list[Any], target: Any, counts: Any
    ) -> tuple[Any, Any]:
        given = inputs if len(inputs) > 1 else inputs[0]
        raw, others = self.network.stateless_call(weights, others, given, training=True)
        target, counts = target[:, None], counts[:, None]
        if not self.rows.classes:
            losses = (raw[..., 0] - target) ** 2
        elif self.rows.classes == 2:
            losses = jax.nn.softplus(raw[..., 0]) - target * raw[..., 0]
        else:
            logs = jax.nn.log_softmax(raw)
            wanted = jnp.broadcast_to(target[..., None], (*logs.shape[:-1], 1))
            losses = -jnp.take_along_axis(logs, wanted, axis=-1)[..., 0]
        return (losses * counts).mean(), others

    def _run(self, state: Any, order: Any, rates: Any, key: Any, data: Any) -> Any:
        arrays, target, counts = data
        gradient = jax.value_and_grad(self._objective, has_aux=True)

        def step(state: Any, what: Any) -> Any:
            chosen, rate = what
            weights, others, first, second, steps = state
            inputs = [
                altered(array[chosen], jax.random.fold_in(key, steps.astype(int)), self.alter)
                if kind == "image" and self.alter
                else array[chosen]
                for array, kind in zip(arrays, self.rows.kinds, strict=True)
            ]
            (loss, others), slopes = gradient(
                weights, others, inputs, target[chosen], counts[chosen]
            )
            steps = steps + 1
            a, b = _MOMENTS
            first = [a * m + (1 - a) * g for m, g in zip(first, slopes, strict=True)]
            second = [b * v + (1 - b) * g * g for v, g in zip(second, slopes, strict=True)]
            weights = [
                w - rate * (_adam(m, v, steps) + (_DECAY * w if w.ndim > 1 else 0.0))
                for w, m, v in zip(weights, first, second, strict=True)
            ]
            return (weights, others, first, second, steps), loss

        return jax.lax.scan(step, state, (order, rates))


class Forward:
    """A network's outputs, compiled once and for any weights.

    Parameters
    ----------
    network : keras.Model
        Gives (rows, members, units).
    kinds : list of str
        What each input is.
    """

    def __init__(self, network: Any, kinds: list[str]) -> None:
        self._network = network
        self._few = min(_ROOM[kind][0] for kind in kinds)
        self._many = min(_ROOM[kind][1] for kind in kinds)
        self._call = jax.jit(self._outputs)

    def __call__(
        self, weights: list[Any], others: list[Any], arrays: list[np.ndarray], rows: np.ndarray
    ) -> np.ndarray:
        """Return float64 (len(rows), members, units) for rows of some arrays."""
        size = self._few if len(rows) <= self._few else self._many
        parts = []
        for start in range(0, max(1, len(rows)), size):
            some = rows[start : start + size]
            filled = np.zeros(size, dtype=np.int64)
            filled[: len(some)] = some
            inputs = [_taken(array, filled, len(some)) for array in arrays]
            parts.append(np.asarray(self._call(weights, others, inputs))[: len(some)])
        return np.concatenate(parts).astype(np.float64)

    def _outputs(self, weights: Any, others: Any, inputs: list[Any]) -> Any:
        given = inputs if len(inputs) > 1 else inputs[0]
        return self._network.stateless_call(weights, others, given, training=False)[0]


def _taken(array: np.ndarray, rows: np.ndarray, known: int) -> np.ndarray:
    if not known:
        return np.zeros((len(rows), *array.shape[1:]), dtype=array.dtype)
    return array[rows]


def trained_part(model: Any) -> Any:
    """Return the network up to what its members give out, before probabilities."""
    return keras.Model(model.inputs, model.get_layer(OUTPUTS).output)


def averaged(raw: np.ndarray, classes: int) -> np.ndarray:
    """Return (n, k) probabilities or (n,) values: the mean over members of (n, members, units)."""
    if not classes:
        return np.asarray(raw[..., 0].mean(axis=1))
    if classes == 2:
        positive = 1 / (1 + np.exp(-np.clip(raw[..., 0], -500, 500)))
        positive = positive.mean(axis=1)
        return np.column_stack([1 - positive, positive])
    odds = np.exp(raw - raw.max(axis=-1, keepdims=True))
    return np.asarray((odds / odds.sum(axis=-1, keepdims=True)).mean(axis=1))


def _adam(first: Any, second: Any, steps: Any) -> Any:
    a, b = _MOMENTS
    return (first / (1 - a**steps)) / (jnp.sqrt(second / (1 - b**steps)) + 1e-8)


def _order(rows: np.ndarray, seed: int, size: int) -> Iterator[np.ndarray]:
    """Give `size` positions at a time: shuffled passes over all rows, end to end."""
    generator = np.random.default_rng([seed, 1])
    waiting = np.empty(0, dtype=np.int32)
    while True:
        while len(waiting) < size:
            waiting = np.concatenate([waiting, generator.permutation(rows).astype(np.int32)])
        yield waiting[:size]
        waiting = waiting[size:]
