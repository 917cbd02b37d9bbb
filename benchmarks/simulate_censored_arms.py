"""Do comparisons of arms with non-detects keep their promises at the sizes of real studies?

Run in the repository: `PYTHONPATH=workflow/scripts .venv/bin/python benchmarks/simulate_censored_arms.py`. Some
minutes; prints a table. Simulated bivariate normal pairs, one limit for all values, an effect of one SD.
"""

import numpy as np
from scipy import stats

from cytoshift.shift.censoring.arm_pair_scores import arm_pair_scores
from cytoshift.shift.censoring.censored_arms import METHODS, Question, censored_arms
from cytoshift.shift.exact.flips import contrast_rng
from cytoshift.shift.exact.relabelling import arm_relabellings, relabelling_test

SEED, STUDIES, EFFECT, DRAWS = 20261205, 1000, 1.0, 999
SIZES, SHARES, CORRELATIONS = (6, 12, 24), (0.0, 0.2, 0.4, 0.6), (0.5, 0.8)
COLUMNS = (
    "question", "per arm", "correlation", "non-detects", "calibrated LR", "plain χ²", "relabelling", "coverage",
    "coverage at an effect", "power", "median estimate at an effect", "no estimate", "no p-value",
)  # fmt: skip

Limits = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]


def draw(n: int, share: float, rho: float, effect: float, rng: np.random.Generator) -> tuple[Limits, np.ndarray]:
    """`STUDIES` studies as analytes; the share of non-detects is that of the values without an effect."""
    arm = np.repeat([0.0, 1.0], n)
    values = rng.multivariate_normal([0, 0], [[1, rho], [rho, 1]], size=(2 * n, STUDIES)).transpose(2, 0, 1)
    values[1] += effect * arm[:, None]
    limit = stats.norm.ppf(share)
    lower, upper = np.where(values < limit, -np.inf, values), np.maximum(values, limit)
    return (lower[0], upper[0], lower[1], upper[1]), arm


def row(question: Question, n: int, rho: float, share: float) -> list[str]:
    """Error rates in percent; an analyte without a p-value counts as not rejected."""
    rng = np.random.default_rng([SEED, n, round(100 * share), round(100 * rho)])
    limits, arm = draw(n, share, rho, 0.0, rng)
    answer = censored_arms(*limits, arm, question=question).estimates
    relabellings = arm_relabellings(arm == 1, draws=DRAWS, max_exact=1000, rng=contrast_rng(SEED, str(n)))
    exact = relabelling_test(arm_pair_scores(*limits, change=question == "change"), arm == 1, relabellings)
    # The calibration turned back: also where every value is known, and least squares gave the t.
    plain = stats.chi2.sf(answer.n * np.log1p(answer.statistic**2 / answer.df), 1)
    limits, arm = draw(n, share, rho, EFFECT, rng)
    moved = censored_arms(*limits, arm, question=question).estimates
    rates = [
        _percent(answer.p_value <= 0.05),
        _percent(plain <= 0.05),
        _percent(exact.p_value <= 0.05),
        _covered(answer.ci_low, answer.ci_high, 0.0),
        _covered(moved.ci_low, moved.ci_high, EFFECT),
        _percent(moved.p_value <= 0.05),
        f"{np.nanmedian(moved.estimate):.2f}",
        _percent(np.isnan(answer.estimate)),
        _percent(np.isnan(answer.p_value)),
    ]
    return [question, str(n), f"{rho}", f"{share:.0%}", *rates]


def _percent(happened: np.ndarray) -> str:
    return f"{100 * np.mean(happened):.1f}"


def _covered(low: np.ndarray, high: np.ndarray, truth: float) -> str:
    there = ~np.isnan(low) & ~np.isnan(high)
    return _percent((low[there] <= truth) & (truth <= high[there]))


def main() -> None:
    """Print the table; Monte Carlo error of a rate of 5 % is 0.7 percentage points."""
    print("| " + " | ".join(COLUMNS) + " |")
    print("|" + "---|" * len(COLUMNS))
    for question in METHODS:
        for n in SIZES:
            for rho in CORRELATIONS:
                for share in SHARES:
                    print("| " + " | ".join(row(question, n, rho, share)) + " |", flush=True)


if __name__ == "__main__":
    main()
