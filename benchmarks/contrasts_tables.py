"""The rates of the simulated contrasts as tables, and which of the promises they keep."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from contrasts_cells import ALPHA, Cell
from contrasts_studies import KINDS, MIXED_SHARES, SHARES, SIZES, Kind
from inference_tables import rejected, signed, standard_error, table

# Kind, subjects, share of non-detects, with or without an effect.
Cells = dict[tuple[str, int, float, bool], Cell]
HELD, BIAS = 95.0, 5.0
# Promises are broken where a rate is further off than this many Monte Carlo standard errors.
ERRORS = 3.0
HEADER = [
    "subjects", "non-detects", "size: row", "size: exact", "attainable", "power: row", "power: exact", "coverage",
    "coverage, inverted", "median", "no estimate", "no p-value", "how",
]  # fmt: skip


@dataclass(frozen=True)
class Rate:
    """A percentage of a cell with its place in words, how far it is from its promise, and whether that is too far."""

    percent: float
    place: str
    off: float
    broken: bool

    def words(self) -> str:
        """The percentage and its cell."""
        return f"{self.percent:.1f} % at {self.place}"


def shares_of(kind: Kind) -> tuple[float, ...]:
    """The shares of non-detects that a kind was simulated with."""
    return MIXED_SHARES if kind.mixed else SHARES


def kind_table(cells: Cells, kind: Kind) -> str:
    """A row per size of study and share of non-detects."""
    rows = []
    for n, share in _grid(kind):
        null, moved = cells[kind.name, n, share, False], cells[kind.name, n, share, True]
        rows.append(
            [str(n), f"{100 * share:.0f} %", *(_bold(size(p, ""), 1) for p in (null.row_p, null.exact_p)),
             f"{100 * null.attainable.mean():.1f}", f"{rejected(moved.row_p):.0f}", f"{rejected(moved.exact_p):.0f}",
             _bold(coverage(moved.low, moved.high, moved.effect, ""), 1), _inverted(moved), _bias_words(moved),
             *(_share_lacking(moved, name) for name in ("estimate", "row_p")), _methods(null, moved)]
        )  # fmt: skip
    header = HEADER if kind.inverted else [name for name in HEADER if name != "coverage, inverted"]
    return table(header, [row if kind.inverted else row[:8] + row[9:] for row in rows])


def size(p_values: np.ndarray, place: str) -> Rate:
    """Percent of rows without an effect that are rejected, and whether that is too often."""
    rate, error = rejected(p_values), standard_error(100 * ALPHA, len(p_values))
    off = (rate - 100 * ALPHA) / error
    return Rate(rate, place, off, off > ERRORS)


def coverage(low: np.ndarray, high: np.ndarray, effect: float, place: str) -> Rate:
    """Percent of the intervals given that hold the effect; an open end counts as given."""
    given = ~np.isnan(low) & ~np.isnan(high)
    rate = 100 * float(np.mean((low[given] <= effect) & (effect <= high[given])))
    off = (HELD - rate) / standard_error(HELD, int(given.sum()))
    return Rate(rate, place, off, off > ERRORS)


def bias(cell: Cell, place: str) -> Rate:
    """Percent of the effect by which the median estimate is too large.

    A row without estimate whose interval is open at one end counts as farther that way than all others. Broken where
    the median's distribution-free interval of 3 standard errors holds nothing within 5 % of the effect.
    """
    estimate = np.where(np.isnan(cell.estimate) & np.isinf(cell.low) & np.isfinite(cell.high), -np.inf, cell.estimate)
    estimate = np.where(np.isnan(estimate) & np.isinf(cell.high) & np.isfinite(cell.low), np.inf, estimate)
    known = 100 * (estimate[~np.isnan(estimate)] / cell.effect - 1)
    reach = ERRORS * 0.5 / np.sqrt(len(known))
    low, middle, high = np.quantile(known, [0.5 - reach, 0.5, 0.5 + reach], method="inverted_cdf").tolist()
    return Rate(middle, place, abs(middle), low > BIAS or high < -BIAS)


def promises(cells: Cells, kind: Kind) -> dict[str, list[Rate]]:
    """What a kind of contrast promises, in every cell."""
    found: dict[str, list[Rate]] = {"row": [], "exact": [], "interval": [], "estimate": []}
    for n, share in _grid(kind):
        null, moved, place = cells[kind.name, n, share, False], cells[kind.name, n, share, True], _place(n, share)
        found["row"].append(size(null.row_p, place))
        found["exact"].append(size(null.exact_p, place))
        found["interval"].append(coverage(moved.low, moved.high, moved.effect, place))
        if len(moved.inverted_low):
            also = coverage(moved.inverted_low, moved.inverted_high, moved.effect, f"{place}, inverted")
            found["interval"].append(also)
        found["estimate"].append(bias(moved, place))
    return found


def verdict_table(cells: Cells) -> str:
    """A row per kind: its worst cell by each promise and whether all hold."""
    rows = []
    for kind in KINDS:
        kept = promises(cells, kind)
        worst = {name: max(rates, key=lambda rate: rate.off) for name, rates in kept.items()}
        shown = [worst[name].words() for name in ("row", "exact", "interval")]
        middle = worst["estimate"]
        rows.append([kind.name, *shown, f"{signed(middle.percent)} % at {middle.place}", _verdict(kept)])
    header = [
        "contrast", "largest size of a row's p", "largest size of the exact p", "lowest coverage",
        "largest bias of the median", "verdict",
    ]  # fmt: skip
    return table(header, rows)


def overall(cells: Cells) -> str:
    """Whether each promise holds, over all kinds of contrast."""
    texts = {
        "row": "no row's p above 5 % by more than 3 standard errors",
        "exact": "no exact p above 5 % by more than 3 standard errors",
        "interval": "no coverage below 95 % by more than 3 standard errors",
        "estimate": "no median estimate more than 5 % off the effect, by more than 3 standard errors",
    }
    rows = []
    for name, text in texts.items():
        rates = [(kind.name, rate) for kind in KINDS for rate in promises(cells, kind)[name]]
        failing = [f"{kind}, {rate.place}" for kind, rate in rates if rate.broken]
        held = "PASS" if not failing else f"fails in {len(failing)} of {len(rates)} cells"
        rows.append([text, str(len(rates)), held, "; ".join(failing) or "none"])
    return table(["promise", "cells", "verdict", "cells where it fails"], rows)


def _verdict(kept: dict[str, list[Rate]]) -> str:
    failing = [f"{name} in {sum(rate.broken for rate in rates)}" for name, rates in kept.items()
               if any(rate.broken for rate in rates)]  # fmt: skip
    return "PASS" if not failing else "fails: " + ", ".join(failing)


def _grid(kind: Kind) -> Iterable[tuple[int, float]]:
    return [(n, share) for n in SIZES for share in shares_of(kind)]


def _place(n: int, share: float) -> str:
    return f"{n} subjects, {100 * share:.0f} %"


def _bold(rate: Rate, digits: int) -> str:
    text = f"{rate.percent:.{digits}f}"
    return f"**{text}**" if rate.broken else text


def _bias_words(cell: Cell) -> str:
    found = bias(cell, "")
    text = f"{signed(found.percent)} %"
    return f"**{text}**" if found.broken else text


def _inverted(cell: Cell) -> str:
    if not len(cell.inverted_low):
        return "–"
    text = _bold(coverage(cell.inverted_low, cell.inverted_high, cell.effect, ""), 1)
    bounded = 100 * float(np.mean(np.isfinite(cell.inverted_low) & np.isfinite(cell.inverted_high)))
    return text if bounded >= 99.5 else f"{text} ({bounded:.0f} %)"


def _share_lacking(cell: Cell, name: str) -> str:
    return f"{100 * float(np.isnan(getattr(cell, name)).mean()):.1f} %"


def _methods(*cells: Cell) -> str:
    names = sorted(frozenset().union(*(cell.methods for cell in cells)))
    return ", ".join(f"`{name}`" for name in names)
