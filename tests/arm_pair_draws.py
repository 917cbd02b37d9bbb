"""Studies of two arms over two visits with non-detects drawn at random, for tests of the censored model of arms."""

from dataclasses import dataclass

import numpy as np
from scipy import stats

INF = np.inf


@dataclass(frozen=True)
class DrawnArms:
    """The four limits (subjects, analytes), the arm (subjects,) and one covariate (subjects, 1)."""

    limits: tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]
    arm: np.ndarray
    age: np.ndarray

    def take(self, analytes: np.ndarray) -> "DrawnArms":
        """The same study with some analytes only."""
        lower_1, upper_1, lower_2, upper_2 = (part[:, analytes] for part in self.limits)
        return DrawnArms((lower_1, upper_1, lower_2, upper_2), self.arm, self.age)


def draw_arms(
    n: int,
    analytes: int,
    *,
    below: float = 0.3,
    differ: float = 0.0,
    above: float = 0.0,
    effect: float = 0.0,
    before: float = 0.0,
    rho: float = 0.6,
    missing: float = 0.0,
    seed: int = 1,
) -> DrawnArms:
    """Bivariate normal pairs of two arms, a share of the values beyond limits that vary by `differ` SD."""
    rng = np.random.default_rng(seed)
    arm = rng.permutation(np.repeat([0.0, 1.0], [n // 2, n - n // 2]))
    age = rng.normal(size=(n, 1))
    values = rng.multivariate_normal([0, 0], [[1, rho], [rho, 1]], size=(n, analytes)).transpose(2, 0, 1)
    values += 0.3 * age + before * arm[:, None]
    values[1] += effect * arm[:, None]
    floor = stats.norm.ppf(below) + differ * rng.normal(size=values.shape)
    ceiling = stats.norm.isf(above)
    low, high = values < floor, values > ceiling
    lower = np.where(low, -INF, np.where(high, ceiling, values))
    upper = np.where(low, floor, np.where(high, INF, values))
    gone = rng.random(values.shape) < missing
    lower, upper = np.where(gone, np.nan, lower), np.where(gone, np.nan, upper)
    return DrawnArms((lower[0], upper[0], lower[1], upper[1]), arm, age)
