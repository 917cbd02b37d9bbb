"""Which of the promises made before the simulation hold, and in which cells do they not?"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from inference_methods import CENSORED_T, EXACT, LR, SCORE, T_HALF
from inference_studies import CLOSE, CLOSEST, MIDDLE, Scenario
from inference_tables import Cells, grid, rejected, signed, standard_error, table

LOG_NORMAL = (MIDDLE, CLOSE, CLOSEST)
EXACT_MARGIN, T_MARGIN = 2.0, 4.0


@dataclass(frozen=True)
class Gap:
    """How far a method's power lies above another's in one cell, in points, with its Monte Carlo standard error.

    `adjusted` is the same when both are held to exactly 5 % by the p-values of the cell without an effect.
    """

    scenario: Scenario
    n: int
    share: float
    other: str
    points: float
    error: float
    adjusted: float

    def words(self) -> str:
        """The cell and the gap."""
        words = (
            f"{self.n} pairs, {100 * self.share:.0f} %, ρ = {self.scenario.correlation}: {signed(self.points)} "
            f"± {self.error:.1f} beside {self.other}"
        )
        return words if self.other in EXACT else f"{words} (at equal size {signed(self.adjusted)})"


def gaps(cells: Cells, method: str, others: Iterable[str]) -> list[Gap]:
    """A method's power beside others' on the same log-normal studies, the worst first."""
    found = []
    for scenario in LOG_NORMAL:
        for n, share in grid(scenario):
            null, moved = (cells[scenario, n, share, effect].p_values for effect in (False, True))
            for other in others:
                studies = min(len(moved[method]), len(moved[other]))
                mine, theirs = (moved[name][:studies] <= 0.05 for name in (method, other))
                difference = 100 * (mine.astype(float) - theirs)
                error = float(difference.std() / np.sqrt(studies))
                mine, theirs = (_size_adjusted(null[name], moved[name][:studies]) for name in (method, other))
                found.append(Gap(scenario, n, share, other, float(difference.mean()), error, mine - theirs))
    return sorted(found, key=lambda gap: gap.points)


def _size_adjusted(null: np.ndarray, moved: np.ndarray) -> float:
    """Power in percent at the p-value that 5 % of the studies without an effect reach; no p-value counts as 1."""
    cut = np.quantile(np.nan_to_num(null, nan=1.0), 0.05, method="inverted_cdf")
    return 100 * float(np.mean(moved <= cut))


def sizes(cells: Cells, method: str) -> list[tuple[float, str, int]]:
    """Size of a method in every log-normal cell, the largest first, with the cell and the number of studies."""
    found = []
    for scenario in LOG_NORMAL:
        for n, share in grid(scenario):
            p_values = cells[scenario, n, share, False].p_values[method]
            words = f"{n} pairs, {100 * share:.0f} %, ρ = {scenario.correlation}"
            found.append((rejected(p_values), words, len(p_values)))
    return sorted(found, reverse=True)


def claims_table(cells: Cells) -> str:
    """The promises, whether they hold, and the cells in which they do not."""
    rows = [
        _power_row(
            "score sign flips never more than 2 points below another exact test",
            gaps(cells, SCORE, [name for name in EXACT if name != SCORE]),
            EXACT_MARGIN,
        )
    ]
    for method in (LR, CENSORED_T):
        rows.append(_size_row(method, sizes(cells, method)))
        rows.append(
            _power_row(f"{method} never more than 4 points below t on LOD/2", gaps(cells, method, [T_HALF]), T_MARGIN)
        )
    return table(["promise", "verdict", "worst cell", "cells where it fails"], rows)


def _power_row(promise: str, found: list[Gap], margin: float) -> list[str]:
    failing = [gap for gap in found if gap.points < -margin]
    return [promise, _verdict(failing), found[0].words(), "; ".join(gap.words() for gap in failing) or "none"]


def _size_row(method: str, found: list[tuple[float, str, int]]) -> list[str]:
    failing = [one for one in found if one[0] - 5 > 3 * standard_error(5, one[2])]
    largest, where, studies = found[0]
    worst = f"{largest:.1f} % at {where} (standard error {standard_error(5, studies):.1f})"
    cells = "; ".join(f"{where}: {rate:.1f} %" for rate, where, _ in failing) or "none"
    promise = f"{method} holds its level: no cell above 5 % by more than 3 standard errors"
    return [promise, _verdict(failing), worst, cells]


def _verdict(failing: list) -> str:
    return f"fails in {len(failing)} cells" if len(failing) > 1 else "fails in 1 cell" if failing else "PASS"
