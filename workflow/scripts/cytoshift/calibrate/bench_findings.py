"""Can the tubes that make a curve be trusted: standards near their series, read on enough beads, and clean blanks?"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from cytoshift.calibrate.remarks import condense
from cytoshift.calibrate.standards import KEY, Bench
from cytoshift.findings import Finding, finding, listed, plural

FEWEST_BEADS = 35  # a median of fewer wanders; the makers of bead assays ask for 35 to 50. Flagged, never left out
# Off its series by less, a standard is one of the round numbers that stand for the powers of a third or half of ten
# (3 for 3.16, 2 for 2.15, 5 for 4.64).
NOTABLE_FACTOR = 1.1


def inspect(bench: Bench, curves: pd.DataFrame, standards: pd.DataFrame, *, fewest_beads: float) -> list[Finding]:
    """Findings on the standards and blanks that are used.

    Parameters: `curves`, K rows of the table CURVES; `standards`, as from `standards_table`; `fewest_beads`, below
    which a standard or blank is named.
    """
    found = _beside_series(standards) + _low_beads(bench, fewest_beads)
    return found + condense(_lod_above_lloq(bench, curves))


def _beside_series(standards: pd.DataFrame) -> list[Finding]:
    """Standards that their series contradicts, but not by so much that they are left out."""
    fold = np.abs(np.log(standards["expected"] / standards["series"].where(standards["expected"] > 0)))
    beside = standards["apart"].astype(bool) & ~standards["off"] & (fold > np.log(NOTABLE_FACTOR))
    found = []
    for (source, plate), part in standards[beside].groupby(["source", "plate"], sort=False):
        rows = part.drop_duplicates(["analyte", "level"])
        each = listed(
            f"{row.analyte} {row.level}: {row.expected:.6g} stated, {row.series:.4g} by the series"
            for row in rows.itertuples()
        )
        message = (
            f"{source}, plate {plate}: {plural(len(rows), 'standard')} beside the dilution series by less than a "
            f"factor 2 ({each}); kept in the fit as stated. Check them."
        )
        numbers = {"standards": len(rows), "analytes": rows["analyte"].nunique()}
        found.append(finding("calibrate", "standard_beside_series", message, numbers, plate=str(plate)))
    return found


def _low_beads(bench: Bench, fewest: float) -> list[Finding]:
    wells = bench.wells
    used = np.zeros(len(wells), dtype=bool)
    used[bench.used()["well"].to_numpy(dtype=int)] = True
    used[bench.blanks] = True
    low = used & (wells["beads"].to_numpy(dtype=float) < fewest)
    found = []
    for (source, plate), part in wells[low].groupby(["source", "plate"], sort=False):
        level = part["level"].where(part["level"] != "", part["written"])
        each = (level + " in " + part["well"]).where(part["well"] != "", level).unique()
        least, analytes = float(part["beads"].min()), part["analyte"].unique()
        message = (
            f"{source}, plate {plate}: {plural(len(part), 'value')} of standards or blanks rest on fewer than "
            f"{fewest:g} beads, at least {least:g} ({listed(each)}; {plural(len(analytes), 'analyte')}: "
            f"{listed(analytes)}); used in the fit all the same."
        )
        numbers = {"values": len(part), "wells": len(each), "analytes": len(analytes), "fewest_beads": least}
        found.append(finding("calibrate", "standards_low_beads", message, numbers, plate=str(plate)))
    return found


def _lod_above_lloq(bench: Bench, curves: pd.DataFrame) -> list[Finding]:
    found = []
    above = (curves["lod_kind"] == "blanks") & (curves["lod"] > curves["lloq"])
    for number in np.flatnonzero(above):
        row = curves.iloc[number]
        places = bench.blanks[bench.curve[bench.blanks] == number]
        names = bench.wells["well"].to_numpy(dtype=object)[places]
        each = listed(f"{name} {signal:.6g}" for name, signal in zip(names, bench.signal[places], strict=True))
        message = (
            f"{row['analyte']}, plate {row['plate']}: the LOD from the blanks, {row['lod']:.4g}, lies above the LLOQ, "
            f"{row['lloq']:.4g}: standards that are read well would count as non-detects. Signals of the blanks: "
            f"{each}. A contaminated blank does this; name it under `exclude`."
        )
        numbers: dict[str, Any] = {"lod": row["lod"], "lloq": row["lloq"], "blanks": len(places)}
        about = {name: str(row[name]) for name in KEY}
        found.append(finding("calibrate", "lod_above_lloq", message, numbers, feature=about["analyte"],
                             plate=about["plate"]))  # fmt: skip
    return found
