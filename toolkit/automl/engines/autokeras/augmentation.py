"""Images a little altered in training, by Keras' own layers."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import jax
import keras
import numpy as np
from keras import layers

OFF, MOVED, MIRRORED = AUGMENTATIONS = ["off", "moved", "moved and mirrored"]


def augmenter(augmentation: str, seed: int) -> Callable[[np.ndarray], np.ndarray]:
    """Return a function that gives each image of a batch another random change in each call.

    Parameters
    ----------
    augmentation : str
        ``moved`` rotates by up to 0.2 radians, shifts by up to a tenth of the side and zooms by
        up to 12 %; ``moved and mirrored`` also swaps left and right in half of the images.
    seed : int
        What is drawn depends on it alone.
    """
    calls = _compiled(augmentation)
    states = [[keras.random.SeedGenerator(seed + n).state.value] for n in range(len(calls))]

    def augmented(pixels: np.ndarray) -> np.ndarray:
        images: Any = pixels
        for number, call in enumerate(calls):
            images, states[number] = call([], states[number], images)
        return np.rint(images).astype(pixels.dtype)

    return augmented


@functools.cache
def _compiled(augmentation: str) -> list[Any]:
    """Compile each layer by itself: XLA takes minutes if layers that sample images are chained."""
    chain = [
        *([layers.RandomFlip("horizontal")] if augmentation == MIRRORED else []),
        layers.RandomRotation(0.032, fill_mode="nearest"),
        layers.RandomTranslation(0.1, 0.1, fill_mode="nearest"),
        layers.RandomZoom(0.12, fill_mode="nearest"),
    ]
    for layer in chain:
        layer.build((None, None, None, None))
    return [jax.jit(functools.partial(layer.stateless_call, training=True)) for layer in chain]
