"""Images a little altered in each pass: turned, shifted, scaled, and mirrored if asked."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp

_TURN = 0.2  # radians
_SHIFT = 0.1  # of the side
_SCALE = 0.12


def altered(images: Any, key: Any, how: str) -> Any:
    """Return images as float32 under small random changes, one for each image.

    Parameters
    ----------
    images : array, shape (n, height, width, channels)
        Any numbers.
    key : jax.random key
        What is drawn depends on it alone.
    how : str
        ``moved`` turns, shifts and scales; ``mirrored`` also swaps left and right in half of
        the images.
    """
    rows, height, width, _ = images.shape
    keys = jax.random.split(key, 5)
    angle = jax.random.uniform(keys[0], (rows, 1, 1), minval=-_TURN, maxval=_TURN)
    scale = jax.random.uniform(keys[1], (rows, 1, 1), minval=1 - _SCALE, maxval=1 + _SCALE)
    down = jax.random.uniform(keys[2], (rows, 1, 1), minval=-_SHIFT, maxval=_SHIFT) * height
    right = jax.random.uniform(keys[3], (rows, 1, 1), minval=-_SHIFT, maxval=_SHIFT) * width
    y = jnp.arange(height)[None, :, None] - (height - 1) / 2
    x = jnp.arange(width)[None, None, :] - (width - 1) / 2
    if how == "mirrored":
        x = x * jnp.where(jax.random.bernoulli(keys[4], shape=(rows, 1, 1)), -1, 1)
    from_y = (y * jnp.cos(angle) - x * jnp.sin(angle)) * scale + (height - 1) / 2 + down
    from_x = (y * jnp.sin(angle) + x * jnp.cos(angle)) * scale + (width - 1) / 2 + right
    return _sampled(
        images.astype(jnp.float32),
        jnp.clip(from_y, 0, height - 1),
        jnp.clip(from_x, 0, width - 1),
    )


def _sampled(images: Any, y: Any, x: Any) -> Any:
    """Return what lies at some places between the pixels."""
    rows, height, width, channels = images.shape
    flat = images.reshape(rows, height * width, channels)
    top = jnp.clip(jnp.floor(y).astype(jnp.int32), 0, height - 2)
    left = jnp.clip(jnp.floor(x).astype(jnp.int32), 0, width - 2)
    low, across = (y - top)[..., None], (x - left)[..., None]

    def at(row: Any, column: Any) -> Any:
        place = (row * width + column).reshape(rows, height * width, 1)
        return jnp.take_along_axis(flat, place, axis=1).reshape(images.shape)

    above = at(top, left) * (1 - across) + at(top, left + 1) * across
    below = at(top + 1, left) * (1 - across) + at(top + 1, left + 1) * across
    return above * (1 - low) + below * low
