"""Do tests of a crossover keep their promise where the mere order of periods moves the values?

Run in the repository: `PYTHONPATH=workflow/scripts .venv/bin/python benchmarks/simulate_crossover.py`. About a minute;
prints a table of rejections in percent at a nominal 5, with no effect of the conditions. Values are normal within the
subject; in the last column those of the lower part are non-detects, and orders are redistributed by their scores.
"""

import numpy as np

from cytoshift.shift.censoring.pair_bounds import pair_bounds
from cytoshift.shift.censoring.pair_scores import pair_scores
from cytoshift.shift.exact.flips import contrast_rng, sign_flip_test, sign_flips
from cytoshift.shift.orders.crossover import PeriodOrder, crossover_effect, period_order
from cytoshift.shift.orders.crossover_labels import order_relabellings, order_test, sequence_relabellings, sequence_test

SEED, STUDIES, DRAWS, NON_DETECTS = 20261201, 4000, 999, 0.4
# Subjects per sequence; the arm is A, the control B.
DESIGNS = {
    "AB, BA: 4 + 4": {"AB": 4, "BA": 4},
    "AB, BA: 6 + 6": {"AB": 6, "BA": 6},
    "AB, BA: 3 + 7": {"AB": 3, "BA": 7},
    "six orders of ABC, 2 each": dict.fromkeys(["ABC", "ACB", "BAC", "BCA", "CAB", "CBA"], 2),
    "ABC, BCA, CAB: 3 each": dict.fromkeys(["ABC", "BCA", "CAB"], 3),
}
PERIOD_EFFECTS = (0.0, 3.0)
COLUMNS = (
    "sequences", "period effect (SD)", "t adjusted for period", "flips of differences",
    "flips, period effect taken off", "orders redistributed", "sequences redistributed",
    "orders redistributed, non-detects",
)  # fmt: skip


def main() -> None:
    """Print the table; Monte Carlo error of a rate of 5 % is 0.35 percentage points."""
    print("| " + " | ".join(COLUMNS) + " |")
    print("|" + "---|" * len(COLUMNS))
    for number, (name, counts) in enumerate(DESIGNS.items()):
        sequences = [sequence for sequence, count in counts.items() for _ in range(count)]
        for effect in PERIOD_EFFECTS:
            rng = np.random.default_rng([SEED, number, round(effect)])
            print(f"| {name} | {effect:g} | " + " | ".join(rates(sequences, effect, rng)) + " |", flush=True)


def rates(sequences: list[str], effect: float, rng: np.random.Generator) -> list[str]:
    """Rejections of every test in `STUDIES` studies."""
    periods, n = len(sequences[0]), len(sequences)
    steps = effect * np.arange(periods)
    values = rng.normal(size=(periods, n, STUDIES)) + steps[:, None, None] + 2 * rng.normal(size=(1, n, STUDIES))
    places = [[sequence.index(name) + 1 for sequence in sequences] for name in "AB"]
    order = period_order(places[0], places[1], n)
    arm, control = (taken(values, codes) for codes in (order.of_arm, order.of_control))
    orders, whole = order_relabellings(order), sequence_relabellings(order, draws=DRAWS, rng=contrast_rng(SEED, "s"))
    flips = sign_flips(n, draws=DRAWS, rng=contrast_rng(SEED, "f"))
    scores = np.stack([values[int(late) - 1] - values[int(early) - 1] for early, late in order.pairs])
    p_values = [
        crossover_effect(arm, control, order.of_arm, order.of_control).p_value,
        sign_flip_test(arm - control, flips).p_value,
        sign_flip_test(without_period(arm - control, order), flips).p_value,
        order_test(order.later_less_earlier(arm - control), order, orders).p_value,
        sequence_test(scores, order, whole).p_value,
        order_test(censored_scores(arm, control, order), order, orders).p_value,
    ]
    return ["–" if (p == 1).all() else f"{100 * np.mean(p <= 0.05):.1f}" for p in p_values]


def taken(values: np.ndarray, codes: np.ndarray) -> np.ndarray:
    """(subjects, studies): the value of each subject's period."""
    return np.asarray(values[codes.astype(int) - 1, np.arange(len(codes))])


def without_period(change: np.ndarray, order: PeriodOrder) -> np.ndarray:
    """arm − control less the period effects of least squares: what must not be flipped."""
    codes = np.unique(np.concatenate([order.of_arm, order.of_control]))[1:]
    steps = (order.of_arm[:, None] == codes) * 1.0 - (order.of_control[:, None] == codes)
    design = np.column_stack([np.ones(len(change)), steps])
    return np.asarray(change - steps @ np.linalg.lstsq(design, change, rcond=None)[0][1:])


def censored_scores(arm: np.ndarray, control: np.ndarray, order: PeriodOrder) -> np.ndarray:
    """Scores of later − earlier period where the lower values of each study are non-detects."""
    limit = np.quantile(np.concatenate([arm, control]), NON_DETECTS, axis=0)
    limits = [
        bound
        for values in (control, arm)
        for bound in (np.where(values < limit, -np.inf, values), np.maximum(values, limit))
    ]
    return order.later_less_earlier(pair_scores(pair_bounds(*limits)))


if __name__ == "__main__":
    main()
