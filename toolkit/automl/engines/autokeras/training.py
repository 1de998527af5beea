"""Training of one network by Keras: AdamW, with a rate that falls along a cosine.

Keras compiles one step for each network object, so one object is trained again and again from
new weights (docs/adr/0024-keras-trains.md has the measurements).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
from keras import ops

from toolkit.automl.engines.autokeras.augmentation import OFF, augmenter

_DECAY = 0.02
_WARM = 0.05
"""Share of the steps in which the learning rate rises."""
_MEAN = "loss_of_mean"
VALIDATION_LOSS = f"val_{_MEAN}"
"""What Keras calls the loss on other rows."""
ROWS_AT_ONCE = {"table": (64, 1024), "text": (32, 256), "image": (16, 128)}
"""Rows scored at once: a few, and many. Each number is compiled for once."""


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

    def batches(
        self, rows: np.ndarray, size: int, seed: int, augmentation: str
    ) -> Iterator[tuple[Any, ...]]:
        """Give inputs, targets and weights of shuffled passes over some rows, end to end."""
        augmented = {"image": augmenter(augmentation, seed)} if augmentation != OFF else {}
        generator = np.random.default_rng([seed, 1])
        waiting = np.empty(0, dtype=np.int64)
        while True:
            while len(waiting) < size:
                waiting = np.concatenate([waiting, generator.permutation(rows)])
            chosen, waiting = waiting[:size], waiting[size:]
            yield (
                [
                    augmented.get(kind, np.asarray)(array[chosen])
                    for array, kind in zip(self.arrays, self.kinds, strict=True)
                ],
                self.target[chosen],
                self.weights[chosen],
            )

    def whole(self, rows: np.ndarray, size: int) -> tuple[Any, ...]:
        """Return some rows, and after them others that count nothing, in batches of one size."""
        filled = np.resize(rows, -(-len(rows) // size) * size)
        counted = np.where(np.arange(len(filled)) < len(rows), self.weights[filled], 0)
        return [array[filled] for array in self.arrays], self.target[filled], counted


class TrainingWatch(keras.callbacks.Callback):  # type: ignore[misc]
    """Says how far training is, measures its speed, and ends it when its time is up.

    Parameters
    ----------
    say : callable
        Is given the epochs done.
    left : callable
        Returns the seconds that are left.
    allowed : float
        Seconds for all epochs; if two show that they would take longer, training ends.

    Attributes
    ----------
    seconds : float
        Of an epoch, without what is compiled in the first.
    slow : bool
        Whether training ended since it would have taken too long.
    """

    def __init__(
        self,
        say: Callable[[int], None],
        left: Callable[[], float],
        allowed: float = np.inf,
    ) -> None:
        super().__init__()
        self._say, self._left, self._allowed = say, left, allowed
        self.seconds = 0.0
        self.slow = False

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Look at the clock."""
        self._say(epoch + 1)
        now = time.monotonic()
        if not epoch:
            self._compiled = now  # what came before was mostly compiling
            return
        self.seconds = (now - self._compiled) / epoch
        self.slow = epoch == 1 and self.seconds * self.params["epochs"] > self._allowed
        if self.slow or self._left() <= 0:
            self.model.stop_training = True


class Training:
    """A network of one architecture, trained as often as wanted.

    Parameters
    ----------
    build : callable
        Gives a fresh Keras model of the architecture, with new random weights.
    rows : TrainingArrays
        What it learns from.
    batch, steps : int
        Rows of a step, and steps of an epoch.
    rate : float
        The learning rate at its highest.
    """

    def __init__(
        self,
        build: Callable[[], Any],
        rows: TrainingArrays,
        *,
        batch: int,
        steps: int,
        rate: float,
    ) -> None:
        self._build = build
        self.network = build()
        self.rows = rows
        self.batch = batch
        self.steps = steps
        self.rate = rate
        self._planned = 0

    def fit(
        self,
        rows: np.ndarray,
        seed: int,
        planned: int,
        callbacks: list[Any],
        *,
        epochs: int | None = None,
        validation: np.ndarray | None = None,
        augmentation: str = OFF,
    ) -> list[float]:
        """Train from new weights; return the mean loss of each epoch, on other rows if there are.

        Parameters
        ----------
        rows : array of int
            Positions to learn from.
        seed : int
            Of weights, order and whatever the layers draw.
        planned : int
            Epochs after which the learning rate has come down to nothing.
        callbacks : list of keras.callbacks.Callback
            Watch, and may end it.
        epochs : int, optional
            Epochs after which it ends before that.
        validation : array of int, optional
            Positions of other rows, on which the mean of all members is judged.
        augmentation : str
            What is done to images, of `AUGMENTATIONS`.
        """
        keras.utils.set_random_seed(seed)
        self._reset(planned)
        others = {}
        if validation is not None:
            size = min(len(validation), *(ROWS_AT_ONCE[kind][1] for kind in self.rows.kinds))
            others = {
                "validation_data": self.rows.whole(validation, size),
                "validation_batch_size": size,
            }
        history = self.network.fit(
            self.rows.batches(rows, self.batch, seed, augmentation),
            epochs=epochs or planned,
            steps_per_epoch=self.steps,
            callbacks=callbacks,
            verbose=0,
            **others,
        ).history
        return list(history["loss" if validation is None else VALIDATION_LOSS])

    def _reset(self, planned: int) -> None:
        """Give the network new weights; compile it again only if the schedule is another."""
        for variable, new in zip(self.network.variables, self._build().variables, strict=True):
            variable.assign(new)
        if planned == self._planned:
            for variable in self.network.optimizer.variables:
                variable.assign(np.zeros(variable.shape))
            return
        self._planned = planned
        total = planned * self.steps
        warm = round(_WARM * total)
        schedule = keras.optimizers.schedules.CosineDecay(
            0.0, total - warm, warmup_target=self.rate, warmup_steps=warm
        )
        loss, loss_of_mean = _losses(self.rows.classes)
        optimizer = keras.optimizers.AdamW(schedule, weight_decay=_DECAY)
        optimizer.build(self.network.trainable_variables)
        self.network.compile(
            optimizer,
            loss,
            weighted_metrics=[keras.metrics.MeanMetricWrapper(loss_of_mean, name=_MEAN)],
            jit_compile=True,
            steps_per_execution=self.steps,
        )


def _losses(classes: int) -> tuple[Any, Any]:
    """Return the mean loss of all members, and the loss of their mean: log loss or squared error.

    Both take targets (n,) and raw outputs (n, members, units).
    """
    if not classes:
        one, squash = keras.losses.mean_squared_error, keras.activations.linear
    elif classes == 2:
        one, squash = keras.losses.binary_crossentropy, keras.activations.sigmoid
    else:
        one, squash = keras.losses.sparse_categorical_crossentropy, keras.activations.softmax
    logits = {"from_logits": True} if classes else {}

    def loss(target: Any, raw: Any) -> Any:
        wanted = ops.repeat(ops.reshape(target, (-1, 1, 1)), raw.shape[1], axis=1)
        return ops.mean(one(wanted, raw, **logits), axis=1)

    def loss_of_mean(target: Any, raw: Any) -> Any:
        return one(ops.reshape(target, (-1, 1)), ops.mean(squash(raw), axis=1))

    return loss, loss_of_mean


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
