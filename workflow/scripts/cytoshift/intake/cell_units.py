"""In which units do files give cells, and how small a step can their numbers show?"""

from __future__ import annotations

import numpy as np

# unit in the file → measure, unit after harmonisation, factor
UNITS = {
    "10^9/L": ("count_per_ul", "cells/uL", 1000.0),
    "10^3/uL": ("count_per_ul", "cells/uL", 1000.0),
    "cells/uL": ("count_per_ul", "cells/uL", 1.0),
    "%": ("fraction_of_parent", "fraction", 0.01),
    "fraction": ("fraction_of_parent", "fraction", 1.0),
    "events": ("events", "events", 1.0),
}
_MOST_DECIMALS = 6  # more are the digits of a computation, not of a counter


def decimals_of(values: np.ndarray) -> np.ndarray:
    """Decimals each number needs (n,), by rounding; more than the most that counters write is NaN."""
    decimals = np.full(len(values), np.nan)
    for places in range(_MOST_DECIMALS, -1, -1):
        exact = np.abs(values - np.round(values, places)) <= 1e-9 * np.maximum(1.0, np.abs(values))
        decimals[exact] = places
    return decimals
