"""When did each subject of a crossover take which condition, and what was measured in each period?"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import pandas as pd

from cytoshift.shift.orders.crossover import PeriodOrder
from cytoshift.shift.sides import Side
from cytoshift.study.contrasts import Contrast

Sides = tuple[Side | None, Side]


@dataclass(frozen=True)
class Periods:
    """The order in which the subjects of a contrast passed their conditions.

    `order`: the periods of the two conditions compared. `conditions` are all that the subjects took, `taken`
    (subjects, conditions) the period of each, NaN where not known. `told_by` says where that comes from: `period`,
    `study_day`, or '' where nothing tells. `unread` are texts of the samples' column `period` that are no numbers.
    `by_period` holds, by period, the (reference, target) values of every subject then, under whatever condition.
    """

    order: PeriodOrder
    conditions: list[str]
    taken: np.ndarray
    told_by: str
    unread: list[str]
    by_period: dict[float, Sides]

    def take(self, rows: np.ndarray, columns: np.ndarray) -> Periods:
        """The same for the subjects and features of two boolean masks."""
        return replace(
            self,
            order=PeriodOrder(self.order.of_arm[rows], self.order.of_control[rows]),
            taken=self.taken[rows],
            by_period={
                period: (None if before is None else before.take(rows, columns), after.take(rows, columns))
                for period, (before, after) in self.by_period.items()
            },
        )

    @property
    def sequence(self) -> np.ndarray:
        """(subjects,) the subject's conditions in the order taken, as text; '' where a period is not known."""
        texts = []
        for periods in self.taken:
            places = np.flatnonzero(~np.isnan(periods))
            texts.append(">".join(self.conditions[place] for place in places[np.argsort(periods[places])]))
        return np.array(texts, dtype=object)


def periods_of(
    samples: pd.DataFrame,
    chosen: pd.DataFrame,
    subjects: pd.Index,
    contrast: Contrast,
    randomised: bool,
    sides: Callable[[pd.DataFrame], Sides],
) -> Periods:
    """The order in which subjects took the conditions of a contrast.

    `samples` are all samples of the study; `chosen` those that the contrast may use, `sides` makes (reference, target)
    of some of them; they are kept by period where a randomised order has several pairs of periods. A condition's period
    is the one number that its samples at the visits of the contrast name. Where no sample names any, it is the place of
    the condition's first day among those of the subject; a subject who lacks a condition with a date, or has two that
    began on one day, then has no periods.
    """
    unread: list[str] = []
    named = samples[(samples["arm"] != "") & samples["subject"].isin(subjects)]
    if (samples["period"] != "").any():
        here = named[named["visit"].isin(contrast.visits()) & (named["period"] != "")]
        told_by, (table, unread) = "period", _from_column(here)
    else:
        told_by, table = "study_day", _from_days(named)
    if table.empty:
        told_by = ""
    table = table.reindex(index=subjects)
    of_two = [table[name] if name in table else pd.Series(np.nan, index=subjects) for name in _compared(contrast)]
    order = PeriodOrder(*(column.to_numpy(dtype=float) for column in of_two))
    by_period: dict[float, Sides] = {}
    if randomised and len(order.pairs) > 1:
        by_period = {period: sides(rows) for period, rows in _rows_by_period(table, chosen, order)}
    return Periods(order, [str(name) for name in table.columns], table.to_numpy(float), told_by, unread, by_period)


def _compared(contrast: Contrast) -> tuple[str, str]:
    return str(contrast.arm), str(contrast.against)


def _from_column(named: pd.DataFrame) -> tuple[pd.DataFrame, list[str]]:
    """Periods (subjects × conditions) from the samples' column, and its texts that are no numbers."""
    number = pd.to_numeric(named["period"], errors="coerce").astype(float)
    number = number.where(np.isfinite(number))
    unread = sorted(set(named.loc[number.isna(), "period"]))
    marked = named.assign(number=number.fillna(-np.inf))
    low, high = _table(marked, "number", "min"), _table(marked, "number", "max")
    return low.where((low == high) & np.isfinite(low)), unread


def _from_days(named: pd.DataFrame) -> pd.DataFrame:
    """Places of the conditions (subjects × conditions) by their first day."""
    first = _table(named[named["study_day"].notna()], "study_day", "min")
    counted = first.notna().sum(axis=1)
    apart = first.nunique(axis=1) == counted
    return first.rank(axis=1).where((counted == counted.max()) & apart)


def _table(rows: pd.DataFrame, name: str, which: Literal["min", "max"]) -> pd.DataFrame:
    return rows.pivot_table(index="subject", columns="arm", values=name, aggfunc=which)


def _rows_by_period(table: pd.DataFrame, chosen: pd.DataFrame, order: PeriodOrder) -> list[tuple[float, pd.DataFrame]]:
    """The samples of each period that one of the two conditions was taken in; none of who took two conditions then."""
    taken = table.to_numpy(dtype=float)
    twice = (taken[:, :, None] == taken[:, None, :]).sum(axis=2) > 1
    row = table.index.get_indexer(pd.Index(chosen["subject"]))
    column = table.columns.get_indexer(pd.Index(chosen["arm"]))
    period = np.where((row >= 0) & (column >= 0), np.where(twice, np.nan, taken)[row, column], np.nan)
    numbers = sorted({number for pair in order.pairs for number in pair})
    return [(number, chosen[period == number]) for number in numbers]
