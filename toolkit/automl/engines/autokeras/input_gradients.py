"""How fitted networks answer to each number that they are given: outputs and gradients."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import jax
import jax.numpy as jnp
import keras
import numpy as np

from toolkit.automl.engines.autokeras.training import averaged

if TYPE_CHECKING:
    from toolkit.automl.engines.autokeras.network import Fitted, Networks
    from toolkit.automl.inputs import Inputs

_SMOOTH = ("table", "image")
_FEW = 64
_CELLS = 4_000_000
"""Cells of the gradients of a call, beyond which it takes fewer rows."""
_ROWS = {"table": 1024, "image": 128}


def refusal(networks: Networks) -> str:
    """Return why networks have no gradient at what they are given; empty if they have."""
    if any(part.kind not in _SMOOTH for part in networks.encoder.parts):
        return "it reads words, which are numbered and have no gradient"
    return ""


class Slopes:
    """Networks' scores and their gradients at encoded rows.

    Parameters
    ----------
    networks : Networks
        Of tables and images alone (`refusal`).

    Attributes
    ----------
    owners : list of str
        The column that each feature of the encoded matrix comes from: of the design frame for
        tables, of the typed one for images.
    """

    def __init__(self, networks: Networks) -> None:
        self._networks = networks
        self._parts = networks.encoder.parts
        self._shapes = [tuple(part.facts()["shape"]) for part in self._parts]
        self._sizes = [int(np.prod(shape)) for shape in self._shapes]
        self.owners = [
            name
            for part, size in zip(self._parts, self._sizes, strict=True)
            for name in (part.prepare.sources() if part.kind == "table" else [part.column] * size)
        ]
        self.outputs = networks.classes if networks.classes > 2 else 1
        most = min(_ROWS[part.kind] for part in self._parts)
        while most > _FEW and most * len(self.owners) * self.outputs > _CELLS:
            most //= 2
        self._most = most
        # Whole numbers in, as pixels are, would have no gradient: they are taken as floats.
        taken = [keras.Input(shape, dtype="float32") for shape in self._shapes]
        self._network = keras.models.clone_model(
            networks.network, input_tensors=taken, clone_function=lambda layer: layer
        )
        self._call = jax.jit(self._told)

    def encode(self, inputs: Inputs) -> np.ndarray:
        """Return rows as the networks take them, float32 (n, features)."""
        arrays = self._networks.encoder.arrays(inputs)
        flat = [array.reshape(len(array), -1).astype(np.float32) for array in arrays]
        return np.concatenate(flat, axis=1)

    def __call__(self, matrix: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return scores before calibration, and gradients, of the mean over all networks.

        Returns
        -------
        scores : ndarray, shape (n, k) or (n,)
            As `Networks.score` gives them.
        gradients : ndarray of float64, shape (n, outputs, features)
            Of the positive class's probability, of every class's, or of the value.
        """
        first, *others = self._networks.fitted
        scores, gradients = self._of_one(first, matrix)
        for fitted in others:  # one after the other: gradients are large
            more, slopes = self._of_one(fitted, matrix)
            scores, gradients = scores + more, gradients + slopes
        return scores / len(self._networks.fitted), gradients / len(self._networks.fitted)

    def _of_one(self, fitted: Fitted, matrix: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        raws, slopes = [], []
        size = _FEW if len(matrix) <= _FEW else self._most
        for start in range(0, max(1, len(matrix)), size):
            some = matrix[start : start + size]
            filled = np.zeros((size, len(self.owners)), dtype=np.float32)
            filled[: len(some)] = some
            raw, slope = self._call(fitted.weights, fitted.others, filled)
            raws.append(np.asarray(raw, dtype=np.float64)[: len(some)])
            slopes.append(np.asarray(slope, dtype=np.float64)[: len(some)])
        scores = averaged(np.concatenate(raws), self._networks.classes)
        gradients = np.concatenate(slopes)
        if not self._networks.classes:
            own = self._networks
            scores = scores * own.scale + own.mean
            inside = (scores > own.low) & (scores < own.high)
            gradients = gradients * (own.scale * inside)[:, None, None]
            scores = np.clip(scores, own.low, own.high)
        return scores, gradients

    def _told(self, weights: Any, others: Any, flat: Any) -> tuple[Any, Any]:
        """Return the members' outputs (n, members, units), and gradients (n, outputs, features)."""

        def outputs(flat: Any) -> tuple[Any, Any]:
            cells = jnp.split(flat, np.cumsum(self._sizes)[:-1].tolist(), axis=1)
            arrays = [
                cell.reshape(-1, *shape) for cell, shape in zip(cells, self._shapes, strict=True)
            ]
            given = arrays if len(arrays) > 1 else arrays[0]
            raw = self._network.stateless_call(weights, others, given, training=False)[0]
            return self._explained(raw).mean(axis=1), raw

        _, pull, raw = jax.vjp(outputs, flat, has_aux=True)
        count = self.outputs
        wanted = jnp.broadcast_to(jnp.eye(count)[:, None, :], (count, len(flat), count))
        (slopes,) = jax.vmap(pull)(wanted)  # each row's outputs are its own
        return raw, jnp.swapaxes(slopes, 0, 1)

    def _explained(self, raw: Any) -> Any:
        if not self._networks.classes:
            return raw
        # In this form the slope is right, too, where the probability rounds to 1.
        return jnp.exp(jax.nn.log_sigmoid(raw) if self.outputs == 1 else jax.nn.log_softmax(raw))
