"""Parts of a background, whose spread says what another background would give."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

GROUPS = 8


def background_blocks(count: int, together: int = 1) -> list[np.ndarray]:
    """Return positions of background rows, in order of output, in parts that are alike.

    Neighbours have similar outputs: each part gets some of all.

    Parameters
    ----------
    count : int
        Background rows.
    together : int
        Neighbours that belong together: 2 where an order goes to one and its reverse to the other.
    """
    unit = np.arange(count) // together
    groups = max(1, min(GROUPS, count // together))
    return [np.flatnonzero(unit % groups == part) for part in range(groups)]


def over_parts(found: np.ndarray, parts: Sequence[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """Return values and standard errors, each (n, groups, k), from those against parts.

    The errors compare values with those over all rows that the background was drawn from, and
    come from the spread between parts of it; 0 where there is one part.
    """
    shares = np.array([len(part) for part in parts], dtype=np.float64)
    shares /= shares.sum()
    mean = np.einsum("g,gnpk->npk", shares, found)
    if len(parts) < 2:
        return mean, np.zeros_like(mean)
    spread = np.einsum("g,gnpk->npk", shares, (found - mean) ** 2)
    return mean, np.sqrt(spread / (len(parts) - 1))
