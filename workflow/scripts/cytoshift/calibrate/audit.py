"""Can the standards and controls of each plate be trusted? What each should hold beside what the curve reads."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd

from cytoshift.calibrate.curve import log_response
from cytoshift.calibrate.hooks import falls, level_means
from cytoshift.calibrate.instrument import dilution_factors
from cytoshift.calibrate.limits import MAD_TO_SD
from cytoshift.calibrate.remarks import condense
from cytoshift.calibrate.standards import HOOK, KEY, OFF_SERIES, Bench
from cytoshift.findings import Finding, finding, listed, plural

CONTROL, UNFITTED = "a control", "no curve could be fitted"
_FEWEST_OF_A_PLATE = 3  # analytes with a control off, from which a plate may be off as a whole
_POWER = 0.03  # how near a factor must be to 10, 100, … to be called a lost decimal point, in ln


def standards_table(bench: Bench, read: np.ndarray, fitted: np.ndarray) -> pd.DataFrame:
    """What every standard and control should hold, and what the refitted curve reads.

    Parameters: `read` (m,), the concentration of each well before dilution, 0 or inf past an asymptote; `fitted` (K,),
    which plates × analytes have a curve. Returns the columns of the table STANDARDS, and `curve`, `position` (of the
    well) and `target`: the concentration of the series for standards off it, else the stated one.
    """
    wells = bench.wells
    controls = np.flatnonzero((wells["type"] == "control").to_numpy())
    frame = pd.concat(
        [
            bench.standards.rename(columns={"well": "position"}),
            pd.DataFrame(
                {
                    "position": controls,
                    "curve": bench.curve[controls],
                    "expected": wells["expected"].to_numpy()[controls],
                    "apart": False,
                    "off": False,
                    "series": np.nan,
                    "reason": CONTROL,
                }
            ),
        ],
        ignore_index=True,
    )
    position = frame["position"].to_numpy(dtype=int)
    for name in ("well", "type", "level", "signal"):
        frame[name] = wells[name].to_numpy()[position]
    written = wells["written"].to_numpy(dtype=object)[position]
    frame["level"] = frame["level"].where(frame["level"] != "", written)
    for name in KEY:
        frame[name] = bench.keys[name].to_numpy()[frame["curve"]]
    concentration = read[position] * dilution_factors(wells)[position]
    frame["concentration"] = np.where(np.isfinite(concentration) & (concentration > 0), concentration, np.nan)
    frame["target"] = frame["series"].where(frame["off"], frame["expected"])
    frame["recovery"] = frame["concentration"] / frame["target"].where(frame["target"] > 0)
    frame["cv"] = _level_cv(frame)
    frame["used"] = (frame["reason"] == "") & fitted[frame["curve"]]
    unfitted = (frame["reason"] == "") & ~frame["used"]
    frame.loc[unfitted, "reason"] = UNFITTED
    return frame.sort_values("position", kind="stable").reset_index(drop=True)


def _level_cv(frame: pd.DataFrame) -> np.ndarray:
    """CV of the concentrations of a level's wells (rows,), NaN for single wells; left-out wells take no part."""
    taken = frame["concentration"].where(frame["reason"].isin(["", CONTROL]))
    wells = taken.groupby([frame["curve"], frame["type"], frame["level"]])
    return (wells.transform("std") / wells.transform("mean")).to_numpy(dtype=float)


def audit(
    bench: Bench, standards: pd.DataFrame, curves: pd.DataFrame, recovery: tuple[float, float], control_recovery: float
) -> list[Finding]:
    """Findings on standards and controls: off their series, hooks, disorder, left out, recovery, range, controls.

    Parameters: `standards` as from `standards_table`; `curves`, K rows of the table CURVES; `recovery`, the widest
    deviation from 1 inside the range and at its ends; `control_recovery`, that of controls.
    """
    found = _off_series(standards)
    found += condense(_hooks(standards))
    found += condense(_disorder(bench, standards, curves))
    found += _left_out(standards)
    found += condense(_recovery(standards, curves, recovery))
    found += condense(_without_range(curves)) + condense(_undefined_lod(curves))
    return found + condense(_controls(standards, control_recovery))


def _off_series(standards: pd.DataFrame) -> list[Finding]:
    """One finding per standard, so that each is named with both values."""
    rows = standards[standards["off"]].drop_duplicates([*KEY, "level"])
    return [_describe_off_series(row) for row in rows.to_dict("records")]


def _describe_off_series(row: dict) -> Finding:
    factor = row["expected"] / row["series"]
    powers = np.log10(factor)
    point = abs(powers - round(powers)) * np.log(10) <= _POWER and round(powers) != 0
    cause = f", a factor {10 ** abs(round(powers)):,}: probably a lost decimal point" if point else ""
    reads = f"; the curve reads {row['concentration']:.4g}" if np.isfinite(row["concentration"]) else ""
    message = (
        f"{row['analyte']}, plate {row['plate']}: {row['level']} is said to hold {row['expected']:.10g}, its dilution "
        f"series implies {row['series']:.7g}{cause}{reads}. Left out of the fit; correct the file."
    )
    numbers = {"stated": f"{row['expected']:.10g}", "series": f"{row['series']:.7g}", "factor": factor}
    return finding(
        "calibrate", "standard_off_series", message, numbers, action="excluded", feature=row["analyte"],
        plate=row["plate"],
    )  # fmt: skip


def _per_curve(
    rows: pd.DataFrame, check: str, severity: str, action: str, words: Callable[[pd.DataFrame], tuple[str, dict]]
) -> list[Finding]:
    found = []
    for (_, plate, analyte), part in rows.groupby(KEY, sort=False):
        text, numbers = words(part)
        message = f"{analyte}, plate {plate}: {text}"
        found.append(
            finding("calibrate", check, message, numbers, severity=severity, action=action, feature=str(analyte),
                    plate=str(plate))
        )  # fmt: skip
    return found


def _hooks(standards: pd.DataFrame) -> list[Finding]:
    def words(part: pd.DataFrame) -> tuple[str, dict[str, Any]]:
        top = part.sort_values("expected", kind="stable").iloc[-1]
        kept = highest[top["curve"]]
        text = (
            f"the signal falls from {kept['signal']:.6g} at {kept['expected']:.6g} to {top['signal']:.6g} at "
            f"{top['expected']:.6g}, a high-dose hook or a bad well; {listed(part['level'].unique())} left out of the "
            "fit. Samples that strong may read too low: dilute and measure again."
        )
        return text, {"highest_used": kept["expected"], "left_out": len(part)}

    used = standards[standards["reason"].isin(["", UNFITTED])]
    used = used.sort_values("expected", kind="stable").drop_duplicates("curve", keep="last")
    highest = used.set_index("curve")[["expected", "signal"]].to_dict("index")
    hooked = standards[(standards["reason"] == HOOK) & standards["curve"].isin(list(highest))]
    return _per_curve(hooked, "high_dose_hook", "warning", "excluded", words)


def _disorder(bench: Bench, standards: pd.DataFrame, curves: pd.DataFrame) -> list[Finding]:
    """Levels that read clearly less than a level below them, the hooks aside."""
    used = standards[standards["used"]]
    if used.empty:
        return []
    signal = bench.signal[used["position"].to_numpy(dtype=int)]
    levels = level_means(used["curve"].to_numpy(), used["expected"].to_numpy(), np.log(signal))
    levels["noise"] = np.fmax(levels["noise"], _usual_miss(used, np.log(signal), curves)[levels["curve"]])
    levels["fall"] = falls(levels)
    names = used.drop_duplicates(["curve", "expected"]).set_index(["curve", "expected"])["level"]
    low = levels[levels["fall"] > 0]
    if low.empty:
        return []
    low = low.assign(level=names.reindex(pd.MultiIndex.from_frame(low[["curve", "expected"]])).to_numpy())
    low = low.join(bench.keys[KEY], on="curve")

    def words(part: pd.DataFrame) -> tuple[str, dict[str, Any]]:
        worst = float(part["fall"].max())
        text = (
            f"{listed(part['level'])} {'reads' if len(part) == 1 else 'read'} less than a weaker standard, by up to "
            f"{100 * (1 - np.exp(-worst)):.0f} % of the signal: wells exchanged, or noise near the blank; used in the "
            "fit all the same."
        )
        return text, {"levels": len(part), "largest_fall_percent": 100 * (1 - np.exp(-worst))}

    return _per_curve(low, "standards_not_monotone", "warning", "flagged", words)


def _usual_miss(used: pd.DataFrame, log_signal: np.ndarray, curves: pd.DataFrame) -> np.ndarray:
    """How far standards lie from their curve in ln signal (K,), by 1.4826 MAD: two exchanged wells do not widen it."""
    curve = used["curve"].to_numpy(dtype=int)
    parameters = curves[["a", "b", "c", "d", "g"]].to_numpy(dtype=float)[curve]
    miss = np.abs(log_signal - log_response(used["expected"].to_numpy(dtype=float), parameters))
    median = pd.Series(miss).groupby(curve).median().reindex(range(len(curves))).to_numpy(dtype=float)
    wells, df = curves["standards_used"].to_numpy(dtype=float), curves["df"].to_numpy(dtype=float)
    return MAD_TO_SD * median * np.sqrt(wells / np.maximum(df, 1))


def _left_out(standards: pd.DataFrame) -> list[Finding]:
    """How many standards each plate lost for every other reason."""
    others = standards[
        (standards["type"] == "standard") & ~standards["used"] & ~standards["reason"].isin([OFF_SERIES, HOOK])
    ]
    found = []
    for (source, plate, reason), part in others.groupby(["source", "plate", "reason"], sort=False):
        analytes = part["analyte"].unique()
        message = (
            f"{source}, plate {plate}: {plural(len(part), 'standard well')} of {plural(len(analytes), 'analyte')} left "
            f"out of the fit ({listed(analytes)}): {reason}."
        )
        numbers = {"wells": len(part), "analytes": len(analytes)}
        found.append(
            finding("calibrate", "standards_left_out", message, numbers, severity="note", action="excluded",
                    plate=str(plate))
        )  # fmt: skip
    return found


def _recovery(standards: pd.DataFrame, curves: pd.DataFrame, recovery: tuple[float, float]) -> list[Finding]:
    """Standards above the LOD that the curve reads too far from what they hold; they limit the range, no more."""
    lod = curves["lod"].fillna(0.0).to_numpy(dtype=float)[standards["curve"]]
    target = standards["target"].to_numpy(dtype=float)
    far = standards["used"].to_numpy() & (target >= lod) & ~(np.abs(standards["recovery"] - 1) <= max(recovery))
    found = []
    for (source, plate), part in standards[far].groupby(["source", "plate"], sort=False):
        analytes = part["analyte"].drop_duplicates()
        each = listed(f"{row.analyte} {row.level}" for row in part.itertuples())
        message = (
            f"{source}, plate {plate}: {plural(len(part), 'standard well')} of {plural(len(analytes), 'analyte')} "
            f"above the LOD read outside 1 ± {max(recovery):g} of what they hold ({each}); the range from LLOQ to ULOQ "
            "ends before them. All are in standards.tsv."
        )
        numbers = {"wells": len(part), "analytes": len(analytes)}
        found.append(finding("calibrate", "standard_recovery", message, numbers, severity="note", plate=str(plate)))
    return found


def _without_range(curves: pd.DataFrame) -> list[Finding]:
    def words(part: pd.DataFrame) -> tuple[str, dict[str, Any]]:
        text = "the curve has no range in which it reads standards well; every value read from it is extrapolated."
        return text, {"standards": int(part["standards_used"].iloc[0])}

    without = curves[(curves["model"] != "") & curves["lloq"].isna()]
    return _per_curve(without, "no_quantification_range", "warning", "flagged", words)


def _undefined_lod(curves: pd.DataFrame) -> list[Finding]:
    def words(part: pd.DataFrame) -> tuple[str, dict[str, Any]]:
        lowest = float(part["lowest_standard"].iloc[0])
        text = f"the blanks' mean + 3 SD is no signal of the curve, so the lowest standard ({lowest:.4g}) is the limit."
        return text, {"blank_signal": float(part["blank_signal"].iloc[0]), "lowest_standard": lowest}

    return _per_curve(curves[curves["lod_kind"] == "undefined"], "lod_undefined", "note", "flagged", words)


def _controls(standards: pd.DataFrame, allowed: float) -> list[Finding]:
    """Controls off what they hold: one finding for a plate where most analytes are, else one per analyte."""
    controls = standards[(standards["type"] == "control") & standards["recovery"].notna()]
    far = controls[(controls["recovery"] - 1).abs() > allowed]
    measured = controls.groupby(["source", "plate"])["analyte"].nunique()
    missed = far.groupby(["source", "plate"])["analyte"].nunique().reindex(measured.index, fill_value=0)
    shifted = missed.index[(missed >= _FEWEST_OF_A_PLATE) & (2 * missed > measured)]
    whole = pd.MultiIndex.from_frame(far[["source", "plate"]]).isin(shifted)

    def words(part: pd.DataFrame) -> tuple[str, dict[str, Any]]:
        each = [f"{row.level} in {row.well} {row.recovery:.2f}" for row in part.itertuples()]
        text = f"controls outside 1 ± {allowed:g} of what the file says they hold: {listed(each)}."
        low, high = part["recovery"].min(), part["recovery"].max()
        return text, {"wells": len(part), "lowest_recovery": low, "highest_recovery": high}

    found = [_describe_shifted(controls, place, int(missed[place]), allowed) for place in shifted]
    return found + condense(_per_curve(far[~whole], "control_recovery", "warning", "flagged", words))


def _describe_shifted(controls: pd.DataFrame, place: tuple[str, str], missed: int, allowed: float) -> Finding:
    source, plate = place
    here = controls[(controls["source"] == source) & (controls["plate"] == plate)]
    middle, analytes = float(here["recovery"].median()), here["analyte"].nunique()
    message = (
        f"{source}, plate {plate}: controls outside 1 ± {allowed:g} of what the file says they hold in {missed} of "
        f"{analytes} analytes, {middle:.2f} in the median: the whole plate reads too "
        f"{'high' if middle > 1 else 'low'}. Reference samples show whether the samples do as well."
    )
    numbers = {"analytes": missed, "of": analytes, "median_recovery": middle}
    return finding("calibrate", "control_recovery", message, numbers, plate=str(plate))
