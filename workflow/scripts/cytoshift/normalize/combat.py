"""How far is each plate off in level and in spread, when all analytes of the plate are asked together?"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from cytoshift.normalize.censored_moments import censored_moments
from cytoshift.study.problem import Problem, Problems

PLATE = ["source", "feature", "plate"]
FEWEST_FOR_SCALE = 5  # values of an analyte on a plate; a spread of fewer says next to nothing
FEWEST_ANALYTES = 5  # with fewer there is nothing to learn a prior from
MOST_NON_DETECTS = 0.5  # of an analyte on a plate; beyond, its level there is not known
FEWEST_NUMBERS = 2
MOST_ROUNDS = 10_000


@dataclass(frozen=True)
class PlateEffects:
    """What brings values x of each analyte to a common level: x → centre + scale·(x − centre) + offset.

    `centre` (analytes,); `offset` and `scale` (plates, analytes), NaN where nothing could be learned.
    """

    centre: np.ndarray
    offset: np.ndarray
    scale: np.ndarray


def combat_effects(
    count: np.ndarray,
    mean: np.ndarray,
    squares: np.ndarray,
    *,
    fewest_for_scale: int = FEWEST_FOR_SCALE,
    tolerance: float = 1e-12,
) -> PlateEffects:
    """Location and scale of every plate by ComBat: parametric empirical Bayes over the analytes, no covariates.

    `count`, `mean`, `squares` (plates, analytes): values, their mean, their sum of squares about it; count 0 where an
    analyte is not to be used. With z = (x − centre)/σ (centre: mean of all values; σ² = Σ squares / Σ count), plate
    means ĝ ~ N(ḡ, τ²) and variances d̂ ~ inverse gamma(a, b) over the plate's analytes, moments as priors; then
    g = (τ²nĝ + dḡ)/(τ²n + d), d = (½ Σ(z − g)² + b)/(n/2 + a − 1) until they stand still (Johnson, Li & Rabinovic
    2007; sva::ComBat stops at a relative change of 1e-4, this at `tolerance`). An analyte with fewer than
    `fewest_for_scale` values on a plate is only shifted (d = 1); a plate with fewer than five usable analytes has no
    prior, and each is shifted by its own mean.
    """
    used = count > 0
    with np.errstate(invalid="ignore", divide="ignore"):
        centre = np.where(used, count * mean, 0.0).sum(axis=0) / count.sum(axis=0)
        sd = np.sqrt(np.where(used, squares, 0.0).sum(axis=0) / count.sum(axis=0))
        varying = used & (sd > 0)
        unit = np.where(sd > 0, sd, 1.0)
        g_hat = np.where(used, (mean - centre) / unit, np.nan)
        scaled = varying & (count >= max(2, fewest_for_scale))
        scaled &= (scaled.sum(axis=1) >= FEWEST_ANALYTES)[:, None]
        squares = squares / unit**2
        d_hat = np.where(scaled, squares / (count - 1), np.nan)
    shared = varying & (varying.sum(axis=1) >= FEWEST_ANALYTES)[:, None]
    g_bar, tau_squared = _mean_and_variance(g_hat, shared)
    m, s_squared = _mean_and_variance(d_hat, scaled)
    g, d = np.where(shared, g_hat, 0.0), np.where(scaled, d_hat, 1.0)
    n, g_start, squares = (np.where(used, part, 0.0) for part in (count, g_hat, squares))
    for _ in range(MOST_ROUNDS):
        with np.errstate(invalid="ignore", divide="ignore"):
            g_new = np.where(shared, (tau_squared * n * g_start + d * g_bar) / (tau_squared * n + d), g_start)
            # the numerator and denominator of d times s²: no prior spread of variances leaves their mean
            top = s_squared * (squares + n * (g_start - g_new) ** 2) / 2 + m * s_squared + m**3
            d_new = np.where(scaled, top / (s_squared * (n / 2 + 1) + m**2), 1.0)
        change = max(np.abs(g_new - g).max(initial=0.0), np.abs(d_new - d).max(initial=0.0))
        g, d = g_new, d_new
        if change < tolerance:
            break
    scale = 1 / np.sqrt(d)
    return PlateEffects(centre, np.where(used, -g * unit * scale, np.nan), np.where(used, scale, np.nan))


def fit_combat(scaled: pd.DataFrame) -> pd.DataFrame:
    """Learn what `combat_effects` says of every source × feature × plate, never looking at visit or arm.

    `scaled` has columns source, feature, plate, sample, value, lower, upper, status on the analysis scale, reference
    samples and missing values left out. Non-detects enter through `censored_moments`; an analyte with fewer than two
    numbers or more than half non-detects on a plate is not adjusted there. Returns source, feature, plate,
    samples_used, offset, scale, centre. Raises Problems where a plate holds a single sample.
    """
    _refuse_single_samples(scaled)
    learned = [_fit_source(part).assign(source=source) for source, part in scaled.groupby("source", sort=True)]
    columns = [*PLATE, "samples_used", "offset", "scale", "centre"]
    return pd.concat(learned, ignore_index=True)[columns] if learned else pd.DataFrame(columns=columns)


def _fit_source(part: pd.DataFrame) -> pd.DataFrame:
    plate, plates = pd.factorize(part["plate"], sort=True)
    feature, features = pd.factorize(part["feature"], sort=True)
    shape = (len(plates), len(features))
    cell, cells = plate * shape[1] + feature, shape[0] * shape[1]
    number = part["value"].notna().to_numpy()
    lower, upper = (np.where(number, part["value"], part[name]) for name in ("lower", "upper"))
    numbers = np.bincount(cell[number], minlength=cells)
    total = np.bincount(cell, minlength=cells)
    usable = (numbers >= FEWEST_NUMBERS) & (total - numbers <= MOST_NON_DETECTS * total)
    rows = usable[cell]
    count, mean, squares = censored_moments(lower[rows], upper[rows], cell[rows], cells)
    effects = combat_effects(*(array.reshape(shape) for array in (count, mean, squares)))
    offset, scale = effects.offset.ravel(), effects.scale.ravel()
    if len(plates) == 1:  # nothing to align it with
        offset, scale = np.where(usable, 0.0, np.nan), np.where(usable, 1.0, np.nan)
    learned = usable & np.isfinite(offset)
    return pd.DataFrame(
        {
            "plate": np.repeat(np.asarray(plates), shape[1])[learned],
            "feature": np.tile(np.asarray(features), shape[0])[learned],
            "samples_used": total[learned],
            "offset": offset[learned],
            "scale": scale[learned],
            "centre": np.tile(effects.centre, shape[0])[learned],
        }
    )


def _mean_and_variance(numbers: np.ndarray, used: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean and variance (n − 1) over the used analytes of each plate, (plates, 1)."""
    count = used.sum(axis=1, keepdims=True)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = np.where(used, numbers, 0.0).sum(axis=1, keepdims=True) / count
        return mean, np.where(used, (numbers - mean) ** 2, 0.0).sum(axis=1, keepdims=True) / (count - 1)


def _refuse_single_samples(scaled: pd.DataFrame) -> None:
    problems = []
    for source, part in scaled.groupby("source", sort=True):
        held = part.drop_duplicates(["plate", "sample"]).sort_values("plate", kind="stable")
        alone = held[~held.duplicated("plate", keep=False)]
        if len(held) == len(alone) == 1:
            continue
        problems += [
            Problem(
                "study file",
                "normalize.plates",
                f"'combat' is refused for source '{source}': plate {plate} holds one sample ({sample}), from which no "
                "spread can be learned; legal here: none, plate_median, reference_samples, or leave the plate out",
            )
            for plate, sample in zip(alone["plate"], alone["sample"], strict=True)
        ]
    if problems:
        raise Problems(problems)
