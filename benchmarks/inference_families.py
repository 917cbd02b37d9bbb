"""How often does a family of correlated analytes make a false claim, and how much does it find?"""

from dataclasses import dataclass

import numpy as np
from inference_methods import ALPHA, flips_of
from inference_studies import MIDDLE, SEED, Draw

from cytoshift.shift.censoring.pair_scores import censored_t, pair_scores
from cytoshift.shift.censoring.substitution import half_limit
from cytoshift.shift.classical.paired import paired_t
from cytoshift.shift.exact.families import benjamini_hochberg, holm
from cytoshift.shift.exact.flips import sign_flip_orbit
from cytoshift.shift.exact.global_test import global_test
from cytoshift.shift.exact.max_t import max_t
from cytoshift.shift.exact.rearrangements import two_sided_p

STUDIES, ANALYTES, BETWEEN_ANALYTES = 2000, 20, 0.5
SHARES = np.repeat([0.0, 0.2, 0.4, 0.6], ANALYTES // 4)
# The first two analytes of each share moved in the studies with an effect, all of them upwards.
MOVED = np.tile(np.arange(ANALYTES // 4) < 2, 4)
SHIFT_FACTOR = 1.4
MAX_T, HOLM_FLIPS, HOLM_T, HOLM_HALF = "max-T", "Holm, score sign flips", "Holm, censored t", "Holm, t on LOD/2"
BH_FLIPS, BH_T = "BH, score sign flips", "BH, censored t"
UNADJUSTED = "no adjustment, score sign flips"
FAMILY_METHODS = (MAX_T, HOLM_FLIPS, HOLM_T, HOLM_HALF, BH_FLIPS, BH_T, UNADJUSTED)


@dataclass(frozen=True)
class Family:
    """Rejections of each method (studies, analytes), of the global test (studies,), and max-T's smallest p-values."""

    rejected: dict[str, np.ndarray]
    globally: np.ndarray
    smallest: np.ndarray


def families(n: int, *, moved: bool) -> Family:
    """Studies of 20 analytes: correlated 0.5 with each other within a visit, each with its share of non-detects."""
    drawn = _draw(n, moved)
    flips = flips_of(n)
    bounds = drawn.bounds()
    scores = pair_scores(bounds)
    p_flips = _by_study(two_sided_p(sign_flip_orbit(scores, flips)))
    p_t = _by_study(censored_t(scores, bounds).p_value)
    p_half = _by_study(paired_t(drawn.substituted(half_limit)).p_value)
    rejected = {name: np.empty((STUDIES, ANALYTES), dtype=bool) for name in FAMILY_METHODS}
    globally, smallest = np.empty(STUDIES, dtype=bool), np.empty(STUDIES)
    signs = np.ones(ANALYTES)
    for study, panel in enumerate(np.split(scores, STUDIES, axis=1)):
        orbit = sign_flip_orbit(panel, flips)
        family = max_t(orbit)
        adjusted = {
            MAX_T: family.step_down,
            HOLM_FLIPS: holm(p_flips[study]),
            HOLM_T: holm(p_t[study]),
            HOLM_HALF: holm(p_half[study]),
            BH_FLIPS: benjamini_hochberg(p_flips[study])[0],
            BH_T: benjamini_hochberg(p_t[study])[0],
            UNADJUSTED: p_flips[study],
        }
        for name, p_values in adjusted.items():
            rejected[name][study] = p_values <= ALPHA
        globally[study] = global_test(orbit, signs).p_value <= ALPHA
        smallest[study] = family.smallest_adjusted_p
    return Family(rejected, globally, smallest)


def _draw(n: int, moved: bool) -> Draw:
    rng = np.random.default_rng([SEED, 1000, n, int(moved)])
    shared, own = rng.normal(size=(2, n, STUDIES, 1)), rng.normal(size=(2, n, STUDIES, ANALYTES))
    z = np.sqrt(BETWEEN_ANALYTES) * shared + np.sqrt(1 - BETWEEN_ANALYTES) * own
    rho = MIDDLE.correlation
    values = np.stack([z[0], rho * z[0] + np.sqrt(1 - rho**2) * z[1]])
    shifts = SHIFT_FACTOR * MIDDLE.shift(n) * MOVED * moved
    values += np.array([-0.5, 0.5])[:, None, None, None] * shifts
    limits = np.stack([MIDDLE.limits(share, shift) for share, shift in zip(SHARES, shifts, strict=True)], axis=1)
    return Draw(values.reshape(2, n, -1), np.tile(limits, STUDIES)[:, None, :])


def _by_study(p_values: np.ndarray) -> np.ndarray:
    return p_values.reshape(STUDIES, ANALYTES)


def any_false(family: Family, method: str, moved: bool) -> float:
    """Share of studies with at least one rejected analyte that did not move."""
    return float(family.rejected[method][:, ~(MOVED & moved)].any(axis=1).mean())


def false_share(family: Family, method: str, moved: bool) -> float:
    """Mean share of false claims among the claims of a study, 0 without a claim (false discovery rate)."""
    claims = family.rejected[method]
    false = claims[:, ~(MOVED & moved)].sum(axis=1)
    return float((false / np.maximum(claims.sum(axis=1), 1)).mean())


def found(family: Family, method: str) -> tuple[float, float]:
    """Mean share of the moved analytes that are found, and share of studies in which at least one is."""
    claims = family.rejected[method][:, MOVED]
    return float(claims.mean()), float(claims.any(axis=1).mean())
