"""Which results rest on too few beads to be trusted?"""

from __future__ import annotations

import numpy as np
import pandas as pd

from cytoshift.findings import Finding, action_of, finding, listed, plural
from cytoshift.study.settings import MinBeads

MOST_ANALYTES = 0.5  # share of a well's analytes; beyond, the well lost its beads, not the analyte
MOST_FINDINGS = 20
WELL = ["source", "plate", "well"]
ANALYTE = ["source", "plate", "analyte"]


def find_low_beads(measurements: pd.DataFrame, rule: MinBeads) -> tuple[np.ndarray, list[Finding]]:
    """Find results with fewer beads than the plan's limit, told per well or per analyte of a plate.

    `measurements` is the MEASUREMENTS table; results without a bead count and excluded ones are left alone. Wells in
    which more than half of the analytes have too few beads are one finding each; the rest is one finding per analyte
    and plate; beyond 20 findings the others are summed up in one. Returns which rows are low (rows,), and findings.
    """
    beads = measurements["beads"].astype("float64").to_numpy()
    counted = np.isfinite(beads) & ~measurements["excluded"].to_numpy(dtype=bool)
    low = counted & (beads < rule.limit)
    if not low.any():
        return low, []
    rows = measurements[counted].assign(low=low[counted], beads=beads[counted])
    share = rows.groupby(WELL, sort=False)["low"].transform("mean")
    lost = rows["low"] & (share > MOST_ANALYTES)
    action = action_of(rule.on_fail)
    found = [
        _lost_well(str(plate), str(well), part, rule, action)
        for (_, plate, well), part in rows[lost].groupby(WELL, sort=False)
    ]
    found += [
        _thin_analyte(str(plate), str(analyte), part, rule, action)
        for (_, plate, analyte), part in rows[rows["low"] & ~lost].groupby(ANALYTE, sort=False)
    ]
    return low, _shortened(found, rows, rule, action)


def _lost_well(plate: str, well: str, part: pd.DataFrame, rule: MinBeads, action: str) -> Finding:
    numbers = {"analytes": len(part), "fewest": float(part["beads"].min()), "limit": rule.limit}
    sample = str(part["sample"].iloc[0])
    message = (
        f"{_place(plate, well)} (sample {sample}) has fewer than {rule.limit:g} beads in {len(part)} analytes "
        f"(fewest {part['beads'].min():g}): {listed(part['analyte_as_written'])}."
    )
    return finding("quality", "low_beads", message, numbers, sample=sample, plate=plate, action=action)


def _thin_analyte(plate: str, analyte: str, part: pd.DataFrame, rule: MinBeads, action: str) -> Finding:
    wells = listed(
        (f"{well} ({beads:g})" for well, beads in zip(part["well"].replace("", "?"), part["beads"], strict=True)), 12
    )
    message = (
        f"{part['analyte_as_written'].iloc[0]}{f', plate {plate}' if plate else ''}: fewer than {rule.limit:g} beads "
        f"in {plural(len(part), 'well')} ({part['sample'].nunique()} of the samples): {wells}."
    )
    numbers = {"wells": len(part), "fewest": float(part["beads"].min()), "limit": rule.limit}
    return finding("quality", "low_beads", message, numbers, feature=analyte, plate=plate, action=action)


def _shortened(found: list[Finding], rows: pd.DataFrame, rule: MinBeads, action: str) -> list[Finding]:
    if len(found) <= MOST_FINDINGS:
        return found
    low = rows[rows["low"]]
    message = (
        f"{len(low)} of {len(rows)} bead counts in {plural(len(low[WELL].drop_duplicates()), 'well')} are below "
        f"{rule.limit:g}; {len(found) - MOST_FINDINGS} findings of this kind are not listed one by one."
    )
    numbers = {"low": len(low), "counted": len(rows), "limit": rule.limit}
    return [*found[:MOST_FINDINGS], finding("quality", "low_beads", message, numbers, action=action)]


def _place(plate: str, well: str) -> str:
    return f"Well {well or '?'}" + (f" of plate {plate}" if plate else "")
