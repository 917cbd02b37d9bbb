"""Do the means and CVs that MSD Discovery Workbench prints follow from the wells it prints them for?"""

from __future__ import annotations

import numpy as np
import pandas as pd

from cytoshift.intake.instruments.long_checks import combine
from cytoshift.intake.instruments.long_table import (
    LongTable,
)
from cytoshift.intake.instruments.readout import Remark
from cytoshift.intake.values import Parsed

_SLACK = 1 + 1e-9


def note_replicates(table: LongTable, parsed: dict[str, Parsed]) -> list[Remark]:
    """Counts of sample × assay groups whose printed mean or CV the wells reproduce within the printed digits.

    The mean of signals, the mean of concentrations, and 100 × SD / mean of the signals (SD with n − 1).
    """
    groups = combine([table.text(key) for key in ("plate", "sample", "assay", "dilution")])
    signal, value = parsed["signal"].value, parsed["value"].value
    checks = (
        ("signal_means", "the mean signal", "mean", *_moments(groups, signal)[:1]),
        ("concentration_means", "the mean concentration", "reported_mean", *_moments(groups, value)[:1]),
        ("signal_cvs", "the CV of the signals", "cv", _cv(groups, signal)),
    )
    remarks = []
    for check, words, key, computed in checks:
        printed = pd.Series(parsed[key].value).groupby(groups).first().to_numpy()
        known = np.isfinite(printed) & np.isfinite(computed)
        if not known.any():
            continue
        unit = pd.Series(_last_digit(table.text(key))).groupby(groups).max().to_numpy()
        agree = int((np.abs(printed - computed)[known] <= 0.5 * unit[known] * _SLACK).sum())
        of = int(known.sum())
        message = f"{words} that the file prints follows from its wells in {agree} of {of} groups of replicates"
        numbers: dict[str, float | str] = {"agree": float(agree), "of": float(of)}
        severe = agree < of
        remarks.append(
            Remark(check, message, "warning" if severe else "note", "flagged" if severe else "nothing", numbers)
        )
    return remarks


def _moments(groups: np.ndarray, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    grouped = pd.Series(values).groupby(groups)
    return grouped.mean().to_numpy(), grouped.std(ddof=1).to_numpy()


def _cv(groups: np.ndarray, values: np.ndarray) -> np.ndarray:
    mean, deviation = _moments(groups, values)
    return np.divide(100 * deviation, mean, out=np.full(len(mean), np.nan), where=mean != 0)


def _last_digit(cells: np.ndarray) -> np.ndarray:
    """The unit of the last digit that is printed in each cell: 0.1 for "1.5", 1 for "3421"."""
    codes, unique = pd.factorize(cells)
    units = []
    for cell in unique:
        mantissa, _, exponent = str(cell).casefold().replace(",", ".").partition("e")
        places = len(mantissa.partition(".")[2])
        units.append(10.0 ** ((int(exponent) if exponent.lstrip("+-").isdigit() else 0) - places))
    return np.array([*units, np.nan])[codes]
