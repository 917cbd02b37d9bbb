"""Do the strongest standards read weaker than those below them, as when so much analyte starves the sandwich?"""

from __future__ import annotations

import numpy as np
import pandas as pd

SMALLEST_DROP = np.log(1.15)
NOISE = 0.05  # SD of ln signal between wells of one tube, where the plate does not show it
NOISE_UNITS = 3.0


def level_means(curve: np.ndarray, expected: np.ndarray, log_signal: np.ndarray) -> pd.DataFrame:
    """Mean ln signal and number of wells per curve and concentration, and the noise of a well, curves in order.

    All (s,), one entry per standard well. Returns columns curve, expected, mean, wells, noise: the SD of ln signal
    within levels pooled over the curve, not under 0.05.
    """
    frame = pd.DataFrame({"curve": curve, "expected": expected, "log": log_signal})
    levels = frame.groupby(["curve", "expected"])["log"].agg(["mean", "size", "var"]).reset_index()
    levels.columns = pd.Index(["curve", "expected", "mean", "wells", "variance"])
    spread = (levels["variance"] * (levels["wells"] - 1)).groupby(levels["curve"]).transform("sum")
    freedom = (levels["wells"] - 1).groupby(levels["curve"]).transform("sum")
    levels["noise"] = np.maximum(np.sqrt(spread / np.maximum(freedom, 1)), NOISE)
    return levels.drop(columns="variance")


def find_hooks(curve: np.ndarray, expected: np.ndarray, log_signal: np.ndarray, curves: int) -> np.ndarray:
    """Which standard wells lie beyond a high-dose hook (s,).

    Parameters, each (s,): `curve` 0…curves − 1, `expected` concentration, `log_signal` natural log. There is a hook
    where the signal of the highest level lies under the largest level mean by more than 15 % and three standard
    errors of the difference. Beyond it are the levels above the last one that still reaches the largest mean.
    """
    if not len(curve):
        return np.zeros(0, dtype=bool)
    levels = level_means(curve, expected, log_signal)
    drop = falls(levels)
    low = drop > 0
    at_top = levels["expected"] == levels.groupby("curve")["expected"].transform("max")
    hooked = np.bincount(levels["curve"][low & at_top], minlength=curves) > 0
    reaching = levels["expected"].where(~low).groupby(levels["curve"]).max()
    last = reaching.reindex(range(curves)).to_numpy(dtype=float)
    return hooked[curve] & (expected > last[curve])


def falls(levels: pd.DataFrame) -> np.ndarray:
    """How far, in ln signal, each level lies under the highest level mean below it; 0 where within the noise (l,).

    `levels` as from `level_means`.
    """
    by_curve = levels.groupby("curve", sort=False)
    best = by_curve["mean"].cummax()
    wells_of_best = levels["wells"].where(levels["mean"] == best).groupby(levels["curve"]).ffill()
    error = levels["noise"] * np.sqrt(1 / levels["wells"] + 1 / wells_of_best)
    drop = best - levels["mean"]
    return drop.where(drop > np.maximum(SMALLEST_DROP, NOISE_UNITS * error), 0.0).to_numpy(dtype=float)
