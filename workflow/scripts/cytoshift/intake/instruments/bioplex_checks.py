"""Does the file's own arithmetic hold: background, CV, recovery, curve? And which definition did the software use?"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from cytoshift.intake.instruments.bioplex_curve import invert
from cytoshift.intake.workbooks import as_text

_RELATIVE = 1e-9


@dataclass(frozen=True)
class CvDivisor:
    """What %CV is relative to: "net" (FI − Bkgd), "raw" (FI) or "" (undecided); rows each fits, and rows compared."""

    divisor: str
    fits_net: int
    fits_raw: int
    rows: int


@dataclass(frozen=True)
class Held:
    """How many of the rows compared agree within rounding, and the median relative deviation."""

    agree: int
    rows: int
    median_deviation: float = np.nan


def half_unit(numbers: np.ndarray) -> float:
    """Half a unit of the last digit that any of the numbers is printed with; 0.5 for whole numbers."""
    digits = 0
    for number in np.unique(numbers[np.isfinite(numbers)]).tolist():
        mantissa, _, exponent = as_text(float(number)).partition("e")
        digits = max(digits, len(mantissa.partition(".")[2]) - int(exponent or 0))
    return 0.5 * 10.0 ** -min(digits, 12)


def recognise_cv_divisor(sd: np.ndarray, cv: np.ndarray, raw: np.ndarray, net: np.ndarray) -> CvDivisor:
    """Tell from n rows whether %CV = 100 SD / FI or 100 SD / (FI − Bkgd).

    Parameters: `sd` and `cv` (%), `raw` FI, `net` FI − Bkgd, each (n,), NaN = absent; blanks, whose FI and FI − Bkgd
    are the same, should be left out. A signal printed as 0 tells nothing: such rows are not compared. A row fits
    where the quotient is `cv` within half a unit of the last printed digit of every number involved.
    Returns the divisor that fits at least 9 rows in 10 and more than the other, with the counts.
    """
    told = np.isfinite(sd) & np.isfinite(cv) & np.isfinite(raw) & np.isfinite(net) & (raw != 0) & (net != 0)
    sd, cv, raw, net = sd[told], cv[told], raw[told], net[told]
    fits = [int(_fits(sd, cv, divisor).sum()) for divisor in (net, raw)]
    rows = int(told.sum())
    better = "net" if fits[0] > fits[1] else "raw"
    decided = rows > 0 and fits[0] != fits[1] and max(fits) >= 0.9 * rows
    return CvDivisor(better if decided else "", fits[0], fits[1], rows)


def _fits(sd: np.ndarray, cv: np.ndarray, divisor: np.ndarray) -> np.ndarray:
    expected = 100 * sd / divisor
    slack = half_unit(cv) + (100 * half_unit(sd) + np.abs(expected) * half_unit(divisor)) / np.abs(divisor)
    slack = slack + _RELATIVE * (1 + np.abs(expected))
    # of a negative FI − Bkgd some print the CV without its sign
    return (np.abs(cv - expected) <= slack) | ((cv > 0) & (np.abs(cv + expected) <= slack))


def check_background(frame: pd.DataFrame) -> Held:
    """Is FI − Bkgd the FI less the mean FI of the blanks of that plate and analyte, within rounding?

    Parameters: a typed frame (bioplex_rows.typed_frame). Single blanks are used where a file lists them beside
    pooled ones. Rows compared: those that are no blanks and have both numbers and a blank.
    """
    code = frame.groupby(["plate", "analyte"], sort=False).ngroup().to_numpy()
    blank = (frame["role"] == "B").to_numpy() & frame["fi"].notna().to_numpy()
    single = blank & ~frame["well"].str.contains(",").to_numpy(dtype=bool)
    blank = np.where(np.bincount(code[single], minlength=len(frame))[code] > 0, single, blank)
    total = np.bincount(code[blank], frame["fi"].to_numpy(dtype=float)[blank], minlength=len(frame))
    count = np.bincount(code[blank], minlength=len(frame))
    background = np.where(count > 0, total / np.maximum(count, 1), np.nan)[code]
    raw, net = frame["fi"].to_numpy(dtype=float), frame["net"].to_numpy(dtype=float)
    told = (frame["role"] != "B").to_numpy() & np.isfinite(raw) & np.isfinite(net) & np.isfinite(background)
    slack = 2 * half_unit(raw[told]) + half_unit(net[told]) + _RELATIVE * np.abs(raw[told])
    return Held(int((np.abs(raw - background - net)[told] <= slack).sum()), int(told.sum()))


def check_recovery(frame: pd.DataFrame) -> Held:
    """Is (Obs/Exp) * 100 what Obs Conc and Exp Conc give, within rounding?"""
    value, expected, recovery = (frame[name].to_numpy(dtype=float) for name in ("value", "expected", "recovery"))
    told = np.isfinite(value) & np.isfinite(recovery) & (np.nan_to_num(expected) > 0)
    value, expected, recovery = value[told], expected[told], recovery[told]
    again = 100 * value / expected
    slack = half_unit(recovery) + again * (
        half_unit(value) / np.maximum(value, 1e-300) + half_unit(expected) / expected
    )
    return Held(int((np.abs(again - recovery) <= slack + _RELATIVE * again).sum()), int(told.sum()))


def check_curve(frame: pd.DataFrame, curves: pd.DataFrame) -> Held:
    """Does the stated curve, on FI − Bkgd and times dilution, give the printed concentrations within 1 %?

    Parameters: a typed frame whose dilution is the one the software applied; curves with plate, analyte and a…g.
    Rows compared: those with a concentration and a signal between the asymptotes.
    """
    if curves.empty:
        return Held(0, 0)
    parameters = {(row.plate, row.analyte): (row.a, row.b, row.c, row.d, row.g) for row in curves.itertuples()}
    none = (np.nan,) * 5
    table = np.array([parameters.get(key, none) for key in zip(frame["plate"], frame["analyte"], strict=True)])
    net = frame["net"].to_numpy(dtype=float)
    again = invert(net, *table.T) * frame["dilution"].to_numpy(dtype=float)
    value = frame["value"].to_numpy(dtype=float)
    told = np.isfinite(again) & np.isfinite(value) & (value > 0)
    deviation = np.abs(again[told] / value[told] - 1)
    median = float(np.median(deviation)) if told.any() else np.nan
    return Held(int((deviation <= 0.01).sum()), int(told.sum()), median)
