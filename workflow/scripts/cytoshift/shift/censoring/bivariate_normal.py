"""How probable is it that two correlated normal values both lie between their limits, and how does that move?

The correlation ρ is passed as Fisher's z = artanh ρ, so that values close to ±1 keep their digits: ρ = tanh z and
1 − ρ² = 1/cosh² z. Every function takes arrays of one shape and works element by element.
"""

from dataclasses import dataclass

import numpy as np
from scipy import special

LOG_ROOT_TWO_PI = 0.5 * np.log(2 * np.pi)
# Beyond this correlation the integral over the correlation loses digits and the one from 1 downwards takes over.
NEAR_ONE = np.arctanh(0.925)
# A standard normal value this far out has a density of 1e-298: infinite for every sum, and still a number.
FARTHEST = 37.0
# A negative correlation makes the probability of a corner the difference of two larger numbers. Once it is this share
# of what independence would give, it is computed by the integral upwards from correlation −1 instead.
FAINT, E_FOLDS = 1e-3, 25.0
SMALLEST_PROBABILITY = 1e-300
LARGEST_LOG_RATIO = 100.0
# Gauss–Legendre on (0, 1); 20 points give 15 digits on both branches (Genz 2004).
_NODES, _WEIGHTS = (part / 2 for part in np.polynomial.legendre.leggauss(20))
_NODES = _NODES + 0.5


def density(h: np.ndarray, k: np.ndarray, z: np.ndarray) -> np.ndarray:
    """Standard bivariate normal density at (h, k), 0 where either is infinite."""
    finite = np.isfinite(h) & np.isfinite(k)
    h, k = np.where(finite, h, 0.0), np.where(finite, k, 0.0)
    cosh = np.cosh(z)
    exponent = -0.5 * (h**2 + (k * cosh - h * np.sinh(z)) ** 2)
    return np.where(finite, cosh * np.exp(exponent) / (2 * np.pi), 0.0)


def quadrant(h: np.ndarray, k: np.ndarray, z: np.ndarray) -> np.ndarray:
    """P(X ≤ h, Y ≤ k) of standard normal X and Y with correlation tanh z.

    The absolute error is about 1e-15, the relative error below about 1e-9 however small the probability. Limits may be
    infinite.
    References: Drezner & Wesolowsky (1990), J Stat Comput Simul 35, 101–107; Genz (2004), Stat Comput 14, 251–260.
    """
    h, k, z = np.broadcast_arrays(np.asarray(h, float), np.asarray(k, float), np.asarray(z, float))
    # The formulas are those of the upper tail.
    x, y = -np.clip(h, -FARTHEST, FARTHEST), -np.clip(k, -FARTHEST, FARTHEST)
    result = np.empty(h.shape)
    near = np.abs(z) > NEAR_ONE
    result[~near] = _upper_moderate(x[~near], y[~near], z[~near])
    result[near] = _upper_near_one(x[near], y[near], z[near])
    faint = (z < 0) & (x + y > 0) & (result < FAINT * special.ndtr(-x) * special.ndtr(-y))
    result[faint] = _upper_faint(x[faint], y[faint], z[faint])
    return np.where((h == -np.inf) | (k == -np.inf), 0.0, np.clip(result, 0.0, 1.0))


def _upper_moderate(x: np.ndarray, y: np.ndarray, z: np.ndarray) -> np.ndarray:
    """Φ(−x)Φ(−y) plus the integral of the density over the correlation, from 0 to its value."""
    angle = np.arcsin(np.tanh(z))
    sine = np.sin(angle[:, None] * _NODES)
    exponent = (sine * (x * y)[:, None] - ((x**2 + y**2) / 2)[:, None]) / (1 - sine**2)
    return special.ndtr(-x) * special.ndtr(-y) + angle / (2 * np.pi) * (np.exp(exponent) * _WEIGHTS).sum(axis=1)


def _upper_near_one(x: np.ndarray, y: np.ndarray, z: np.ndarray) -> np.ndarray:
    """The value at correlation ±1 less the integral down to the correlation, its singular part taken out."""
    negative = z < 0
    y = np.where(negative, -y, y)
    product, gap = x * y, np.abs(x - y)
    squared = gap**2
    width = 1 / np.cosh(z)
    c, d = (4 - product) / 8, (12 - product) / 16
    outer = -(squared / width**2 + product) / 2
    series = 1 - c * (squared - width**2) * (1 - d * squared / 5) / 3 + c * d * width**4 / 5
    part = np.where(outer > -700, width * np.exp(np.maximum(outer, -700.0)) * series, 0.0)
    tail = np.exp(np.minimum(-product / 2, 350.0)) * np.sqrt(2 * np.pi) * special.ndtr(-gap / width) * gap
    part -= np.where(product > -100, tail * (1 - c * squared * (1 - d * squared / 5) / 3), 0.0)
    steps = (width[:, None] * _NODES) ** 2
    root = np.sqrt(1 - steps)
    inner = -(squared[:, None] / steps + product[:, None]) / 2
    exact = np.exp(np.minimum(-product[:, None] * steps / (2 * (1 + root) ** 2), 350.0)) / root
    rest = exact - (1 + c[:, None] * steps * (1 + d[:, None] * steps))
    terms = np.where(inner > -100, np.exp(np.clip(inner, -100.0, 350.0)) * rest, 0.0)
    part += width * (terms * _WEIGHTS).sum(axis=1)
    part = -part / (2 * np.pi)
    below, above = special.ndtr(np.minimum(-x, -y)), special.ndtr(y) - special.ndtr(x)
    # Differences of Φ are taken in the tail where both terms are small.
    above = np.where(x < 0, above, special.ndtr(-x) - special.ndtr(-y))
    return np.where(negative, -part + np.where(y > x, above, 0.0), part + below)


def _upper_faint(x: np.ndarray, y: np.ndarray, z: np.ndarray) -> np.ndarray:
    """Nothing at correlation −1 plus the integral of the density up to the correlation: no term is subtracted.

    The correlation is −cos θ. The integrand falls by e at least every 1/slope below the largest θ; what lies
    `E_FOLDS` of those away is left out.
    """
    widest = np.arcsin(1 / np.cosh(z))

    def exponent(angle: np.ndarray) -> np.ndarray:
        return ((x + y)[:, None] ** 2 - 4 * (x * y)[:, None] * np.sin(angle / 2) ** 2) / (2 * np.sin(angle) ** 2)

    sine, cosine = np.sin(widest), np.cos(widest)
    slope = x * y / sine + 2 * exponent(widest[:, None])[:, 0] * cosine / sine
    reach = np.minimum(widest, E_FOLDS / np.maximum(slope, 1e-3))
    angles = widest[:, None] - reach[:, None] * _NODES
    return reach / (2 * np.pi) * (np.exp(-exponent(angles)) * _WEIGHTS).sum(axis=1)


def rectangle(
    lower_1: np.ndarray, upper_1: np.ndarray, lower_2: np.ndarray, upper_2: np.ndarray, z: np.ndarray
) -> np.ndarray:
    """P(lower_1 < X ≤ upper_1, lower_2 < Y ≤ upper_2) of standard normal X and Y with correlation tanh z.

    Each interval is first reflected into the lower tail, where differences of small numbers lose fewest digits. The
    absolute error is a few 1e-15, so intervals narrower than about 1e-4 in both directions lose relative precision.
    """
    turn_1, turn_2 = lower_1 + upper_1 > 0, lower_2 + upper_2 > 0
    lower_1, upper_1 = np.where(turn_1, -upper_1, lower_1), np.where(turn_1, -lower_1, upper_1)
    lower_2, upper_2 = np.where(turn_2, -upper_2, lower_2), np.where(turn_2, -lower_2, upper_2)
    z = np.where(turn_1 ^ turn_2, -z, z)
    total = quadrant(upper_1, upper_2, z)
    for h, k, sign in ((lower_1, upper_2, -1), (upper_1, lower_2, -1), (lower_1, lower_2, 1)):
        there = np.isfinite(h) & (k > -np.inf)
        total[there] += sign * quadrant(h[there], k[there], z[there])
    return np.clip(total, 0.0, 1.0)


def interval_terms(lower: np.ndarray, upper: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """log(Φ(upper) − Φ(lower)) and the densities at the two ends divided by that probability, good in both tails.

    Returns the logarithm, φ(lower)/P and φ(upper)/P; a density at an infinite end is 0.
    """
    turn = lower + upper > 0
    low, high = np.where(turn, -upper, lower), np.where(turn, -lower, upper)
    log_high = special.log_ndtr(high)
    # −expm1 of the difference of logarithms is 1 − Φ(low)/Φ(high); an empty interval keeps a finite logarithm.
    share = np.maximum(-np.expm1(special.log_ndtr(low) - log_high), SMALLEST_PROBABILITY)
    log_probability = log_high + np.log(share)
    at_low, at_high = (_density_over(end, log_probability) for end in (low, high))
    return log_probability, np.where(turn, at_high, at_low), np.where(turn, at_low, at_high)


def _density_over(end: np.ndarray, log_probability: np.ndarray) -> np.ndarray:
    finite = np.isfinite(end)
    squared = np.where(finite, end, 0.0) ** 2
    # The ratio is of the size of the end itself; far out, the difference of two huge logarithms is mere rounding.
    exponent = np.minimum(-0.5 * squared - LOG_ROOT_TWO_PI - log_probability, LARGEST_LOG_RATIO)
    return np.where(finite, np.exp(exponent), 0.0)


@dataclass(frozen=True)
class RectangleTerms:
    """A rectangle's probability P and its derivatives by the ends of its sides, all divided by P.

    The first axis of `edge_1` and `edge_2` (2, N) and the first two of `corner` (2, 2, N) run over the lower and the
    upper end. `edge_1[i]` is ∂P/∂end_i of X, `corner[i, j]` is ∂²P/∂end_i∂end_j: the density there, with its sign.
    """

    log_probability: np.ndarray
    edge_1: np.ndarray
    edge_2: np.ndarray
    corner: np.ndarray


def rectangle_terms(ends_1: np.ndarray, ends_2: np.ndarray, z: np.ndarray) -> RectangleTerms:
    """log P of rectangles and the derivatives by their ends, relative to P.

    Args:
        ends_1: (2, N) lower and upper limits of X in standard units; may be infinite.
        ends_2: (2, N) the same of Y.
        z: (N,) artanh of the correlation.
    """
    probability = np.maximum(rectangle(ends_1[0], ends_1[1], ends_2[0], ends_2[1], z), SMALLEST_PROBABILITY)
    sign = np.array([-1.0, 1.0])[:, None]
    return RectangleTerms(
        log_probability=np.log(probability),
        edge_1=sign * _edges(ends_1, ends_2, z) / probability,
        edge_2=sign * _edges(ends_2, ends_1, z) / probability,
        corner=sign[:, None] * sign * density(ends_1[:, None], ends_2[None], z) / probability,
    )


def _edges(ends: np.ndarray, across: np.ndarray, z: np.ndarray) -> np.ndarray:
    """φ(end) times the conditional probability of the other side; 0 at an infinite end."""
    finite = np.isfinite(ends)
    here = np.where(finite, ends, 0.0)
    low, high = (across[side] * np.cosh(z) - here * np.sinh(z) for side in (0, 1))
    turn = low + high > 0
    inside = special.ndtr(np.where(turn, -low, high)) - special.ndtr(np.where(turn, -high, low))
    return np.where(finite, np.exp(-0.5 * here**2 - LOG_ROOT_TWO_PI) * inside, 0.0)
