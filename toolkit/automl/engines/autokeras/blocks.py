"""The search spaces: AutoKeras blocks for tables, texts and images, and heads for every task."""

from __future__ import annotations

from typing import Any

import autokeras
from autokeras.graph import Graph
from keras import layers

from toolkit.automl.engines.autokeras.layers import MeanOfWords, Outputs, Periodic, SharedDense

_MOST_PERIODIC = 200
_SMALL_SIDE = 10


def _only(inputs: Any) -> Any:
    return inputs[0] if isinstance(inputs, list | tuple) else inputs


class TableBlock(autokeras.Block):  # type: ignore[misc]
    """Dense networks that share matrices, over numbers as vectors of cosines or as they are.

    Parameters
    ----------
    numbers : int
        How many columns, from the first, are numbers.
    members : int
        Networks that share matrices; 1 gives one plain network.
    """

    def __init__(self, numbers: int = 0, members: int = 1, **options: Any) -> None:
        super().__init__(**options)
        self.numbers = numbers
        self.members = members

    def build(self, hp: Any, inputs: Any = None) -> Any:
        """Return the last hidden layer."""
        node = _only(inputs)
        if 0 < self.numbers <= _MOST_PERIODIC and hp.Boolean("periodic", default=True):
            node = Periodic(self.numbers)(node)
        units = hp.Choice("units", [64, 128, 256], default=128)
        dropout = hp.Choice("dropout", [0.0, 0.1, 0.25, 0.4], default=0.1)
        for _ in range(hp.Choice("layers", [1, 2, 3], default=2)):
            if self.members > 1:
                node = SharedDense(units, self.members)(node)
            else:
                node = layers.Dense(units, kernel_initializer="he_uniform")(node)
            node = layers.Activation("relu")(node)
            if dropout:
                node = layers.Dropout(dropout)(node)
        return node


class TextBlock(autokeras.Block):  # type: ignore[misc]
    """Vectors of words: their mean, and the strongest of patterns of neighbouring words.

    Kim (2014), "Convolutional Neural Networks for Sentence Classification".

    Parameters
    ----------
    words : int
        Size of the vocabulary.
    """

    def __init__(self, words: int = 2, **options: Any) -> None:
        super().__init__(**options)
        self.words = words

    def build(self, hp: Any, inputs: Any = None) -> Any:
        """Return a vector for the text."""
        tokens = _only(inputs)
        width = hp.Choice("width", [32, 64, 128], default=64)
        dropout = hp.Choice("dropout", [0.1, 0.3, 0.5], default=0.3)
        vectors = layers.Embedding(self.words, width)(tokens)
        vectors = layers.Dropout(dropout)(vectors)
        parts = [MeanOfWords()(vectors, tokens)]
        patterns = hp.Choice("patterns", [0, 64, 128], default=64)
        if patterns:
            size = hp.Choice("neighbours", [2, 3, 5], default=3)
            convolved = layers.Conv1D(
                patterns, size, padding="same", activation="relu", kernel_initializer="he_uniform"
            )(vectors)
            parts.append(layers.GlobalMaxPooling1D()(convolved))
        node = layers.Concatenate()(parts) if len(parts) > 1 else parts[0]
        return layers.Dropout(dropout)(node)


class ImageBlock(autokeras.Block):  # type: ignore[misc]
    """A small convolutional network, with or without residual connections.

    He, Zhang, Ren and Sun (2016), "Deep Residual Learning for Image Recognition".
    """

    def build(self, hp: Any, inputs: Any = None) -> Any:
        """Return a vector for the image."""
        node = layers.Rescaling(1 / 127.5, -1.0)(_only(inputs))
        filters = hp.Choice("filters", [8, 16, 32], default=16)
        depth = hp.Choice("layers", [1, 2], default=1)
        residual = hp.Boolean("residual", default=False)
        node = self._convolved(node, filters)
        while min(node.shape[1:3]) >= _SMALL_SIDE:
            filters = min(128, 2 * filters)
            node = self._convolved(layers.MaxPooling2D()(node), filters)
            for _ in range(depth - 1):
                more = self._convolved(node, filters)
                node = layers.Add()([node, more]) if residual else more
        if hp.Choice("reduction", ["flat", "mean"], default="flat") == "flat":
            node = layers.Flatten()(node)
        else:
            node = layers.GlobalAveragePooling2D()(node)
        return layers.Dropout(hp.Choice("dropout", [0.1, 0.3, 0.5], default=0.3))(node)

    def _convolved(self, node: Any, filters: int) -> Any:
        convolution = layers.Conv2D(filters, 3, padding="same", kernel_initializer="he_uniform")
        node = layers.BatchNormalization(momentum=0.9)(convolution(node))
        return layers.Activation("relu")(node)


class OutputBlock(autokeras.Block):  # type: ignore[misc]
    """What is trained and saved: logits or values of each member.

    Parameters
    ----------
    units : int
        Numbers for a row.
    """

    def __init__(self, units: int = 1, **options: Any) -> None:
        super().__init__(**options)
        self.units = units

    def build(self, hp: Any, inputs: Any = None) -> Any:
        """Return the outputs, (rows, members, units)."""
        return Outputs(self.units, name="outputs")(_only(inputs))


def space(parts: list[dict[str, Any]], classes: int, members: int) -> Graph:
    """Return AutoKeras' search space for what a row consists of.

    Parameters
    ----------
    parts : list of dict
        Of each array: ``kind`` (table, text or image) and ``shape``, and what its block takes.
    classes : int
        0 for regression.
    members : int
        Networks that share matrices, where a row is nothing but a table.
    """
    inputs, nodes = [], []
    for number, part in enumerate(parts):
        node = autokeras.Input(name=f"input_{number}", shape=tuple(part["shape"]))
        node.dtype = part["dtype"]
        inputs.append(node)
        name = f"{part['kind']}_{number}"
        if part["kind"] == "table":
            together = members if len(parts) == 1 else 1
            block = TableBlock(part["numbers"], together, name=name)
        elif part["kind"] == "text":
            block = TextBlock(part["words"], name=name)
        else:
            block = ImageBlock(name=name)
        nodes += block(node)
    node = nodes[0] if len(nodes) == 1 else autokeras.Merge("concatenate", name="merge")(nodes)
    return Graph(inputs, OutputBlock(classes if classes > 2 else 1, name="head")(node))
