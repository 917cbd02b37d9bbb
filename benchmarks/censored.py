"""How long does the change of 2,000 analytes × 24 pairs with non-detects take?

Run in the repository: `PYTHONPATH=workflow/scripts .venv/bin/python benchmarks/censored.py`. One thread; seconds are
those of the processor, so that other work on the machine does not count.
"""

import resource
import time

import numpy as np
from scipy import stats

from cytoshift.shift.censoring.censored_change import censored_change
from cytoshift.shift.censoring.censored_pairs import FULL, fit_pairs, starting_values
from cytoshift.shift.censoring.pair_bounds import PairBounds, pair_bounds
from cytoshift.shift.censoring.pair_data import pair_data
from cytoshift.shift.censoring.pair_scores import pair_scores
from cytoshift.shift.exact.flips import sign_flips
from cytoshift.shift.exact.inversion import inverted_interval

ANALYTES, PAIRS, FAMILY, FAMILY_PAIRS = 2000, 24, 40, 12
SHARES = (0.0, 0.1, 0.2, 0.4, 0.6)


def draw(analytes: int, pairs: int, share: float) -> PairBounds:
    """Correlated normal pairs, a share of the values below one limit."""
    rng = np.random.default_rng(1)
    values = rng.multivariate_normal([0, 0.3], [[1, 0.6], [0.6, 1]], size=(pairs, analytes)).transpose(2, 0, 1)
    limit = stats.norm.ppf(share)
    lower, upper = np.where(values < limit, -np.inf, values), np.maximum(values, limit)
    return pair_bounds(lower[0], upper[0], lower[1], upper[1])


def main() -> None:
    """Time the fit, the scores, the whole change and the inverted interval at several shares of non-detects."""
    print("| non-detects | fit, s | analytes per s | scores, s | estimate, interval and p, s |")
    print("|---|---|---|---|---|")
    for share in SHARES:
        bounds = draw(ANALYTES, PAIRS, share)
        seconds = []
        for work in (_fit, pair_scores, censored_change):
            started = time.process_time()
            work(bounds)
            seconds.append(time.process_time() - started)
        fit, scores, change = seconds
        print(f"| {share:.0%} | {fit:.2f} | {ANALYTES / fit:,.0f} | {scores:.2f} | {change:.2f} |")
    started = time.process_time()
    inverted_interval(draw(FAMILY, FAMILY_PAIRS, 0.3), sign_flips(FAMILY_PAIRS))
    took = time.process_time() - started
    print(f"\nInverted sign-flip interval, {FAMILY} analytes × {FAMILY_PAIRS} pairs, 30 % non-detects: {took:.1f} s")
    print(f"Peak memory: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MB")


def _fit(bounds: PairBounds) -> None:
    data = pair_data(bounds)
    fit_pairs(data, starting_values(data), FULL)


if __name__ == "__main__":
    main()
