"""Did a planned group of features move together in the planned direction?

One test for a whole endpoint: many small movements in the same direction add up, at the price of not saying which
feature moved. Features that move against each other cancel; for those, max-T is the right question.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from cytoshift.shift.exact.rearrangements import DRAWS_PER_BATCH, FEATURES_PER_BLOCK, Orbit, spans

DIRECTIONS = {"increase": 1.0, "decrease": -1.0, "any": 1.0}


@dataclass(frozen=True)
class GlobalTest:
    """The directional test of one endpoint.

    Attributes:
        statistic: T = Σ s_j S_j, positive when the features moved as planned; NaN when no S is defined.
        p_value: to be compared with alpha. Two-sided on |T|; with one side, twice the one-sided p-value, so that the
            planned direction is tested at alpha/2.
        p_one_sided: share of rearrangements with T* ≥ T.
        smallest_p: the smallest `p_value` this endpoint could have had.
        sides: "two" or "one".
        n_features: how many features are in T.
        left_out: positions of the features without a defined S.
    """

    statistic: float
    p_value: float
    p_one_sided: float
    smallest_p: float
    sides: str
    n_features: int
    left_out: tuple[int, ...]


def planned_signs(directions: Sequence[str]) -> np.ndarray:
    """The planned direction of each feature as a sign: increase +1, decrease −1, any +1 (together, either way).

    Args:
        directions: one of increase, decrease, any for each feature.

    Returns:
        (features,) signs.

    Raises:
        ValueError: a word that is not one of the three.
    """
    unknown = sorted(set(directions) - set(DIRECTIONS))
    if unknown:
        raise ValueError(f"direction {unknown[0]!r} is not one of {', '.join(DIRECTIONS)}")
    return np.array([DIRECTIONS[direction] for direction in directions])


def global_test(
    orbit: Orbit, signs: np.ndarray, *, sides: Literal["two", "one"] = "two", batch: int = DRAWS_PER_BATCH
) -> GlobalTest:
    """Exact test of T = Σ_j s_j S_j, all features rearranged together, so that their correlation is accounted for.

    A sum of standardised statistics in the spirit of O'Brien (1984), Biometrics 40:1079; its distribution is the one
    over the rearrangements, not a normal approximation. Ties count.

    Args:
        orbit: S* of the endpoint's features.
        signs: (features,) planned directions s, −1 or 1 (`planned_signs`); "any" makes sense with two sides only.
        sides: "two" tests |T|, "one" the planned direction at alpha/2.
        batch: draws per block; the result does not depend on it.

    Returns:
        Statistic, p-values and the features left out because their S is undefined.

    Raises:
        ValueError: signs of another length or other than −1 and 1, or unknown sides.
    """
    signs = np.asarray(signs, dtype=float)
    defined = orbit.defined
    if signs.shape != defined.shape or not np.isin(signs, (-1.0, 1.0)).all():
        raise ValueError(f"signs are −1 or 1, one for each of the {defined.size} features")
    if sides not in ("two", "one"):
        raise ValueError(f"sides is two or one, got {sides!r}")
    left_out = tuple(np.flatnonzero(~defined).tolist())
    if not defined.any():
        return GlobalTest(np.nan, 1.0, 1.0, 1.0, sides, 0, left_out)
    kept = np.flatnonzero(defined)
    orbit, signs = orbit.take(kept), signs[kept]
    tolerance = float(orbit.tolerance.sum())
    statistic = float((signs * orbit.observed()).sum())
    totals = _totals(orbit, signs, batch)
    one_sided = _upper_share(totals, statistic - tolerance, mirrored=orbit.mirrored)
    if sides == "one":
        p_value = min(1.0, 2 * one_sided)
        top = float(np.abs(totals).max() if orbit.mirrored else totals.max())
        smallest = min(1.0, 2 * _upper_share(totals, top - tolerance, mirrored=orbit.mirrored))
    else:
        p_value = _upper_share(np.abs(totals), abs(statistic) - tolerance, mirrored=False)
        smallest = _upper_share(np.abs(totals), float(np.abs(totals).max()) - tolerance, mirrored=False)
    return GlobalTest(statistic, p_value, one_sided, smallest, sides, len(kept), left_out)


def _totals(orbit: Orbit, signs: np.ndarray, batch: int) -> np.ndarray:
    """T* of every draw."""
    totals = np.zeros(orbit.draws)
    for draws in spans(orbit.draws, batch):
        for features in spans(len(signs), FEATURES_PER_BLOCK):
            totals[draws] += signs[features] @ orbit.statistics(features, draws)
    return totals


def _upper_share(totals: np.ndarray, threshold: float, *, mirrored: bool) -> float:
    """Share of rearrangements at or above the threshold; mirrored draws stand for their negation as well."""
    reached = int(np.count_nonzero(totals >= threshold))
    if not mirrored:
        return reached / len(totals)
    return (reached + int(np.count_nonzero(-totals >= threshold))) / (2 * len(totals))
