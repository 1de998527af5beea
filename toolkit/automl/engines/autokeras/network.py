"""Fitted networks of one architecture, averaged: scoring, saving and loading."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jax
import numpy as np

from toolkit import canonical
from toolkit.automl.engines.autokeras.inputs import Encoder
from toolkit.automl.engines.autokeras.training import ROWS_AT_ONCE, averaged
from toolkit.automl.files.archive import Renumbering, normalised
from toolkit.errors import ModelError

if TYPE_CHECKING:
    from toolkit.automl.inputs import Inputs

MODEL_FILE, WEIGHTS_FILE, FACTS_FILE = "network.keras", "networks.npz", "network.json"
_BLOCK = 20_000
"""Rows that are made into arrays at once: images take much memory."""


@dataclass(frozen=True)
class Fitted:
    """One network's weights, and what its layers keep besides (means of batches)."""

    weights: list[Any]
    others: list[Any]

    @classmethod
    def of(cls, network: Any) -> Fitted:
        """Return what a Keras model holds now."""
        return cls(
            [np.asarray(variable) for variable in network.trainable_variables],
            [np.asarray(variable) for variable in network.non_trainable_variables],
        )


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
        self._few, self._many = (min(ROWS_AT_ONCE[kind][i] for kind in kinds) for i in (0, 1))
        # `predict` would compile for each number of rows, and takes 20 ms a call.
        self._call = jax.jit(
            lambda weights, others, inputs: network.stateless_call(
                weights, others, inputs, training=False
            )[0]
        )

    def __call__(self, fitted: Fitted, arrays: list[np.ndarray], rows: np.ndarray) -> np.ndarray:
        """Return float64 (len(rows), members, units) for rows of some arrays."""
        size = self._few if len(rows) <= self._few else self._many
        parts = []
        for start in range(0, max(1, len(rows)), size):
            some = rows[start : start + size]
            inputs = [np.zeros((size, *array.shape[1:]), dtype=array.dtype) for array in arrays]
            for filled, array in zip(inputs, arrays, strict=True):
                filled[: len(some)] = array[some]
            raw = self._call(fitted.weights, fitted.others, inputs)
            parts.append(np.asarray(raw)[: len(some)])
        return np.concatenate(parts).astype(np.float64)


@dataclass
class Networks:
    """Networks of one architecture whose predictions are averaged.

    Attributes
    ----------
    encoder : Encoder
        From rows to their inputs.
    network : keras.Model
        The architecture.
    fitted : list of Fitted
        The weights of each network.
    classes : int
        0 for regression.
    mean, scale, low, high : float
        Regression: the target's scale, and its range, beyond which nothing is predicted.
    """

    encoder: Encoder
    network: Any
    fitted: list[Fitted]
    classes: int
    mean: float = 0.0
    scale: float = 1.0
    low: float = 0.0
    high: float = 0.0

    @cached_property
    def forward(self) -> Forward:
        """The architecture's outputs for any weights."""
        return Forward(self.network, [part.kind for part in self.encoder.parts])

    def score(self, inputs: Inputs) -> np.ndarray:
        """Return (n, k) probabilities or (n,) values."""
        parts = []
        for start in range(0, max(1, len(inputs)), _BLOCK):
            rows = np.arange(start, min(len(inputs), start + _BLOCK))
            arrays = self.encoder.arrays(inputs.take(rows))
            every = np.arange(len(rows))
            total = sum(self.of_one(fitted, arrays, every) for fitted in self.fitted)
            parts.append(np.asarray(total) / len(self.fitted))
        return np.concatenate(parts)

    def of_one(self, fitted: Fitted, arrays: list[np.ndarray], rows: np.ndarray) -> np.ndarray:
        """Return one network's scores for rows of some arrays."""
        raw = self.forward(fitted, arrays, rows)
        scores = averaged(raw, self.classes)
        if not self.classes:
            scores = np.clip(scores * self.scale + self.mean, self.low, self.high)
        return scores

    def save(self, folder: Path) -> None:
        """Write architecture, all weights, and the way from rows to inputs."""
        folder.mkdir(parents=True, exist_ok=True)
        _set(self.network, self.fitted[0])
        path = folder / MODEL_FILE
        self.network.save(path)
        path.write_bytes(normalised(path.read_bytes(), _stable))
        save_fitted(folder / WEIGHTS_FILE, self.fitted)
        self.encoder.save(folder)
        facts = {
            "networks": len(self.fitted),
            "classes": self.classes,
            # As text, so that no digit is lost or rounded on the way.
            "outcome": [float(v).hex() for v in (self.mean, self.scale, self.low, self.high)],
        }
        canonical.write_text(folder / FACTS_FILE, canonical.dumps(facts))

    @classmethod
    def load(cls, folder: Path, keras: Any) -> Networks:
        """Return saved networks.

        Raises
        ------
        ModelError
            If the folder is damaged.
        """
        # Layers of AutoKeras and of the toolkit have to be known to Keras by name.
        from toolkit.automl.engines.autokeras import blocks  # noqa: F401

        try:
            facts = json.loads((folder / FACTS_FILE).read_text(encoding="utf-8"))
            network = keras.models.load_model(folder / MODEL_FILE, compile=False)
            fitted = load_fitted(folder / WEIGHTS_FILE)
            encoder = Encoder.load(folder)
        except ModelError:
            raise
        except Exception as error:  # Keras has its own errors for each kind of damage
            raise ModelError(
                f"cannot be read: {(str(error).splitlines() or [repr(error)])[0]}",
                where=str(folder),
                remedy="Run 04_automl.ipynb again with --fresh",
            ) from error
        outcome = [float.fromhex(value) for value in facts["outcome"]]
        return cls(encoder, network, fitted, facts["classes"], *outcome)


def save_fitted(path: Path, networks: list[Fitted]) -> None:
    """Write the weights of networks, atomically; equal weights give equal bytes."""
    arrays: dict[str, Any] = {}
    for number, fitted in enumerate(networks):
        for kind, values in (("weights", fitted.weights), ("others", fitted.others)):
            for place, value in enumerate(values):
                arrays[f"{number}_{kind}_{place}"] = np.asarray(value)
    with canonical.atomic(path) as temporary:
        np.savez(temporary, **arrays)


def load_fitted(path: Path) -> list[Fitted]:
    """Return the networks that `save_fitted` wrote."""
    found: dict[int, Fitted] = {}
    with np.load(path, allow_pickle=False) as arrays:
        for name in arrays.files:  # in the order of writing
            number, kind, _ = name.split("_")
            fitted = found.setdefault(int(number), Fitted([], []))
            getattr(fitted, kind).append(arrays[name])
    return [found[number] for number in sorted(found)]


def _set(network: Any, fitted: Fitted) -> None:
    for variables, values in (
        (network.trainable_variables, fitted.weights),
        (network.non_trainable_variables, fitted.others),
    ):
        for variable, value in zip(variables, values, strict=True):
            variable.assign(value)


def _stable(name: str, content: bytes) -> tuple[str, bytes]:
    if name == "metadata.json":
        facts = json.loads(content)
        facts.pop("date_saved", None)
        content = canonical.dumps(facts).encode()
    elif name == "config.json":
        # Keras names shared objects by address in memory.
        content = Renumbering(r'"shared_object_id": (\d+)')(content.decode()).encode()
    return name, content
