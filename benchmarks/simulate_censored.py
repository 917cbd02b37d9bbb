"""Do the tests and intervals of pairs with non-detects keep their promises at the sizes of real studies?

Run in the repository: `PYTHONPATH=workflow/scripts .venv/bin/python benchmarks/simulate_censored.py`. Some minutes;
prints a table. Simulated bivariate normal pairs with equal spread, correlation 0.6, and one limit for all values.
"""

import numpy as np
from scipy import stats

from cytoshift.shift.censoring.censored_change import censored_change
from cytoshift.shift.censoring.pair_bounds import PairBounds, pair_bounds
from cytoshift.shift.censoring.pair_scores import censored_t, pair_scores
from cytoshift.shift.exact.flips import contrast_rng, sign_flip_test, sign_flips

SEED, STUDIES, CORRELATION, SHIFT, DRAWS = 20261127, 2000, 0.6, 0.8, 999
SIZES, SHARES = (6, 8, 12, 24), (0.0, 0.2, 0.4, 0.6)
COLUMNS = (
    "pairs", "non-detects", "calibrated LR", "plain χ²", "censored t", "sign flips", "attainable", "coverage",
    "coverage at a shift", "median estimate at a shift", "no estimate", "direction withheld",
)  # fmt: skip


def draw(n: int, share: float, shift: float, rng: np.random.Generator) -> PairBounds:
    """`STUDIES` studies as analytes; the share of non-detects is that of the pairs' values together."""
    covariance = [[1, CORRELATION], [CORRELATION, 1]]
    values = rng.multivariate_normal([-shift / 2, shift / 2], covariance, size=(n, STUDIES)).transpose(2, 0, 1)
    limit = stats.norm.ppf(share) if shift == 0 else np.quantile(values, share) if share else -np.inf
    lower, upper = np.where(values < limit, -np.inf, values), np.maximum(values, limit)
    return pair_bounds(lower[0], upper[0], lower[1], upper[1])


def row(n: int, share: float) -> list[str]:
    """Error rates in percent at one size and share; an analyte without a p-value counts as not rejected."""
    rng = np.random.default_rng([SEED, n, round(100 * share)])
    bounds = draw(n, share, 0.0, rng)
    null = censored_change(bounds)
    exact = sign_flip_test(pair_scores(bounds), sign_flips(n, draws=DRAWS, rng=contrast_rng(SEED, str(n))))
    plain = stats.chi2.sf(null.likelihood_ratio, 1)
    if share == 0:
        plain = stats.chi2.sf(n * np.log1p(null.estimates.statistic**2 / null.estimates.df), 1)
    step = 2 ** (n - 1) if n <= 16 else DRAWS + 1
    moved = censored_change(draw(n, share, SHIFT, rng)).estimates
    rates = [
        _percent(null.estimates.p_value <= 0.05),
        _percent(plain <= 0.05),
        _percent(censored_t(pair_scores(bounds), bounds).p_value <= 0.05),
        _percent(exact.p_value <= 0.05),
        f"{100 * np.floor(0.05 * step) / step:.1f}",
        _covered(null.estimates.ci_low, null.estimates.ci_high, 0.0),
        _covered(moved.ci_low, moved.ci_high, SHIFT),
        f"{np.nanmedian(moved.estimate):.2f}",
        _percent(np.isnan(null.estimates.estimate)),
        _percent(null.distribution_changed),
    ]
    return [str(n), f"{share:.0%}", *rates]


def _percent(happened: np.ndarray) -> str:
    return f"{100 * np.mean(happened):.1f}"


def _covered(low: np.ndarray, high: np.ndarray, truth: float) -> str:
    there = ~np.isnan(low)
    return _percent((low[there] <= truth) & (truth <= high[there]))


def main() -> None:
    """Print the table; Monte Carlo error of a rate of 5 % is 0.5 percentage points."""
    print("| " + " | ".join(COLUMNS) + " |")
    print("|" + "---|" * len(COLUMNS))
    for n in SIZES:
        for share in SHARES:
            print("| " + " | ".join(row(n, share)) + " |", flush=True)


if __name__ == "__main__":
    main()
