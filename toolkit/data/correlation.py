"""Measures of association from 0 to 1: rank correlation, Cramér's V, correlation ratio."""

from __future__ import annotations

import numpy as np


def spearman(matrix: np.ndarray) -> np.ndarray:
    """Return absolute rank correlations of the columns of (n, k) numbers; NaN is missing."""
    from scipy.stats import rankdata

    known = np.isfinite(matrix)
    ranks = np.zeros(matrix.shape)
    for k in range(matrix.shape[1]):
        here = known[:, k]
        found = rankdata(matrix[here, k])
        ranks[here, k] = (found - found.mean()) / max(len(found), 1) if len(found) else found
    mask = known.astype(np.float64)
    n = mask.T @ mask
    sums = ranks.T @ mask  # sum of i's ranks over rows that also have j
    squares = (ranks**2).T @ mask
    with np.errstate(divide="ignore", invalid="ignore"):
        covariance = ranks.T @ ranks - sums * sums.T / n
        variance = squares - sums**2 / n
        found = covariance / np.sqrt(variance * variance.T)
    found[(n < 10) | (variance < 1e-12) | (variance.T < 1e-12)] = 0.0
    return np.clip(np.abs(np.nan_to_num(found)), 0, 1)


def cramers_v(first: np.ndarray, second: np.ndarray) -> float:
    """Return Cramér's V of two sets of codes (-1 is missing), corrected for bias.

    Bergsma, W. (2013). A bias-correction for Cramér's V and Tschuprow's T. Journal of the
    Korean Statistical Society 42(3).
    """
    both = (first >= 0) & (second >= 0)
    n = int(both.sum())
    if n < 2:
        return 0.0
    a, b = first[both], second[both]
    width = int(b.max()) + 1
    counts = np.bincount(a * width + b).astype(np.float64)
    counts = np.pad(counts, (0, -len(counts) % width)).reshape(-1, width)
    counts = counts[counts.sum(axis=1) > 0][:, counts.sum(axis=0) > 0]
    r, k = counts.shape
    if r < 2 or k < 2:
        return 0.0
    expected = np.outer(counts.sum(axis=1), counts.sum(axis=0)) / n
    phi2 = float(((counts - expected) ** 2 / expected).sum()) / n
    corrected = max(0.0, phi2 - (k - 1) * (r - 1) / (n - 1))
    rows = r - (r - 1) ** 2 / (n - 1)
    columns = k - (k - 1) ** 2 / (n - 1)
    most = min(rows, columns) - 1
    return float(np.clip(np.sqrt(corrected / most), 0, 1)) if most > 0 else 0.0


def correlation_ratio(matrix: np.ndarray, level_codes: np.ndarray) -> np.ndarray:
    """Return, for each column of (n, k) numbers, its correlation ratio with some levels.

    The root of epsilon squared (Kelley 1935): the share of variance between levels, less
    what as many random levels would show.
    """
    known = np.isfinite(matrix) & (level_codes >= 0)[:, None]
    values = np.where(known, matrix, 0.0)
    count = known.sum(axis=0)
    mean = values.sum(axis=0) / np.maximum(count, 1)
    values = np.where(known, matrix - mean, 0.0)
    total = (values**2).sum(axis=0)
    size = int(level_codes.max()) + 1 if len(level_codes) else 0
    if size < 2:
        return np.zeros(matrix.shape[1])
    one_hot = (level_codes[:, None] == np.arange(size)).astype(np.float64)
    n = one_hot.T @ known.astype(np.float64)
    sums = one_hot.T @ values
    between = (sums**2 / np.maximum(n, 1)).sum(axis=0)
    free = (n > 0).sum(axis=0) - 1
    left = count - free - 1
    with np.errstate(divide="ignore", invalid="ignore"):
        epsilon2 = (between - free * (total - between) / left) / total
    epsilon2[(left < 1) | (total <= 0)] = 0.0
    return np.sqrt(np.clip(np.nan_to_num(epsilon2), 0, 1))
