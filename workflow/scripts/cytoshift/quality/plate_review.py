"""Which plates, wells and controls can be trusted: every check of plates, on what calibrate made of them."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np
import pandas as pd

from cytoshift.findings import findings_table
from cytoshift.frames import conform
from cytoshift.quality.controls import review_controls
from cytoshift.quality.plate_checks import (
    curve_shifts,
    find_curve_shifts,
    find_few_standards,
    find_odd_blanks,
    find_outside_range,
)
from cytoshift.quality.plate_map import find_edge_effects, find_replicate_shifts, map_plates, well_numbers
from cytoshift.study.study import QualityPlan
from cytoshift.tables import PLATE_REVIEW

CELL = ["source", "plate", "analyte"]
# Of the permutations behind the edge effect. Not the study file's seed, which belongs to the tests: what is flagged
# here must not change with it.
EDGE_SEED = 20261122


@dataclass(frozen=True)
class PlateReview:
    """What the plate checks write, each as tables/ defines it."""

    plate_review: pd.DataFrame
    controls: pd.DataFrame
    plate_map: pd.DataFrame
    findings: pd.DataFrame


def review_plates(
    measurements: pd.DataFrame,
    concentrations: pd.DataFrame,
    curves: pd.DataFrame,
    standards: pd.DataFrame,
    wells: pd.DataFrame,
    samples: pd.DataFrame,
    plates: pd.DataFrame,
    plan: QualityPlan,
) -> PlateReview:
    """Every check of plates: blanks, controls, curves, range, replicates, edges; one table per question.

    `measurements`, `concentrations`, `curves`, `standards` are calibrate's; `wells`, `samples`, `plates` intake's.
    Sources whose files are plain tables have no standards, blanks or curves; what their samples show is checked.
    """
    rows = well_numbers(wells, measurements, samples)
    plate_map = map_plates(rows)
    controls, of_controls = review_controls(
        measurements, concentrations, curves, wells, samples, run_order(measurements, wells, plates),
        undated_sources(measurements, wells, plates),
    )  # fmt: skip
    found = find_few_standards(curves, standards) + find_odd_blanks(wells) + of_controls
    found += find_curve_shifts(curves) + find_outside_range(measurements, samples)
    found += find_replicate_shifts(rows) + find_edge_effects(rows, plate_map, np.random.default_rng(EDGE_SEED))
    table = _summary(measurements, curves, standards, wells, samples, plan.quality.min_beads.limit)
    return PlateReview(table, controls, plate_map, findings_table(found))


def run_order(measurements: pd.DataFrame, wells: pd.DataFrame, plates: pd.DataFrame) -> dict[tuple[str, str], int]:
    """Running number of every plate of each source: by run date (YYYY-MM-DD) where all have one, else by the files."""
    numbers: dict[tuple[str, str], int] = {}
    for source, part in _run_dates(measurements, wells, plates).groupby("source", sort=False):
        ordered = part.sort_values("date", kind="stable") if _all_dated(part["date"]) else part
        numbers |= {(str(source), plate): place for place, plate in enumerate(ordered["plate"], start=1)}
    return numbers


def undated_sources(measurements: pd.DataFrame, wells: pd.DataFrame, plates: pd.DataFrame) -> set[str]:
    """Sources of which at least one plate has no run date (YYYY-MM-DD): the order of running is not known."""
    dates = _run_dates(measurements, wells, plates)
    return {str(source) for source, part in dates.groupby("source", sort=False) if not _all_dated(part["date"])}


def _run_dates(measurements: pd.DataFrame, wells: pd.DataFrame, plates: pd.DataFrame) -> pd.DataFrame:
    """Source, plate and date ('' where there is none) of every plate, in the order of the files."""
    places = [frame[["source", "plate"]] for frame in (plates, wells, measurements)]
    known = pd.concat(places, ignore_index=True).drop_duplicates()
    known = known[known["plate"] != ""]
    dates = plates.drop_duplicates(["source", "plate"]).set_index(["source", "plate"])["run_date"]
    known["date"] = dates.reindex(pd.MultiIndex.from_frame(known[["source", "plate"]])).fillna("").to_numpy()
    return known


def _all_dated(dates: pd.Series) -> bool:
    return all(re.fullmatch(r"\d{4}-\d{2}-\d{2}.*", date) for date in dates)


def _summary(
    measurements: pd.DataFrame,
    curves: pd.DataFrame,
    standards: pd.DataFrame,
    wells: pd.DataFrame,
    samples: pd.DataFrame,
    fewest_beads: float,
) -> pd.DataFrame:
    """The PLATE_REVIEW table: one row per plate × analyte."""
    real = set(samples.loc[samples["type"].isin(["sample", ""]), "sample"])
    held = measurements[measurements["sample"].isin(real) & ~measurements["excluded"].astype(bool)]
    cells = pd.concat([frame[CELL] for frame in (wells, measurements, curves)], ignore_index=True).drop_duplicates()
    table = cells[cells["plate"] != ""].set_index(CELL)
    known = held[held["status"] != "missing"]
    table["wells"] = held.groupby(CELL).size()
    for side in ("below", "above"):
        table[f"{side}_share"] = (known["status"] == side).groupby([known[name] for name in CELL]).mean()
    table["replicate_cv_median"] = _replicate_cvs(held).groupby(CELL).median()
    beads = _beads(wells, measurements)
    by_cell = beads.groupby(CELL)["beads"]
    table["beads_median"], table["beads_min"] = by_cell.median(), by_cell.min()
    low = (beads["beads"] < fewest_beads).groupby([beads[name] for name in CELL]).sum()
    table["low_bead_wells"] = low.astype("Int64")
    blanks = wells[(wells["type"] == "blank") & ~wells["excluded"].astype(bool)]
    table["blanks"], table["blank_median"] = blanks.groupby(CELL).size(), blanks.groupby(CELL)["signal"].median()
    used = standards[(standards["type"] == "standard") & standards["used"].astype(bool)]
    recovery = used.groupby(CELL)["recovery"]
    table["recovery_low"], table["recovery_high"] = recovery.min(), recovery.max()
    shifts = curves.assign(curve_shift=curve_shifts(curves)).drop_duplicates(CELL)
    table["curve_shift"] = shifts.set_index(CELL)["curve_shift"]
    for name in ("wells", "blanks"):
        table[name] = table[name].fillna(0)
    return conform(table.reset_index(), PLATE_REVIEW)


def _replicate_cvs(held: pd.DataFrame) -> pd.Series:
    """CV (n − 1) of each sample's wells with a number, indexed by source, plate, analyte, sample."""
    numbers = held[held["value"] > 0].groupby([*CELL, "sample"])["value"].agg(["mean", "std", "size"])
    return (numbers["std"] / numbers["mean"])[numbers["size"] > 1]


def _beads(wells: pd.DataFrame, measurements: pd.DataFrame) -> pd.DataFrame:
    """Bead counts of all wells of instrument files, else of the measured samples."""
    others = measurements[~measurements["source"].isin(set(wells["source"]))]
    beads = pd.concat([wells[[*CELL, "beads"]], others[[*CELL, "beads"]]], ignore_index=True)
    return beads.assign(beads=beads["beads"].astype("float64")).dropna(subset=["beads"])
