"""The simulated rates as tables: size, coverage, power, families, and what the rules for the direction flag do."""

from collections.abc import Callable, Iterable

import numpy as np
from inference_families import FAMILY_METHODS, Family, any_false, false_share, found
from inference_methods import (
    ALPHA,
    CALIBRATIONS,
    CENSORED_T,
    COMPLETE,
    INTERVALS,
    LR,
    MCNEMAR,
    METHODS,
    RANK,
    SCORE,
    SIGN,
    T_HALF,
    T_ROOT,
    Answer,
)
from inference_studies import CLOSE, CLOSEST, HEAVY, MIDDLE, SHARES, SIZES, UNEQUAL_LIMITS, UNEQUAL_SPREAD, Scenario

SPREAD_ALPHA = 0.1
# Every cell that was simulated: scenario, pairs, share of non-detects, with or without an effect.
Cells = dict[tuple[Scenario, int, float, bool], Answer]


def rejected(p_values: np.ndarray) -> float:
    """Percent of studies that reject at 5 %; a study without a p-value does not."""
    return 100 * float(np.mean(p_values <= ALPHA))


def standard_error(percent: float, studies: int) -> float:
    """Monte Carlo standard error of a percentage."""
    return float(np.sqrt(percent * (100 - percent) / studies))


def table(header: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """A markdown table."""
    header = list(header)
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines) + "\n"


def signed(number: float) -> str:
    """A difference with its sign, −0.0 written as 0.0."""
    return f"{round(number, 1) + 0.0:+.1f}".replace("-", "−")


def grid(scenario: Scenario) -> list[tuple[int, float]]:
    """The sizes and shares of a scenario; unequal limits need non-detects."""
    return [(n, share) for n in SIZES for share in SHARES if share or scenario is not UNEQUAL_LIMITS]


def _place(n: int, share: float) -> list[str]:
    return [str(n), f"{100 * share:.0f} %"]


def size_table(cells: Cells, scenario: Scenario) -> str:
    """Type-I error of every method; bold above 5 % by more than three standard errors."""
    rows = []
    for n, share in grid(scenario):
        answer = cells[scenario, n, share, False]
        row = _place(n, share)
        for name in METHODS:
            row.append(_size(answer.p_values[name]) if share or name != MCNEMAR else "–")
            if name == SCORE:
                row.append(f"{100 * answer.attainable.mean():.1f}")
        rows.append(row)
    names = list(METHODS)
    names.insert(names.index(SCORE) + 1, "attainable")
    return table(["pairs", "non-detects", *names], rows)


def _size(p_values: np.ndarray) -> str:
    rate = rejected(p_values)
    text = f"{rate:.1f}"
    return f"**{text}**" if rate - 5 > 3 * standard_error(5, len(p_values)) else text


def attained_sizes(cells: Cells) -> list[float]:
    """Simulated less attainable size of the score sign flips, in standard errors, in each exchangeable cell."""
    distances = []
    for (scenario, _, _, moved), answer in cells.items():
        if not moved and scenario in (MIDDLE, CLOSE, CLOSEST, HEAVY):
            size = 100 * float(answer.attainable.mean())
            distance = rejected(answer.p_values[SCORE]) - size
            distances.append(distance / standard_error(size, len(answer.attainable)))
    return distances


def power_table(cells: Cells, scenario: Scenario) -> str:
    """Power of every method at the effect of its size."""
    rows = []
    for n, share in grid(scenario):
        answer = cells[scenario, n, share, True]
        shown = [f"{rejected(answer.p_values[name]):.0f}" if share or name != MCNEMAR else "–" for name in METHODS]
        rows.append(_place(n, share) + shown)
    return table(["pairs", "non-detects", *METHODS], rows)


def coverage_table(cells: Cells) -> str:
    """Coverage of 95 % intervals at the effect, and how often a method gives no bounded interval."""
    names = ["profile (calibrated LR)", "score sign flips, inverted", T_HALF, T_ROOT, COMPLETE, "Hodges–Lehmann, LOD/2"]
    rows = []
    for n, share in grid(MIDDLE):
        row, shift = _place(n, share), MIDDLE.shift(n)
        for name in INTERVALS:
            covered, bounded = coverage(cells[MIDDLE, n, share, True], name, shift)
            row.append(f"{covered:.1f}" + ("" if bounded >= 99.5 else f" ({bounded:.0f} %)"))
        rows.append(row)
    return table(["pairs", "non-detects", *names], rows)


def coverage(answer: Answer, name: str, shift: float) -> tuple[float, float]:
    """Percent of the intervals given that hold the effect, and percent of studies whose interval is bounded."""
    limits = answer.intervals[name]
    given = ~np.isnan(limits.low) & ~np.isnan(limits.high)
    held = (limits.low[given] <= shift) & (shift <= limits.high[given])
    bounded = np.isfinite(limits.low) & np.isfinite(limits.high)
    return 100 * float(held.mean()), 100 * float(bounded.mean())


def family_table(found_families: dict[tuple[int, bool], Family]) -> str:
    """False claims and power in families of 20 analytes, 12 of which did not move in the studies with an effect."""
    rows = []
    for n in SIZES:
        null, moved = found_families[n, False], found_families[n, True]
        for name in FAMILY_METHODS:
            rates = [any_false(null, name, False), any_false(moved, name, True), false_share(moved, name, True)]
            power = [f"{100 * rate:.0f}" for rate in found(moved, name)]
            rows.append([str(n), name, *(f"{100 * rate:.1f}" for rate in rates), *power])
        rates = [f"{100 * null.globally.mean():.1f}", "–", "–", "–", f"{100 * moved.globally.mean():.0f}"]
        rows.append([str(n), "global test", *rates])
    header = ["pairs", "method", "FWER, none moved", "FWER, 8 moved", "FDR, 8 moved", "found of the 8", "any found"]
    return table(header, rows)


def family_range(found_families: dict[tuple[int, bool], Family], name: str) -> tuple[float, float]:
    """Smallest and largest family-wise error of a method over sizes and truths, in percent."""
    rates = [100 * any_false(family, name, moved) for (_, moved), family in found_families.items()]
    return min(rates), max(rates)


def cost_table(cells: Cells) -> str:
    """What exactness costs: the smallest p-value, how often nothing can be rejected, power beside the calibrated LR."""
    rows = []
    for n, share in grid(MIDDLE):
        answer = cells[MIDDLE, n, share, True]
        m = answer.informative
        exact, ratio = (rejected(answer.p_values[name][: len(answer.ratio)]) for name in (SCORE, LR))
        student = rejected(answer.p_values[CENSORED_T][: len(answer.ratio)])
        helpless = 100 * float(np.mean(2.0 ** (1.0 - m) > ALPHA))
        middle = f"1/{2 ** (int(np.median(m)) - 1)}" if n <= 16 else "1/2000 (random flips)"
        rows.append(
            [*_place(n, share), f"{m.mean():.1f}", middle, f"{helpless:.0f} %", f"{exact:.0f}", f"{ratio:.0f}",
             signed(exact - ratio), f"{student:.0f}"]
        )  # fmt: skip
    header = [
        "pairs", "non-detects", "informative pairs", "median smallest p", "cannot reject", "power, score sign flips",
        "power, calibrated LR", "difference", "power, censored t",
    ]  # fmt: skip
    return table(header, rows)


def broken_table(cells: Cells) -> str:
    """Rejections with equal means but unequal spread, or with unequal limits."""
    names = (LR, CENSORED_T, SCORE, RANK, SIGN, MCNEMAR, T_HALF, COMPLETE)
    rows = []
    for scenario, title in ((UNEQUAL_SPREAD, "spread × 1.5"), (UNEQUAL_LIMITS, "limits 0.8 apart")):
        for n, share in grid(scenario):
            answer = cells[scenario, n, share, False]
            shown = [f"{rejected(answer.p_values[name]):.1f}" if share or name != MCNEMAR else "–" for name in names]
            rows.append([title, *_place(n, share), *shown])
    return table(["what differs", "pairs", "non-detects", *names], rows)


def flags(answer: Answer) -> dict[str, np.ndarray]:
    """The direction flag of each row: by either rule, by both on every row, and as the library has it."""
    change = answer.change
    with np.errstate(invalid="ignore"):
        spread = change.spread_p < SPREAD_ALPHA
        turned = np.sign(change.spread_estimate) * np.sign(change.estimates.estimate) < 0
    return {"spread": spread, "sign": turned, "every row": spread | turned, "printed": change.distribution_changed}


def flag_table(cells: Cells) -> str:
    """How often the direction is called into question, by rule."""
    rows = []
    for scenario in (MIDDLE, CLOSE):
        for n, share in grid(scenario):
            if not share:
                continue
            null, moved = cells[scenario, n, share, False], cells[scenario, n, share, True]
            row = [f"{scenario.correlation}", *_place(n, share)]
            row += [f"{100 * flags(null)[name].mean():.0f}" for name in ("spread", "sign", "every row", "printed")]
            row += [_of_claims(moved, name) for name in ("spread", "sign", "printed")]
            row.append(_of_claims(cells[UNEQUAL_SPREAD, n, share, False], "printed") if scenario is MIDDLE else "–")
            rows.append(row)
    header = [
        "correlation", "pairs", "non-detects", "null: spread rule", "null: sign rule", "null: both, every row",
        "null: as printed", "claims at the effect: spread rule", "claims at the effect: sign rule",
        "claims at the effect: as printed", "claims under unequal spread: as printed",
    ]  # fmt: skip
    return table(header, rows)


def _of_claims(answer: Answer, rule: str) -> str:
    claimed = answer.p_values[LR] <= ALPHA
    return f"{100 * flags(answer)[rule][claimed].mean():.0f}" if claimed.any() else "–"


def calibration_in_use(cells: Cells) -> str:
    """Which count of pairs the library's p-values come from."""
    answers = [(n, answer) for (scenario, n, _, _), answer in cells.items() if scenario == MIDDLE]
    for name, p_of in CALIBRATIONS.items():
        if all(
            np.allclose(p_of(answer, n), answer.p_values[LR], rtol=1e-6, atol=1e-9, equal_nan=True)
            for n, answer in answers
        ):
            return name
    return ""


def calibration_table(cells: Cells) -> str:
    """Size and power of the likelihood ratio by the count of pairs in its calibration."""
    used = calibration_in_use(cells)
    rows = []
    for name, p_of in CALIBRATIONS.items():
        row = [name + (" (in use)" if name == used else "")]
        for scenario in (MIDDLE, CLOSE, CLOSEST):
            censored = [(n, share) for n, share in grid(scenario) if share]
            sizes = [rejected(p_of(cells[scenario, n, share, False], n)) for n, share in censored]
            gaps = [(_gap(cells[scenario, n, share, True], p_of, n), n, share) for n, share in censored]
            worst, n, share = min(gaps)
            row += [f"{min(sizes):.1f}–{max(sizes):.1f}", f"{signed(worst)} ({n} pairs, {100 * share:.0f} %)"]
        rows.append(row)
    header = ["what counts as a pair"]
    for scenario in (MIDDLE, CLOSE, CLOSEST):
        header += [f"size, ρ = {scenario.correlation}", f"least power beside t on LOD/2, ρ = {scenario.correlation}"]
    return table(header, rows)


def _gap(answer: Answer, p_of: Callable[[Answer, int], np.ndarray], n: int) -> float:
    return rejected(p_of(answer, n)) - rejected(answer.p_values[T_HALF][: len(answer.ratio)])
