"""Do controls and reference samples read the same on every plate?"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.stats import norm

from cytoshift.findings import Finding, finding, listed, plural
from cytoshift.frames import conform, empty
from cytoshift.quality.rows import LOGARITHMIC_UNITS
from cytoshift.quality.westgard import (
    FEWEST_PLATES,
    PRIOR_SD,
    REJECTING,
    broken_rules,
    column_middles,
    leave_one_out,
    westgard,
)
from cytoshift.tables import CONTROLS

IN_A_ROW = ("2-2s", "4-1s", "10-x")  # rules on successive plates: they need the order of running
REFERENCES = ("bridge", "control", "pool")
FALSE_ALARMS = 0.05  # share of sound studies in which one plate of a control is reported by its distance alone
FALSE_ALARMS_OF_ANALYTES = 0.01  # the same for single analytes: tails are heavy near the asymptotes of a curve
PRIOR_SD_OF_PLATES = 0.1  # log2: runs differ by some 7 % in their median analyte, less than in a single one
POINT = ["source", "control", "analyte", "plate"]
WELL = ["source", "plate", "analyte", "well"]


def review_controls(
    measurements: pd.DataFrame,
    concentrations: pd.DataFrame,
    curves: pd.DataFrame,
    wells: pd.DataFrame,
    samples: pd.DataFrame,
    runs: dict[tuple[str, str], int],
    undated: Collection[str] = (),
) -> tuple[pd.DataFrame, list[Finding]]:
    """Levey–Jennings points of every control and reference sample, and what breaks Westgard's rules.

    The tables are calibrate's and intake's; `runs` numbers the plates of each source, (source, plate) → 1, 2, …; of the
    sources in `undated` that is the order of the files, and rules on successive plates are not applied to them.
    Controls are wells of type control and samples of type bridge, control or pool. Returns the CONTROLS table, where
    every analyte is judged by itself, and findings: plates on which a control is off in its median analyte (one
    decision per control and plate), and single analytes that leave the rest of their plate's controls behind. Their
    limits widen with the number of points, so that sound studies are mostly left in peace.
    """
    points = _control_points(measurements, concentrations, curves, wells, samples)
    if points.empty:
        return empty(CONTROLS), []
    points["run"] = [runs.get(place, 0) for place in zip(points["source"], points["plate"], strict=True)]
    tables, found = [], []
    for source, part in points.groupby("source", sort=True):
        charts = _charts(part, str(source) not in undated)
        if len(charts.plates) < 2:
            tables.append(part)
            continue
        judged = _judged(charts)
        tables.append(part.merge(judged, on=["control", "analyte", "plate"], how="left"))
        found += _findings(str(source), charts)
        found += [] if charts.dated or len(charts.plates) < FEWEST_PLATES else [_without_dates(str(source), charts)]
    table = conform(pd.concat(tables, ignore_index=True), CONTROLS)
    return table.sort_values(["source", "control", "analyte", "run"], kind="stable", ignore_index=True), found


@dataclass(frozen=True)
class _Charts:
    """The points of one source laid out as controls × plates × analytes; plates in order of running where `dated`."""

    controls: list[str]
    plates: list[str]
    analytes: list[str]
    values: np.ndarray
    dated: bool


def _charts(part: pd.DataFrame, dated: bool) -> _Charts:
    ordered = part.sort_values("run", kind="stable")
    plates = list(dict.fromkeys(ordered["plate"]))
    control, controls = pd.factorize(part["control"], sort=True)
    analyte, analytes = pd.factorize(part["analyte"], sort=True)
    plate = part["plate"].map({name: place for place, name in enumerate(plates)}).to_numpy(dtype=int)
    values = np.full((len(controls), len(plates), len(analytes)), np.nan)
    values[control, plate, analyte] = part["value"].to_numpy(dtype=float)
    return _Charts(list(map(str, controls)), plates, list(map(str, analytes)), values, dated)


def _judged(charts: _Charts) -> pd.DataFrame:
    """Centre, SD, z and broken rules of every point."""
    each = [leave_one_out(values) for values in charts.values]
    z = np.stack([one.z for one in each])
    rules = broken_rules(_rules(z, charts.dated))
    control, plate, analyte = np.nonzero(np.isfinite(charts.values))
    return pd.DataFrame(
        {
            "control": np.asarray(charts.controls)[control],
            "analyte": np.asarray(charts.analytes)[analyte],
            "plate": np.asarray(charts.plates)[plate],
            "centre": np.stack([one.centre for one in each])[control, analyte],
            "sd": np.stack([one.sd for one in each])[control, plate, analyte],
            "z": z[control, plate, analyte],
            "rules": rules[control, plate, analyte],
        }
    )


def _rules(z: np.ndarray, dated: bool) -> dict[str, np.ndarray]:
    """Westgard's flags; without the order of running only those of single plates."""
    return {rule: flags for rule, flags in westgard(z).items() if dated or rule not in IN_A_ROW}


def _without_dates(source: str, charts: _Charts) -> Finding:
    message = (
        f"{source}: not every plate has a run date (YYYY-MM-DD), so that its controls are shown in the order of the "
        f"files and the rules on successive plates ({', '.join(IN_A_ROW)}) are not applied; `run_date` in the plates "
        "file gives it."
    )
    return finding("quality", "run_order_unknown", message, {"plates": len(charts.plates)}, severity="note",
                   action="nothing")  # fmt: skip


def _findings(source: str, charts: _Charts) -> list[Finding]:
    numbers = np.isfinite(charts.values)
    if numbers.any(axis=2).sum(axis=1).max() < FEWEST_PLATES:
        message = (
            f"{source}: controls on {plural(len(charts.plates), 'plate')} cannot show whether a plate is off; "
            f"{FEWEST_PLATES} are needed. Their recoveries are in the table of standards."
        )
        counts = {"plates": len(charts.plates), "controls": len(charts.controls)}
        return [finding("quality", "controls_not_assessable", message, counts, severity="note", action="nothing")]
    with np.errstate(invalid="ignore", divide="ignore"):
        centre = np.where(numbers, charts.values, 0.0).sum(axis=1, keepdims=True) / numbers.sum(axis=1, keepdims=True)
    from_centre = charts.values - centre
    plate_shift = column_middles(from_centre)  # (controls, plates)
    return _plates_off(source, charts, plate_shift) + _analytes_off(source, charts, from_centre, plate_shift)


def _plates_off(source: str, charts: _Charts, shift: np.ndarray) -> list[Finding]:
    """Plates on which a control is off in its median analyte."""
    z = np.stack([leave_one_out(one[:, None], prior_sd=PRIOR_SD_OF_PLATES).z for one in shift])  # (controls, plates, 1)
    flags = _rules(z, charts.dated)
    with np.errstate(invalid="ignore"):
        flags["1-3s"] &= np.abs(z) > _limit(int(np.isfinite(z).sum()), FALSE_ALARMS)
    broken = broken_rules({rule: flags[rule] for rule in REJECTING if rule in flags})[:, :, 0]
    n = np.isfinite(shift).sum(axis=1, keepdims=True)
    apart = shift * n / np.maximum(n - 1, 1)  # from the mean of the others, not of all
    found = []
    for place, plate in enumerate(charts.plates):
        here = np.flatnonzero(broken[:, place] != "")
        if not len(here):
            continue
        told = listed(
            f"{charts.controls[k]} {2 ** apart[k, place]:.3g} times ({broken[k, place]}; z {z[k, place, 0]:.1f})"
            for k in here
        )
        analytes = int(np.isfinite(charts.values[here, place]).any(axis=0).sum())
        message = (
            f"{source}, plate {plate}: controls are out of control in the median of {plural(analytes, 'analyte')}, "
            f"against the mean of the other plates: {told}."
        )
        worst = int(here[np.argmax(np.abs(z[here, place, 0]))])
        numbers = {
            "controls": len(here),
            "of": len(charts.controls),
            "analytes": analytes,
            "largest_z": float(z[worst, place, 0]),
            "log2_shift": float(apart[worst, place]),
            "plates": len(charts.plates),
        }
        found.append(finding("quality", "control_out_of_control", message, numbers, plate=plate))
    return found


def _analytes_off(source: str, charts: _Charts, from_centre: np.ndarray, shift: np.ndarray) -> list[Finding]:
    """Single analytes of a control that are off by more than the rest of the control on that plate."""
    if len(charts.analytes) < FEWEST_PLATES:
        return []
    z = np.stack([leave_one_out(one, prior_sd=_usual_sd(one)).z for one in from_centre - shift[:, :, None]])
    with np.errstate(invalid="ignore"):
        off = np.abs(z) > _limit(int(np.isfinite(z).sum()), FALSE_ALARMS_OF_ANALYTES)
    found = []
    for analyte in np.flatnonzero(off.any(axis=(0, 1))):
        control, place = np.nonzero(off[:, :, analyte])
        told = listed(
            f"{charts.controls[c]} on {charts.plates[p]} {2 ** from_centre[c, p, analyte]:.3g} times (z "
            f"{z[c, p, analyte]:.1f})"
            for c, p in zip(control, place, strict=True)
        )
        name = charts.analytes[analyte]
        message = (
            f"{source}, {name}: a control is far off its mean over the plates and the plate's other analytes are not: "
            f"{told}."
        )
        numbers = {"points": len(control), "largest_z": float(np.abs(z[control, place, analyte]).max())}
        plates = {charts.plates[p] for p in place}
        plate = next(iter(plates)) if len(plates) == 1 else ""
        found.append(finding("quality", "control_analyte_off", message, numbers, feature=name, plate=plate))
    return found


def _usual_sd(values: np.ndarray) -> float:
    """What is known beforehand of an analyte's spread: at least PRIOR_SD, or that of all analytes together."""
    known = np.isfinite(values)
    df = np.maximum(known.sum(axis=0) - 1, 0)
    mean = np.where(known, values, 0.0).sum(axis=0) / (df + 1)
    squares = np.where(known, (values - mean) ** 2, 0.0).sum()
    return max(PRIOR_SD, float(np.sqrt(squares / max(df.sum(), 1))))


def _limit(points: int, false_alarms: float) -> float:
    return max(3.0, float(norm.isf(false_alarms / 2 / max(points, 1))))


def _control_points(
    measurements: pd.DataFrame,
    concentrations: pd.DataFrame,
    curves: pd.DataFrame,
    wells: pd.DataFrame,
    samples: pd.DataFrame,
) -> pd.DataFrame:
    """One row per control × analyte × plate: mean log2 over its wells where more than half have a number."""
    references = set(samples.loc[samples["type"].isin(REFERENCES), "sample"])
    measured = measurements[measurements["sample"].isin(references)]
    kit = wells[(wells["type"] == "control") & ~wells["sample"].isin(set(measured["sample"]))]
    parts = [_of_samples(measured), _of_wells(kit, concentrations, curves)]
    rows = pd.concat([part for part in parts if len(part)] or parts[:1], ignore_index=True)
    rows = rows[(rows["plate"] != "") & ~rows["excluded"]]
    grouped = rows.groupby(POINT, sort=True)
    points = grouped.agg(wells=("number", "size"), numbers=("number", "count"), value=("number", "mean"),
                         expected=("expected", "mean")).reset_index()  # fmt: skip
    points["value"] = points["value"].where(2 * points["numbers"] > points["wells"])
    return points.drop(columns="numbers")


def _of_samples(measured: pd.DataFrame) -> pd.DataFrame:
    logarithmic = measured["unit"].str.upper().isin(LOGARITHMIC_UNITS).to_numpy(dtype=bool)
    value = measured["value"].to_numpy(dtype=float)
    return pd.DataFrame(
        {
            **{name: measured[name].to_numpy(dtype=object) for name in ("source", "plate", "analyte")},
            "control": measured["sample"].to_numpy(dtype=object),
            "number": np.where(logarithmic, value, _log2(value)),
            "expected": np.nan,
            "excluded": measured["excluded"].to_numpy(dtype=bool),
        }
    )


def _of_wells(kit: pd.DataFrame, concentrations: pd.DataFrame, curves: pd.DataFrame) -> pd.DataFrame:
    """Control wells on the concentration that the panel uses: refitted, the instrument's, or the signal itself."""
    read = concentrations.drop_duplicates(WELL)[[*WELL, "concentration", "instrument"]]
    chosen = curves.drop_duplicates(WELL[:3])[[*WELL[:3], "concentration"]].rename(columns={"concentration": "chosen"})
    rows = kit.merge(read, on=WELL, how="left").merge(chosen, on=WELL[:3], how="left")
    own = rows["instrument"].fillna(rows["value"])
    number = np.select(
        [rows["chosen"] == "refit", rows["chosen"] == "signal"], [rows["concentration"], rows["signal"]], own
    ).astype(float)
    logarithmic = rows["unit"].str.upper().isin(LOGARITHMIC_UNITS).to_numpy(dtype=bool)
    return pd.DataFrame(
        {
            **{name: rows[name].to_numpy(dtype=object) for name in ("source", "plate", "analyte")},
            "control": rows["level"].where(rows["level"] != "", rows["written"]).to_numpy(dtype=object),
            "number": np.where(logarithmic, number, _log2(number)),
            "expected": _log2(rows["expected"].to_numpy(dtype=float)),
            "excluded": (rows["excluded"] | rows["outlier"]).to_numpy(dtype=bool),
        }
    )


def _log2(numbers: np.ndarray) -> np.ndarray:
    return np.log2(np.where(numbers > 0, numbers, np.nan))
