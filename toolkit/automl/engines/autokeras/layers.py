"""Layers that Keras does not have: numbers as waves, and several networks in one."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
from keras import initializers, layers, ops

PACKAGE = "toolkit"
_register = keras.utils.register_keras_serializable(package=PACKAGE)


def _signs(shape: tuple[int, ...], dtype: Any = None) -> Any:
    """Draw -1 and 1."""
    return 2.0 * ops.cast(keras.random.randint(shape, 0, 2), dtype or "float32") - 1.0


@_register
class Periodic(layers.Layer):  # type: ignore[misc]
    """Numbers as small vectors of cosines of learnt frequencies; other columns as they are.

    Gorishniy, Rubachev and Babenko (2022), "On Embeddings for Numerical Features in
    Tabular Deep Learning".

    Parameters
    ----------
    numbers : int
        How many columns, from the first, are numbers.
    frequencies, vector : int
        Cosines, and cells of the vector, for each number.
    spread : float
        Standard deviation of the frequencies at the start.
    """

    def __init__(
        self,
        numbers: int,
        frequencies: int = 16,
        vector: int = 8,
        spread: float = 0.3,
        **options: Any,
    ) -> None:
        super().__init__(**options)
        self.numbers = numbers
        self.frequencies = frequencies
        self.vector = vector
        self.spread = spread

    def build(self, shape: tuple[int, ...]) -> None:
        """Make the weights."""
        size = (self.numbers, self.frequencies)
        normal = initializers.RandomNormal(stddev=self.spread)
        uniform = initializers.RandomUniform(-3.1416, 3.1416)
        self.frequency = self.add_weight(shape=size, initializer=normal, name="frequency")
        self.phase = self.add_weight(shape=size, initializer=uniform, name="phase")
        scale = initializers.VarianceScaling(1.0, "fan_in")
        self.kernel = self.add_weight(
            shape=(self.frequencies, self.numbers * self.vector), initializer=scale, name="kernel"
        )
        self.bias = self.add_weight(
            shape=(self.numbers, self.vector), initializer="zeros", name="bias"
        )

    def call(self, inputs: Any) -> Any:
        """Return all columns, each number followed by its vector."""
        numbers = inputs[:, : self.numbers, None]
        waves = ops.cos(6.2832 * numbers * self.frequency + self.phase)
        kernel = ops.reshape(self.kernel, (self.frequencies, self.numbers, self.vector))
        vectors = ops.relu(ops.einsum("bnf,fnv->bnv", waves, kernel) + self.bias)
        vectors = ops.reshape(vectors, (-1, self.numbers * self.vector))
        return ops.concatenate([inputs, vectors], axis=-1)

    def get_config(self) -> dict[str, Any]:
        """Return what the constructor takes."""
        return super().get_config() | {
            "numbers": self.numbers,
            "frequencies": self.frequencies,
            "vector": self.vector,
            "spread": self.spread,
        }


@_register
class SharedDense(layers.Layer):  # type: ignore[misc]
    """A dense layer of several networks at once, which share a matrix up to signs and scales.

    Wen, Tran and Ba (2020), "BatchEnsemble"; for tables Gorishniy, Kotelnikov and Babenko
    (2024), "TabM".

    Parameters
    ----------
    units : int
        Cells out, for each network.
    members : int
        Networks.
    """

    def __init__(self, units: int, members: int, **options: Any) -> None:
        super().__init__(**options)
        self.units = units
        self.members = members

    def build(self, shape: tuple[int, ...]) -> None:
        """Make the weights; only the first layer tells networks apart at the start."""
        width = shape[-1]
        first: Any = _signs if len(shape) == 2 else "ones"
        self.kernel = self.add_weight(
            shape=(width, self.units), initializer="he_uniform", name="kernel"
        )
        self.before = self.add_weight(shape=(self.members, width), initializer=first, name="before")
        size = (self.members, self.units)
        self.after = self.add_weight(shape=size, initializer="ones", name="after")
        self.bias = self.add_weight(shape=size, initializer="zeros", name="bias")

    def call(self, inputs: Any) -> Any:
        """Return (rows, members, units) of (rows, width) or (rows, members, width)."""
        if len(inputs.shape) == 2:
            inputs = inputs[:, None, :]
        return ops.matmul(inputs * self.before, self.kernel) * self.after + self.bias

    def get_config(self) -> dict[str, Any]:
        """Return what the constructor takes."""
        return super().get_config() | {"units": self.units, "members": self.members}


@_register
class Outputs(layers.Layer):  # type: ignore[misc]
    """What each network of several gives out, before probabilities are made of it.

    Parameters
    ----------
    units : int
        Numbers for a row.
    """

    def __init__(self, units: int, **options: Any) -> None:
        super().__init__(**options)
        self.units = units

    def build(self, shape: tuple[int, ...]) -> None:
        """Make the weights: one matrix for each member."""
        members = shape[1] if len(shape) == 3 else 1
        scale = initializers.VarianceScaling(1.0, "fan_avg", "uniform")
        self.kernel = self.add_weight(
            shape=(shape[-1], members * self.units), initializer=scale, name="kernel"
        )
        self.bias = self.add_weight(shape=(members, self.units), initializer="zeros", name="bias")

    def call(self, inputs: Any) -> Any:
        """Return (rows, members, units) of (rows, width) or (rows, members, width)."""
        if len(inputs.shape) == 2:
            inputs = inputs[:, None, :]
        members, width = inputs.shape[1:]
        kernel = ops.reshape(self.kernel, (width, members, self.units))
        return ops.einsum("bmw,wmu->bmu", inputs, kernel) + self.bias

    def get_config(self) -> dict[str, Any]:
        """Return what the constructor takes."""
        return super().get_config() | {"units": self.units}


@_register
class MeanOfWords(layers.Layer):  # type: ignore[misc]
    """The mean vector of the words of a text, without what fills it up (token 0)."""

    def call(self, vectors: Any, tokens: Any) -> Any:
        """Return (rows, width) of (rows, length, width) and (rows, length)."""
        known = ops.cast(ops.not_equal(tokens, 0), "float32")[:, :, None]
        return ops.sum(vectors * known, axis=1) / ops.maximum(ops.sum(known, axis=1), 1.0)


@_register
class Convolution(layers.Layer):  # type: ignore[misc]
    """A padded convolution of networks saved before they had Keras' own.

    Parameters
    ----------
    filters : int
        Channels out.
    size : int
        Cells along each side of the window.
    """

    def __init__(self, filters: int, size: int = 3, **options: Any) -> None:
        super().__init__(**options)
        self.filters = filters
        self.size = size

    def build(self, shape: tuple[int, ...]) -> None:
        """Make the weights: a row for each cell of the window, and each channel."""
        self._window = (*[self.size] * (len(shape) - 2), shape[-1], self.filters)
        rows = int(np.prod(self._window[:-1]))
        self.kernel = self.add_weight(shape=(rows, self.filters), name="kernel")
        self.bias = self.add_weight(shape=(self.filters,), name="bias")

    def call(self, inputs: Any) -> Any:
        """Return the channels out, of the same height and width."""
        kernel = ops.reshape(self.kernel, self._window)
        return ops.conv(inputs, kernel, padding="same") + self.bias


@_register
class Halving(layers.MaxPooling2D):  # type: ignore[misc]
    """Keras' pooling, by its name in networks saved before."""
