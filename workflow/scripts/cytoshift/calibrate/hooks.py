"""Do the strongest standards read weaker than those below them, as when so much analyte starves the sandwich?"""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy.stats import norm
from scipy.stats import t as t_distribution

SMALLEST_DROP = np.log(1.15)
NOISE = 0.05  # SD of ln signal between wells of one tube, where the plate does not show it
NOISE_UNITS = 3.0
# A hook: chance that a flat top falls so far below one level by noise alone, the noise of single wells, which show
# none themselves, and how many replicates (less levels) show it.
HOOK_ALPHA = 0.001
NOISE_OF_SINGLES = 0.10
FEWEST_FREEDOM = 3


def level_means(curve: np.ndarray, expected: np.ndarray, log_signal: np.ndarray) -> pd.DataFrame:
    """Mean ln signal and number of wells per curve and concentration, and the noise of a well, curves in order.

    All (s,), one entry per standard well. Returns columns curve, expected, mean, wells, spread: the SD of ln signal
    within levels pooled over the curve, freedom: of that SD, and noise: the SD, not under 0.05.
    """
    frame = pd.DataFrame({"curve": curve, "expected": expected, "log": log_signal})
    levels = frame.groupby(["curve", "expected"])["log"].agg(["mean", "size", "var"]).reset_index()
    levels.columns = pd.Index(["curve", "expected", "mean", "wells", "variance"])
    squares = (levels["variance"] * (levels["wells"] - 1)).groupby(levels["curve"]).transform("sum")
    levels["freedom"] = (levels["wells"] - 1).groupby(levels["curve"]).transform("sum")
    levels["spread"] = np.sqrt(squares / np.maximum(levels["freedom"], 1))
    levels["noise"] = np.maximum(levels["spread"], NOISE)
    return levels.drop(columns="variance")


def find_hooks(curve: np.ndarray, expected: np.ndarray, log_signal: np.ndarray, curves: int) -> np.ndarray:
    """Which standard wells lie beyond a high-dose hook (s,).

    Parameters, each (s,): `curve` 0…curves − 1, `expected` concentration, `log_signal` natural log. There is a hook
    where the signal of the highest level lies under the largest level mean by more than 15 % and by more than noise
    explains: 3.1 standard errors at a noise of 5 % (10 % for single wells, which do not show theirs), and the 99.9 %
    point of t at the noise that the replicates show. Beyond it are the levels above the largest that fall by more
    than 15 %, up to the first that does not, counted from the highest.
    """
    if not len(curve):
        return np.zeros(0, dtype=bool)
    levels = level_means(curve, expected, log_signal)
    at_top = levels["expected"] == levels.groupby("curve")["expected"].transform("max")
    significant = falls(levels.assign(noise=_hook_noise(levels))) > 0
    hooked = np.bincount(levels["curve"][significant & at_top], minlength=curves) > 0
    below_best = levels.groupby("curve", sort=False)["mean"].cummax() - levels["mean"]
    reaching = levels["expected"].where(below_best <= SMALLEST_DROP).groupby(levels["curve"]).max()
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


def _hook_noise(levels: pd.DataFrame) -> np.ndarray:
    """The noise whose threefold is the fall that calls a hook, one per level (l,)."""
    freedom = levels["freedom"].to_numpy(dtype=float)
    shown = freedom >= FEWEST_FREEDOM
    assumed = np.where(shown, NOISE, np.maximum(NOISE_OF_SINGLES, levels["spread"])) * norm.isf(HOOK_ALPHA)
    estimated = np.where(shown, levels["spread"] * t_distribution.isf(HOOK_ALPHA, np.maximum(freedom, 1)), 0.0)
    return np.maximum(assumed, estimated) / NOISE_UNITS
