"""On which scale is a change compared: log2 for concentrations and counts, logit for fractions, points for scores."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

SCALE_OF_MEASURE = {
    "concentration": "log2",
    "log_concentration": "log2",
    "count_per_ul": "log2",
    "events": "log2",
    "fraction_of_parent": "logit",
    "score": "identity",
}


def to_scale(numbers: np.ndarray, measure: pd.Series) -> np.ndarray:
    """Transform numbers to the analysis scale of their measure.

    `numbers` (n,) in the unit of the file, `measure` (n,) words of SCALE_OF_MEASURE. Returns (n,): log2, natural
    logit, or the number itself where it is already a logarithm or a score. 0 becomes −∞ on either logarithm, a
    fraction of 1 becomes +∞, and a number outside the scale's domain becomes NaN.
    """
    numbers = np.asarray(numbers, dtype=float)
    kind, words = pd.factorize(measure)
    scaled = np.full(len(numbers), np.nan)
    with np.errstate(divide="ignore", invalid="ignore"):
        for code, word in enumerate(words):
            here = kind == code
            number, scale = numbers[here], SCALE_OF_MEASURE[str(word)]
            if scale == "identity" or word == "log_concentration":
                scaled[here] = number
            elif scale == "logit":
                scaled[here] = np.log(number) - np.log1p(-number)
            else:
                scaled[here] = np.log2(number)
    return scaled


def at_limit(values: pd.DataFrame) -> np.ndarray:
    """One number per value (n,) in its own unit, a non-detect standing at its limit; NaN where there is none."""
    limit = np.where(values["status"] == "below", values["upper"], values["lower"])
    return np.where(values["value"].notna(), values["value"], limit)


def points(values: pd.DataFrame) -> np.ndarray:
    """One number per value on its analysis scale (n,), a non-detect standing at its limit; NaN where there is none."""
    scaled = to_scale(at_limit(values), values["measure"])
    return np.where(np.isfinite(scaled), scaled, np.nan)


@dataclass(frozen=True)
class Matrix:
    """Values laid out as samples × features; `numbers` is NaN where there is none."""

    numbers: np.ndarray
    samples: pd.Index
    features: pd.Index


def to_matrix(values: pd.DataFrame, numbers: np.ndarray) -> Matrix:
    """Lay out one number per row of `values` (columns sample, feature) as samples × features, both sorted.

    `numbers` (rows,) is averaged where a sample holds a feature more than once (a reference sample on several plates).
    """
    sample, samples = pd.factorize(values["sample"], sort=True)
    feature, features = pd.factorize(values["feature"], sort=True)
    shape = (len(samples), len(features))
    place = sample * shape[1] + feature
    known = np.isfinite(numbers)
    total = np.bincount(place[known], weights=numbers[known], minlength=shape[0] * shape[1])
    count = np.bincount(place[known], minlength=shape[0] * shape[1])
    with np.errstate(invalid="ignore"):
        mean = np.where(count > 0, total / np.maximum(count, 1), np.nan)
    return Matrix(mean.reshape(shape), pd.Index(samples), pd.Index(features))
