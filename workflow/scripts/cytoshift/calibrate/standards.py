"""Which wells of a plate make its standard curve, and which must not, and why?"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd

from cytoshift.calibrate.hooks import find_hooks
from cytoshift.calibrate.series import find_series

Background = Literal["include", "constrain", "subtract"]
KEY = ["source", "plate", "analyte"]
OFF_SERIES, HOOK = "off its dilution series", "beyond a high-dose hook"
NOT_POSITIVE = "no signal above zero"
OFF_FACTOR = 2.0  # off its series by more, a standard is left out: it is no rounded number, but another one


@dataclass(frozen=True)
class Bench:
    """The wells of every plate × analyte, K curves in the order of the file, and what makes each curve.

    `keys` (K rows: source, plate, analyte, unit); `wells` as given, index 0…m−1; `curve` (m,) the curve of each well;
    `signal` (m,) the signal that is fitted and read; `blank` (K,) mean signal of the blanks before subtraction, NaN
    without any; `blanks` (b,) positions of the blanks used; `standards` one row per standard well: well (its position),
    curve, rank (of its level), expected, series, apart (the series contradicts it), off (so far that it is left
    out), reason ('' where it is used).
    """

    keys: pd.DataFrame
    wells: pd.DataFrame
    curve: np.ndarray
    signal: np.ndarray
    blank: np.ndarray
    blanks: np.ndarray
    standards: pd.DataFrame

    @property
    def curves(self) -> int:
        """How many curves there may be: plates × analytes."""
        return len(self.keys)

    def used(self) -> pd.DataFrame:
        """The standard wells that enter the fits."""
        return self.standards[self.standards["reason"] == ""]

    def per_curve(self, curve: np.ndarray | pd.Series) -> np.ndarray:
        """How many entries each curve has (K,)."""
        return np.bincount(np.asarray(curve, dtype=int), minlength=self.curves)


def arrange(wells: pd.DataFrame, background: Background) -> Bench:
    """Number the curves, take the background, find the dilution series and decide which standards are used.

    Parameters: `wells`, as the table WELLS; `background`, the plan's. Left out, each with its reason: standards that
    the study file excludes or the file marks as not to be used, without a signal or a stated concentration, off their
    dilution series, or beyond a high-dose hook. A standard of concentration 0 is a blank. A plate × analyte without
    raw signals is read on its background-subtracted ones.
    """
    wells = wells.reset_index(drop=True)
    curve, keys = number_curves(wells)
    signal = _one_signal(wells, curve, len(keys))
    kind = wells["type"].to_numpy(dtype=object)
    expected = wells["expected"].to_numpy(dtype=float)
    is_blank = (kind == "blank") | ((kind == "standard") & (expected == 0))
    usable = ~wells["excluded"].to_numpy(dtype=bool) & ~wells["outlier"].to_numpy(dtype=bool)
    blanks = np.flatnonzero(is_blank & usable & np.isfinite(signal))
    blank = _mean(signal[blanks], curve[blanks], len(keys))
    if background == "subtract":
        signal = signal - np.nan_to_num(blank)[curve]
    places = np.flatnonzero((kind == "standard") & ~is_blank)
    standards = _standards(wells.assign(signal=signal), curve, places)
    standards["reason"] = _reasons(wells, signal, standards)
    _judge_series(keys, standards)
    _judge_hooks(len(keys), signal, standards)
    return Bench(keys, wells, curve, signal, blank, blanks, standards)


def number_curves(wells: pd.DataFrame) -> tuple[np.ndarray, pd.DataFrame]:
    """The curve of each well (m,), and source, plate, analyte and unit of each curve, in the order they appear."""
    curve = wells.groupby(KEY, sort=False, dropna=False).ngroup().to_numpy(dtype=int)
    first = np.unique(curve, return_index=True)[1]
    return curve, wells.loc[first, [*KEY, "unit"]].reset_index(drop=True)


def pad(values: np.ndarray, curve: np.ndarray, curves: int) -> np.ndarray:
    """Values of several wells per curve as a matrix (K, most wells of a curve), the rest NaN, order kept."""
    count = np.bincount(curve, minlength=curves)
    matrix = np.full((curves, int(count.max(initial=0))), np.nan)
    order = np.argsort(curve, kind="stable")
    first = np.cumsum(count) - count
    matrix[curve[order], np.arange(len(curve)) - first[curve[order]]] = values[order]
    return matrix


def _one_signal(wells: pd.DataFrame, curve: np.ndarray, curves: int) -> np.ndarray:
    raw, net = wells["signal"].to_numpy(dtype=float), wells["net_signal"].to_numpy(dtype=float)
    has_raw = np.bincount(curve[np.isfinite(raw)], minlength=curves) > 0
    return np.where(has_raw[curve], raw, net)


def _mean(values: np.ndarray, curve: np.ndarray, curves: int) -> np.ndarray:
    count = np.bincount(curve, minlength=curves)
    total = np.bincount(curve, weights=values, minlength=curves)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)


def _standards(wells: pd.DataFrame, curve: np.ndarray, places: np.ndarray) -> pd.DataFrame:
    frame = pd.DataFrame({"well": places, "curve": curve[places], "expected": wells["expected"].to_numpy()[places]})
    frame["rank"] = _level_order(wells.iloc[places].reset_index(drop=True))
    return frame.assign(series=np.nan, apart=False, off=False)


def _level_order(standards: pd.DataFrame) -> np.ndarray:
    """Rank of each standard's level on its plate: by the number in its label, or by its signals where none has one."""
    rank = np.zeros(len(standards), dtype=int)
    for _, part in standards.groupby(["source", "plate"], sort=False):
        labels = part["level"].where(part["level"] != "", part["written"])
        distinct = sorted(labels.unique(), key=_natural)
        tubes = part.groupby("analyte", sort=False)["expected"].nunique().max()
        if len(distinct) >= tubes:
            numbers = {label: number for number, label in enumerate(distinct)}
            rank[part.index] = labels.map(numbers).to_numpy(dtype=int)
        else:
            rank[part.index] = _by_signal(part)
    return rank


def _by_signal(part: pd.DataFrame) -> np.ndarray:
    """Rank of wells that share a label, by signal, −1 without one; wells with the same concentrations are one tube."""
    wide = part.pivot_table(index="well", columns="analyte", values="expected", sort=True, dropna=False)
    tubes = pd.Series(wide.groupby(list(wide.columns), sort=False, dropna=False).ngroup().to_numpy(), index=wide.index)
    tube = part["well"].map(tubes)
    place = part.groupby("analyte", sort=False)["signal"].rank()
    order = place.groupby(tube).mean().rank(method="first").fillna(0).astype(int) - 1
    return tube.map(order).to_numpy(dtype=int)


def _natural(label: str) -> tuple[tuple[int, float, str], ...]:
    pieces = re.split(r"(\d+(?:\.\d+)?)", label.casefold())
    return tuple((0, float(piece), "") if piece[:1].isdigit() else (1, 0.0, piece) for piece in pieces if piece)


def _reasons(wells: pd.DataFrame, signal: np.ndarray, standards: pd.DataFrame) -> np.ndarray:
    places = standards["well"].to_numpy()
    conditions = [
        wells["excluded"].to_numpy(dtype=bool)[places],
        wells["outlier"].to_numpy(dtype=bool)[places],
        ~np.isfinite(signal[places]),
        ~np.isfinite(standards["expected"].to_numpy()) | (standards["expected"].to_numpy() < 0),
        signal[places] <= 0,
    ]
    words = [
        "left out by the study file",
        "marked in the file as not to be used",
        "no signal",
        "the file states no concentration",
        NOT_POSITIVE,
    ]
    return np.select(conditions, words, "").astype(object)


def _judge_series(keys: pd.DataFrame, standards: pd.DataFrame) -> None:
    """Fill `series`, `apart` and `off`, in place; a standard off its series by more than a factor 2 is not used."""
    if standards.empty:
        return
    curve, rank = standards["curve"].to_numpy(dtype=int), standards["rank"].to_numpy(dtype=int)
    level = standards.groupby(["curve", "rank"])["expected"].transform("median").to_numpy(dtype=float)
    stated = np.full((len(keys), max(rank.max() + 1, 1)), np.nan)
    placed = rank >= 0
    stated[curve[placed], rank[placed]] = level[placed]
    found = find_series(stated, keys.groupby(["source", "plate"], sort=False).ngroup().to_numpy())
    # computed over logarithms: the last digits are the computer's, not the series'
    implied = [float(f"{value:.10g}") for value in found.implied[curve, rank].tolist()]
    standards["series"] = np.where(placed, implied, np.nan)
    standards["apart"] = placed & found.off[curve, rank]
    factor = np.abs(np.log(standards["expected"] / standards["series"]))
    standards["off"] = standards["apart"] & (factor > np.log(OFF_FACTOR))
    standards.loc[standards["off"] & (standards["reason"] == ""), "reason"] = OFF_SERIES


def _judge_hooks(curves: int, signal: np.ndarray, standards: pd.DataFrame) -> None:
    used = standards[standards["reason"] == ""]
    logs = np.log(signal[used["well"].to_numpy()])
    beyond = find_hooks(used["curve"].to_numpy(), used["expected"].to_numpy(), logs, curves)
    standards.loc[used.index[beyond], "reason"] = HOOK
