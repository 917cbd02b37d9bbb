"""Which wells' results are non-detects, marked, lost, or of unknown dilution, and who should know?"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from cytoshift.calibrate.instrument import dilution_factors
from cytoshift.calibrate.standards import Bench
from cytoshift.findings import Finding, finding, listed, plural

LOST_DILUTION = 1.5  # fold between the instrument's own concentrations and the refit that undiluted wells do not have


def describe_nonpositive(bench: Bench, taken: np.ndarray) -> list[Finding]:
    """Say how many signals at or below zero became non-detects; `taken` (m,) marks wells read as signals."""
    net = bench.wells["net_signal"].to_numpy(dtype=float)
    low = taken & (bench.wells["type"] == "sample").to_numpy() & (net <= 0)
    found = []
    for source, part in bench.wells[low].groupby("source", sort=False):
        message = (
            f"{source}: {plural(len(part), 'background-subtracted signal')} of zero or less, in "
            f"{plural(part['sample'].nunique(), 'sample')}; taken as non-detects."
        )
        numbers: dict[str, Any] = {"values": len(part), "samples": part["sample"].nunique()}
        found.append(finding("calibrate", "signal_not_positive", message, numbers, severity="note"))
    return found


def describe_marked(bench: Bench) -> list[Finding]:
    """Say how many sample wells the file marks as not to be used; they are kept, the study file decides."""
    wells = bench.wells
    marked = (wells["outlier"] & ~wells["excluded"]).to_numpy(dtype=bool) & (wells["type"] == "sample").to_numpy()
    found = []
    for (source, plate), part in wells[marked].groupby(["source", "plate"], sort=False):
        message = (
            f"{source}, plate {plate}: {plural(len(part), 'sample well')} marked in the file as not to be used "
            f"({listed(part['well'].unique())}); kept, name them under `exclude` to leave them out."
        )
        numbers = {"values": len(part), "wells": part["well"].nunique()}
        found.append(finding("calibrate", "sample_marked_in_file", message, numbers, plate=str(plate)))
    return found


def describe_unread(bench: Bench, refitted: np.ndarray, status: np.ndarray) -> list[Finding]:
    """Say which of the instrument's results are lost for want of a signal.

    Parameters: `refitted` (m,) marks wells whose concentrations are refitted; `status` (m,), of what they pass on.
    """
    wells = bench.wells
    lost = refitted & (wells["type"] == "sample").to_numpy() & (wells["status"] != "missing").to_numpy()
    lost &= ~np.isfinite(bench.signal) & (status == "missing")
    found = []
    for (source, plate), part in wells[lost].groupby(["source", "plate"], sort=False):
        message = (
            f"{source}, plate {plate}: {plural(len(part), 'result')} of the instrument's without a signal (wells "
            f"{listed(part['well'].unique())}) cannot be refitted and are missing."
        )
        numbers = {"values": len(part), "wells": part["well"].nunique()}
        found.append(finding("calibrate", "result_without_signal", message, numbers, plate=str(plate)))
    return found


def describe_dilutions(bench: Bench, refitted: np.ndarray, concentrations: pd.DataFrame) -> list[Finding]:
    """Say where a dilution is not known, and where a source states none at all.

    Parameters: `refitted` (m,) marks wells whose concentrations are refitted; `concentrations`, the table of that name.
    """
    wells = bench.wells
    told = wells["type"].isin(["sample", "control"]).to_numpy() & refitted & ~wells["excluded"].to_numpy(dtype=bool)
    unknown = told & np.isnan(dilution_factors(wells))
    unknown &= np.isfinite(bench.signal) | (wells["status"] != "missing").to_numpy()
    found = []
    for (source, plate), part in wells[unknown].groupby(["source", "plate"], sort=False):
        names = part["well"].where(part["well"] != "", part["written"]).unique()
        message = (
            f"{source}, plate {plate}: no dilution is stated for {plural(len(names), 'well')} ({listed(names)}) while "
            f"others of {source} are diluted. Their dilution is not known, so their concentrations are missing: give "
            "`dilution` in a layout."
        )
        numbers = {"values": len(part), "wells": len(names)}
        found.append(finding("calibrate", "dilution_unknown", message, numbers, action="excluded", plate=str(plate)))
    for source, part in wells[told].groupby("source", sort=False):
        if part["dilution"].isna().all():
            found.append(_describe_unstated(str(source), concentrations[concentrations["source"] == source]))
    return found


def _describe_unstated(source: str, concentrations: pd.DataFrame) -> Finding:
    of_samples = concentrations["in_range"] & concentrations["type"].isin(["sample", "control"])
    ratio = concentrations.loc[of_samples, "log2_ratio"].dropna()
    fold = float(np.exp2(-ratio.median())) if len(ratio) else 1.0
    message = f"no file of {source} states dilutions: taken as 1; if samples were diluted give `dilution` in a layout."
    numbers: dict[str, Any] = {"dilution": 1}
    if abs(np.log(fold)) > np.log(LOST_DILUTION):
        message = (
            f"no file of {source} states dilutions, and the instrument's own concentrations are {fold:.3g} times those "
            f"read from the curves (median of {plural(len(ratio), 'well')} in range): the export may have lost a "
            f"dilution of {fold:.3g}. Taken as 1; give `dilution` in a layout."
        )
        numbers |= {"instrument_over_refit": fold, "wells": len(ratio)}
    return finding("calibrate", "dilution_not_stated", message, numbers)
