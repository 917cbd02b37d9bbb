"""What number stands in for a non-detect in tests that cannot use intervals? One function per policy, one signature."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import expit, logit

Substitution = Callable[[np.ndarray, str], np.ndarray]


def half_limit(limit: np.ndarray, scale: str) -> np.ndarray:
    """Half the limit, given and returned on the analysis scale ('log2', 'logit' or 'identity')."""
    return _times(limit, scale, 0.5)


def limit_over_sqrt2(limit: np.ndarray, scale: str) -> np.ndarray:
    """The limit over √2 (Hornung & Reed 1990), given and returned on the analysis scale."""
    return _times(limit, scale, 2**-0.5)


def at_limit(limit: np.ndarray, scale: str) -> np.ndarray:
    """The limit itself."""
    return np.asarray(limit, dtype=float)


def drop(limit: np.ndarray, scale: str) -> np.ndarray:
    """Missing. Biased upwards whenever low values are the ones that are lost; offered as the usual bad habit."""
    return np.full(np.shape(limit), np.nan)


# Where intervals stay intervals, limit/√2 stands in only for what cannot take one (a textbook test asked for by name).
POLICIES: dict[str, Substitution] = {
    "censored": limit_over_sqrt2,
    "half_limit": half_limit,
    "limit_over_sqrt2": limit_over_sqrt2,
    "limit": at_limit,
    "drop": drop,
}


def _times(limit: ArrayLike, scale: str, factor: float) -> np.ndarray:
    values = np.asarray(limit, dtype=float)
    if scale == "log2":
        return values + np.log2(factor)
    if scale == "logit":
        return logit(expit(values) * factor)
    return values * factor
