"""What do the standards of every plate say when they are fitted again: curves, limits, and what each well reads?"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from cytoshift.calibrate.back import BackCalculated, back_calculate
from cytoshift.calibrate.fit import Fits, fit_curves
from cytoshift.calibrate.limits import (
    DetectionLimits,
    Levels,
    QuantificationRange,
    detection_limits,
    level_readings,
    quantification_range,
)
from cytoshift.calibrate.standards import Bench, pad
from cytoshift.frames import conform
from cytoshift.study.settings import Calibrate
from cytoshift.tables import CURVES

FEWEST_LEVELS = 5


@dataclass(frozen=True)
class Refit:
    """The curves fitted here (K), their limits, and every well read off them (m)."""

    fits: Fits
    reason: np.ndarray
    read: BackCalculated
    detection: DetectionLimits
    quantification: QuantificationRange

    @property
    def fitted(self) -> np.ndarray:
        """Which plates × analytes have a curve (K,)."""
        return self.fits.model != ""


def refit(bench: Bench, settings: Calibrate) -> Refit:
    """Fit the standards of every plate × analyte, find LOD and LLOQ–ULOQ, and read every well.

    A plate × analyte with fewer than five usable standard concentrations gets no curve; `reason` says so.
    """
    used = bench.used()
    levels = used.groupby("curve")["expected"].nunique().reindex(range(bench.curves), fill_value=0).to_numpy()
    enough = levels >= FEWEST_LEVELS
    fits = _fit(bench, used[enough[used["curve"]]], settings)
    reason = np.where(enough, fits.reason, [_too_few(number) for number in levels.tolist()]).astype(object)
    read = back_calculate(fits, bench.curve, bench.signal)
    blanks = pad(bench.signal[bench.blanks], bench.curve[bench.blanks], bench.curves)
    analyte = bench.keys.groupby(["source", "analyte"], sort=False).ngroup().to_numpy()
    detection = detection_limits(fits, blanks, analyte, min_blanks=settings.min_blanks)
    curve, well = used["curve"].to_numpy(), used["well"].to_numpy()
    readings = level_readings(
        pad(used["expected"].to_numpy(), curve, bench.curves), pad(read.concentration[well], curve, bench.curves)
    )
    quantification = quantification_range(
        readings,
        recovery=settings.recovery,
        recovery_at_ends=settings.recovery_at_ends,
        max_cv=settings.max_cv,
        max_cv_at_ends=settings.max_cv_at_ends,
    )
    return Refit(fits, reason, read, _above_unreadable(detection, readings), quantification)


def _above_unreadable(detection: DetectionLimits, readings: Levels) -> DetectionLimits:
    """Limits that are the lowest standard, moved up to the lowest one of the run that the curve reads at all.

    A standard that reads as nothing, or past an asymptote, detects nothing: a bound there would claim too much.
    """
    readable = np.isfinite(readings.recovery) & (readings.recovery > 0)
    curves, levels = readable.shape
    length, best, first = np.zeros(curves, dtype=int), np.zeros(curves, dtype=int), np.zeros(curves, dtype=int)
    for level in range(levels):
        length = np.where(readable[:, level], length + 1, 0)
        longer = length > best
        best, first = np.where(longer, length, best), np.where(longer, level - length + 1, first)
    lowest = readings.concentration[np.arange(curves), first] if levels else np.full(curves, np.nan)
    moved = (detection.kind == "lowest_standard") & (best > 0) & (lowest > detection.lod)
    return replace(detection, lod=np.where(moved, lowest, detection.lod))


def _fit(bench: Bench, used: pd.DataFrame, settings: Calibrate) -> Fits:
    places, concentration = used["well"].to_numpy(), used["expected"].to_numpy()
    if settings.background == "include":
        with_standards = np.isin(bench.curve[bench.blanks], used["curve"].to_numpy())
        blanks = bench.blanks[with_standards]
        places = np.concatenate([places, blanks])
        concentration = np.concatenate([concentration, np.zeros(len(blanks))])
    curve = bench.curve[places]
    lower = bench.blank if settings.background == "constrain" else None
    return fit_curves(
        pad(concentration, curve, bench.curves),
        pad(bench.signal[places], curve, bench.curves),
        curve=settings.curve,
        lower=lower,
    )


def _too_few(levels: int) -> str:
    if not levels:
        return "no standards with a signal and a stated concentration"
    return (
        f"{levels} usable standard {'concentration' if levels == 1 else 'concentrations'}, {FEWEST_LEVELS} are needed"
    )


def curves_table(bench: Bench, fresh: Refit, chosen: np.ndarray, settings: Calibrate) -> pd.DataFrame:
    """The table CURVES with one row for each of the K plates × analytes; `chosen` (K,) as from `choose`."""
    fits, detection, span = fresh.fits, fresh.detection, fresh.quantification
    used, standards = bench.used(), bench.standards
    lowest, highest = (
        used.groupby("curve")["expected"].agg(name).reindex(range(bench.curves)) for name in ("min", "max")
    )
    a, b, c, d, g = fits.parameters.T
    fitted = fresh.fitted
    frame = bench.keys.assign(
        concentration=chosen,
        model=fits.model,
        model_reason=fresh.reason,
        background=np.where(fitted, settings.background, ""),
        a=a,
        b=b,
        c=c,
        d=d,
        g=g,
        residual_sd=fits.residual_sd,
        df=np.where(fitted, fits.df, np.nan),
        condition=fits.condition,
        standards_used=np.where(fitted, bench.per_curve(used["curve"]), 0),
        standards_left_out=bench.per_curve(standards["curve"]) - np.where(fitted, bench.per_curve(used["curve"]), 0),
        blanks=bench.per_curve(bench.curve[bench.blanks]),
        blank_signal=bench.blank,
        lod=detection.lod,
        lod_kind=detection.kind,
        lod_robust=detection.lod_robust,
        lloq=span.lloq,
        uloq=span.uloq,
        lowest_standard=lowest.to_numpy(dtype=float),
        highest_standard=highest.to_numpy(dtype=float),
        note=_notes(bench, fresh, settings),
    )
    return conform(frame, CURVES)


def worth_showing(bench: Bench) -> np.ndarray:
    """Which plates × analytes have a signal at all (K,): a source of finished numbers has no curves to show."""
    return bench.per_curve(bench.curve[np.isfinite(bench.signal)]) > 0


def _notes(bench: Bench, fresh: Refit, settings: Calibrate) -> list[str]:
    blanks = bench.per_curve(bench.curve[bench.blanks])
    raw = bench.per_curve(bench.curve[bench.wells["signal"].notna().to_numpy()]) > 0
    notes = []
    for number, fitted in enumerate(fresh.fitted):
        parts = []
        if fitted:
            parts = [fresh.fits.note[number], fresh.detection.reason[number], fresh.quantification.reason[number]]
            if not blanks[number] and settings.background != "include":
                parts.append(f"no blanks, so background: {settings.background} changes nothing")
            if not raw[number]:
                parts.append("fitted on background-subtracted signals, the file has no others")
        notes.append("; ".join(filter(None, parts)))
    return notes
