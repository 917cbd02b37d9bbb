"""Do the concentrations an instrument's software printed follow from the curves and signals in the same file?

They do in an untouched export, to the last printed digit. Where they do not, somebody changed a number, or the curve
printed is not the one that was used.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from cytoshift.calibrate.remarks import condense
from cytoshift.calibrate.standards import KEY, Bench
from cytoshift.findings import Finding, finding, plural

TOLERANCE = 0.01
PARAMETERS = ["a", "b", "c", "d", "g"]
NUMBERS = ("observed", "extrapolated")
_NAMED = 3


def invert(signal: np.ndarray, parameters: np.ndarray) -> np.ndarray:
    """Concentration that a software's curve gives each signal.

    Parameters: `signal` (m,); `parameters` (m, 5) in the order a, b, c, d, g of y = d + (a − d)/(1 + (x/c)^b)^g, b of
    either sign, a and d also negative (curves on background-subtracted signals).
    Returns x = c·(((a − d)/(y − d))^(1/g) − 1)^(1/b) (m,); NaN at and past the asymptotes.
    """
    a, b, c, d, g = np.moveaxis(parameters, -1, 0)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        share = (a - d) / (signal - d)
        inside = np.where((share > 1) & np.isfinite(share), share, np.nan) ** (1 / g) - 1
        return np.where(inside > 0, c * np.where(inside > 0, inside, np.nan) ** (1 / b), np.nan)


def find_curves(bench: Bench, instrument_curves: pd.DataFrame) -> pd.DataFrame:
    """The software's curve of each plate × analyte: K rows with on, a … g, r_squared; empty where the file has none."""
    known = instrument_curves.drop_duplicates(KEY).set_index(KEY)[["on", *PARAMETERS, "r_squared"]]
    return known.reindex(pd.MultiIndex.from_frame(bench.keys[KEY])).reset_index(drop=True)


def dilution_factors(wells: pd.DataFrame) -> np.ndarray:
    """What a concentration read from the curve is multiplied by (m,): nothing for standards, whose dilution is told.

    NaN for a sample or control whose dilution nobody states while other samples or controls of its source are diluted:
    it may be diluted too. Where no other is, it counts as undiluted.
    """
    factor = wells["dilution"].to_numpy(dtype=float)
    told = wells["type"].isin(["sample", "control"]).to_numpy()
    diluted = wells["source"].isin(wells.loc[told & (factor > 0) & (factor != 1), "source"].unique()).to_numpy()
    return np.where(~told, 1.0, np.where(np.isnan(factor) & ~diluted, 1.0, factor))


def recompute(bench: Bench, curves: pd.DataFrame) -> np.ndarray:
    """Concentrations (m,) from the software's own curves and signals, times dilution; NaN where there are none.

    `curves` as from `find_curves`.
    """
    return _read(bench, curves, _their_signal(bench, curves))


def rise(signal: np.ndarray, asymptotes: tuple[np.ndarray, np.ndarray]) -> np.ndarray:
    """How far up its curve each signal lies (m,), 0 at the lower and 1 at the upper of its two asymptotes (m,)."""
    low, high = np.fmin(*asymptotes), np.fmax(*asymptotes)
    with np.errstate(divide="ignore", invalid="ignore"):
        return (signal - low) / (high - low)


def their_rise(bench: Bench, curves: pd.DataFrame) -> np.ndarray:
    """How far up the software's curve each well lies (m,), NaN without one."""
    a, d = (curves[name].to_numpy(dtype=float)[bench.curve] for name in ("a", "d"))
    return rise(_their_signal(bench, curves), (a, d))


def check_arithmetic(bench: Bench, curves: pd.DataFrame) -> list[Finding]:
    """Say per plate how many printed concentrations the file's own curves reproduce, and name those they do not.

    `curves` as from `find_curves`. A number is reproduced within 1 %, or within the rounding of the printed signal and
    concentration. Files without curves or numbers give no finding.
    """
    wells = bench.wells
    has_curve = curves["c"].notna().to_numpy(dtype=bool)[bench.curve]
    their = _their_signal(bench, curves)
    printed = wells["value"].to_numpy(dtype=float)
    places = np.flatnonzero(has_curve & wells["status"].isin(NUMBERS).to_numpy() & (printed > 0) & np.isfinite(their)
        & np.isfinite(dilution_factors(wells)))  # fmt: skip
    if not len(places):
        return []
    own = _read(bench, curves, their)
    with np.errstate(invalid="ignore"):
        follows = np.abs(own[places] / printed[places] - 1) <= TOLERANCE
    left = places[~follows]
    follows[~follows] = _within_rounding(bench, curves, their, left)
    frame = bench.keys.iloc[bench.curve[places]][KEY].reset_index(drop=True)
    frame = frame.assign(well=wells["well"].to_numpy()[places], printed=printed[places], own=own[places])
    frame["follows"] = follows
    found = []
    for (source, plate), part in frame.groupby(["source", "plate"], sort=False):
        found.append(_describe_plate(str(source), str(plate), part))
    return found + condense([_describe(key, part) for key, part in frame[~frame["follows"]].groupby(KEY, sort=False)])


def _their_signal(bench: Bench, curves: pd.DataFrame) -> np.ndarray:
    raw = (curves["on"] == "raw").to_numpy(dtype=bool)[bench.curve]
    return np.where(raw, bench.wells["signal"], bench.wells["net_signal"]).astype(float)


def _read(bench: Bench, curves: pd.DataFrame, signal: np.ndarray) -> np.ndarray:
    parameters = curves[PARAMETERS].to_numpy(dtype=float)[bench.curve]
    return invert(signal, parameters) * dilution_factors(bench.wells)


def _within_rounding(bench: Bench, curves: pd.DataFrame, signal: np.ndarray, places: np.ndarray) -> np.ndarray:
    """Could the printed concentration come from a signal that rounds to the printed one? (places,)"""
    printed = bench.wells["value"].to_numpy(dtype=float)
    step = _half_step(signal, bench.curve, places)
    ends = []
    for shift in (-step, step):
        moved = signal.copy()
        moved[places] += shift
        ends.append(_read(bench, curves, moved)[places])
    slack = _half_step(printed, bench.curve, places)
    low, high = np.fmin(*ends), np.fmax(*ends)
    with np.errstate(invalid="ignore"):
        return (printed[places] >= low * (1 - TOLERANCE) - slack) & (printed[places] <= high * (1 + TOLERANCE) + slack)


def _half_step(values: np.ndarray, curve: np.ndarray, places: np.ndarray) -> np.ndarray:
    """Half of the last digit to which the numbers of each place's curve are printed (places,)."""
    steps = {}
    for number in np.unique(curve[places]).tolist():
        texts = (np.format_float_positional(value, trim="-") for value in values[curve == number] if np.isfinite(value))
        steps[number] = 0.5 * 10.0 ** -max((len(text.partition(".")[2]) for text in texts), default=0)
    return np.array([steps[number] for number in curve[places].tolist()])


def _describe_plate(source: str, plate: str, part: pd.DataFrame) -> Finding:
    total, same = len(part), int(part["follows"].sum())
    close = int(((part["own"] / part["printed"] - 1).abs() <= TOLERANCE).sum())
    message = (
        f"{source}, plate {plate}: {same:,} of {total:,} concentrations the software printed follow from the file's "
        f"own curves, signals and dilutions, {close:,} of them within 1 %."
    )
    numbers = {"printed": total, "follow": same, "within_1_percent": close}
    severity = "note" if same == total else "warning"
    return finding(
        "calibrate", "instrument_arithmetic", message, numbers, severity=severity, action="nothing", plate=plate
    )


def _describe(key: Any, part: pd.DataFrame) -> Finding:
    _, plate, analyte = key
    cells = "; ".join(
        f"{well} {printed:.6g} where the {f'curve gives {own:.6g}' if own == own else 'signal is past its end'}"
        for well, printed, own in zip(part["well"][:_NAMED], part["printed"], part["own"], strict=False)
    )
    more = f"; and {len(part) - _NAMED} more" if len(part) > _NAMED else ""
    message = (
        f"{analyte}, plate {plate}: {plural(len(part), 'printed concentration')} not following from the file's own "
        f"curve ({cells}{more}): altered, or computed with another curve."
    )
    return finding(
        "calibrate",
        "instrument_value_differs",
        message,
        {"wells": len(part), "first_printed": part["printed"].iloc[0], "first_recomputed": part["own"].iloc[0]},
        feature=str(analyte),
        plate=str(plate),
    )
