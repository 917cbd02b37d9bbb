"""Medians and spreads that gaps and outliers do not disturb."""

from __future__ import annotations

import numpy as np

NORMAL_MAD = 1.4826  # of a normal distribution: SD over median absolute deviation


def column_middle(numbers: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Lower and upper median of each column (rows, columns) without its NaN, each (columns,).

    They differ where the count is even; both are NaN for a column without numbers.
    """
    columns = np.arange(numbers.shape[1])
    if not len(numbers):
        return np.full(len(columns), np.nan), np.full(len(columns), np.nan)
    ordered = np.sort(numbers, axis=0)  # NaN last, so a column without numbers has NaN in its first place
    count = np.isfinite(numbers).sum(axis=0)
    low, high = np.maximum(count - 1, 0) // 2, np.where(count > 0, count // 2, 0)
    return ordered[low, columns], ordered[high, columns]


def column_median(numbers: np.ndarray) -> np.ndarray:
    """Median of each column (rows, columns) without its NaN, (columns,); NaN for a column without numbers."""
    low, high = column_middle(numbers)
    return (low + high) / 2


def column_mad(numbers: np.ndarray) -> np.ndarray:
    """1.4826 × the median absolute deviation from the median of each column, without NaN (columns,)."""
    return NORMAL_MAD * column_median(np.abs(numbers - column_median(numbers)))
