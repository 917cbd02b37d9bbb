"""Is a control out of control on a plate, judged by the other plates and Westgard's rules?"""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np
from scipy.stats import norm, t

FEWEST_PLATES = 3  # two others, or there is no spread to judge by
PRIOR_SD = 0.2  # log2: a between-run CV of 15 %, what immunoassays are commonly accepted at
PRIOR_DF = 4.0  # how many plates' worth of knowledge that is
REJECTING = ("1-3s", "2-2s", "R-4s", "4-1s", "10-x")


@dataclass(frozen=True)
class LeftOut:
    """Each plate against the others: their mean is not kept, `sd` their spread, `z` the distance (plates, columns)."""

    centre: np.ndarray
    sd: np.ndarray
    z: np.ndarray


def leave_one_out(
    values: np.ndarray, *, prior_sd: float = PRIOR_SD, prior_df: float = PRIOR_DF, fewest: int = FEWEST_PLATES
) -> LeftOut:
    """How far each plate lies from the mean of the other plates, in their SDs, on the scale of a normal distribution.

    `values` (plates, columns), log2; NaN where there is none. With n plates, s² = variance of the other n − 1 (n − 2
    df) and s̃² = (d₀s₀² + (n − 2)s²)/(d₀ + n − 2), where s₀ = `prior_sd`, d₀ = `prior_df`: the spread of three or four
    plates is itself too uncertain to judge by. tₚ = (y − mean of the others)/(s̃√(1 + 1/(n − 1))) on d₀ + n − 2 df
    becomes the normal deviate z of the same tail probability: |z| > 3 is as rare with four plates as with forty.
    Returns centre (columns,), the mean over all plates; sd, s̃; z. Both are NaN for columns with fewer than `fewest`.
    """
    known = np.isfinite(values)
    n = known.sum(axis=0)
    filled = np.where(known, values, 0.0)
    with np.errstate(invalid="ignore", divide="ignore"):
        centre = filled.sum(axis=0) / n
        others = (n * centre - filled) / (n - 1)
        squares = np.where(known, (values - centre) ** 2, 0.0).sum(axis=0)
        # sum of squares without one point: the total, less the point's share
        rest = np.maximum(squares - (values - centre) ** 2 * n / (n - 1), 0.0)
        df = np.maximum(n - 2, 0)
        sd = np.sqrt((prior_df * prior_sd**2 + rest) / (prior_df + df))
        distance = (values - others) / (sd * np.sqrt(1 + 1 / (n - 1)))
        tail = t.logsf(np.abs(distance), prior_df + df)
    judged = known & (n >= fewest)
    z = np.full(values.shape, np.nan)
    z[judged] = np.sign(distance[judged]) * -_normal_quantile(tail[judged])
    return LeftOut(centre, np.where(judged, sd, np.nan), z)


def westgard(z: np.ndarray) -> dict[str, np.ndarray]:
    """Which of Westgard's rules each point breaks: rule → flags (controls, runs, columns).

    `z` (controls, runs, columns), runs in order, NaN where a control has no value (it interrupts a series). 1-2s: one
    point beyond 2 SD (a warning); 1-3s: beyond 3; 2-2s: two runs in a row beyond 2 on one side; R-4s: in one run one
    control beyond +2 and another beyond −2; 4-1s: four runs in a row beyond 1 on one side; 10-x: ten runs in a row on
    one side (Westgard, Barry, Hunt & Groth 1981). 2-2s is not applied across controls: those of one plate share its
    error, so two of them beyond 2 SD are hardly rarer than one.
    """
    with np.errstate(invalid="ignore"):
        high, low = z > 2, z < -2
        one_run = high.any(axis=0) & low.any(axis=0)
        return {
            "1-2s": high | low,
            "1-3s": np.abs(z) > 3,
            "2-2s": _in_a_row(z, 2, 2.0),
            "R-4s": (high | low) & one_run,
            "4-1s": _in_a_row(z, 4, 1.0),
            "10-x": _in_a_row(z, 10, 0.0),
        }


def broken_rules(flags: dict[str, np.ndarray]) -> np.ndarray:
    """The names of the rules each point breaks, comma-separated, (controls, runs, columns)."""
    names = np.full(next(iter(flags.values())).shape, "", dtype=object)
    for rule, flag in flags.items():
        names[flag] = [f"{name},{rule}" if name else rule for name in names[flag]]
    return names


def column_middles(values: np.ndarray) -> np.ndarray:
    """Median over the last axis without NaN; NaN where there is nothing."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        return np.nanmedian(values, axis=-1)


def _in_a_row(z: np.ndarray, length: int, beyond: float) -> np.ndarray:
    """Points that end a series of `length` runs beyond a limit on one side."""
    flags = np.zeros(z.shape, dtype=bool)
    for side in (z > beyond, z < -beyond):
        count = np.zeros((z.shape[0], z.shape[2]), dtype=int)
        for run in range(z.shape[1]):
            count = np.where(side[:, run], count + 1, 0)
            flags[:, run] |= count >= length
    return flags


def _normal_quantile(log_tail: np.ndarray) -> np.ndarray:
    """The (negative) normal deviate with this log tail probability."""
    return norm.ppf(np.exp(np.maximum(log_tail, -700.0)))
