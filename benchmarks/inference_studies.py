"""What do the simulated studies of docs/inference.md look like?

A study has n pairs of one analyte; many studies stand side by side as the analytes of one call of the library.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy import optimize, stats

from cytoshift.shift.censoring.pair_bounds import PairBounds, pair_bounds

SEED = 20261201
SIZES, SHARES = (6, 8, 12, 24), (0.0, 0.2, 0.4, 0.6)
COMPLETE_POWER = 0.75
CELL_STUDIES = 4000


@dataclass(frozen=True)
class Scenario:
    """One way pairs come about, on the log2 scale with a spread of 1 between subjects.

    `target_spread` multiplies the SD of the target visit, `limit_gap` is the target's limit less the reference's, both
    in log2 units. `shift_factor` makes the effect larger where the tails are heavier.
    """

    name: str
    correlation: float
    heavy: bool = False
    target_spread: float = 1.0
    limit_gap: float = 0.0
    shift_factor: float = 1.0

    def distribution(self, z: np.ndarray | float) -> np.ndarray:
        """Distribution function of a reference value without shift."""
        return np.asarray(stats.t.cdf(z, 3) if self.heavy else stats.norm.cdf(z))

    def shift(self, n: int) -> float:
        """The effect at n pairs: the paired t has 75 % power with complete normal data (Student's noncentral t)."""
        spread = np.sqrt(2 * (1 - self.correlation))
        cut = stats.t.isf(0.025, n - 1)

        def lacking(shift: float) -> float:
            return float(stats.nct.sf(cut, n - 1, shift / spread * np.sqrt(n)) - COMPLETE_POWER)

        return self.shift_factor * optimize.brentq(lacking, 0.01, 2.0 * spread)

    def limits(self, share: float, shift: float) -> np.ndarray:
        """(2,) limits of the two visits below which `share` of all values lie; −inf without non-detects."""
        if share == 0:
            return np.full(2, -np.inf)

        def excess(limit: float) -> float:
            before = self.distribution(limit - self.limit_gap / 2 + shift / 2)
            after = self.distribution((limit + self.limit_gap / 2 - shift / 2) / self.target_spread)
            return float(before + after) / 2 - share

        limit = optimize.brentq(excess, -30.0, 30.0)
        return limit + self.limit_gap * np.array([-0.5, 0.5])


@dataclass(frozen=True)
class Draw:
    """Studies of one cell: `values` (2, n, studies) at reference and target, `limits` (2, 1, studies or 1)."""

    values: np.ndarray
    limits: np.ndarray

    @property
    def below(self) -> np.ndarray:
        """(2, n, studies) non-detects."""
        return self.values < self.limits

    def bounds(self) -> PairBounds:
        """What the library is told."""
        lower, upper = np.where(self.below, -np.inf, self.values), np.where(self.below, self.limits, self.values)
        return pair_bounds(lower[0], upper[0], lower[1], upper[1])

    def substituted(self, number: Callable[[np.ndarray, str], np.ndarray]) -> np.ndarray:
        """(n, studies) changes with a policy's number in place of every non-detect."""
        filled = np.where(self.below, number(np.broadcast_to(self.limits, self.values.shape), "log2"), self.values)
        return filled[1] - filled[0]

    def first(self, studies: int) -> "Draw":
        """The first so many studies."""
        return Draw(self.values[:, :, :studies], self.limits)


SCENARIOS = (
    Scenario("log-normal, correlation 0.5", 0.5),
    Scenario("log-normal, correlation 0.8", 0.8),
    Scenario("log-normal, correlation 0.9", 0.9),
    Scenario("heavy tails", 0.5, heavy=True, shift_factor=1.4),
    Scenario("unequal spread", 0.5, target_spread=1.5),
    Scenario("unequal limits", 0.5, limit_gap=0.8),
)
MIDDLE, CLOSE, CLOSEST, HEAVY, UNEQUAL_SPREAD, UNEQUAL_LIMITS = SCENARIOS


def draw(scenario: Scenario, n: int, share: float, *, moved: bool, studies: int = CELL_STUDIES) -> Draw:
    """Studies of one cell, without or with the effect; the same at each run."""
    cell = [SCENARIOS.index(scenario), n, round(100 * share), int(moved)]
    rng = np.random.default_rng([SEED, *cell])
    shift = scenario.shift(n) if moved else 0.0
    z = rng.normal(size=(2, n, studies))
    rho = scenario.correlation
    values = np.stack([z[0], rho * z[0] + np.sqrt(1 - rho**2) * z[1]])
    if scenario.heavy:
        # One divisor for both members: bivariate t with 3 degrees of freedom, pairs and changes alike heavy-tailed.
        values = values / np.sqrt(rng.chisquare(3, size=(n, studies)) / 3)
    values[1] *= scenario.target_spread
    values += shift * np.array([-0.5, 0.5])[:, None, None]
    return Draw(values, scenario.limits(share, shift)[:, None, None])
