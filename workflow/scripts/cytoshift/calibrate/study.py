"""What concentration does every signal of a study mean, and does the instrument's software say the same?"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from cytoshift.calibrate import agreement, instrument, values, well_findings
from cytoshift.calibrate.audit import audit, standards_table
from cytoshift.calibrate.bench_findings import FEWEST_BEADS, inspect
from cytoshift.calibrate.choose import choose
from cytoshift.calibrate.refit import Refit, curves_table, refit, worth_showing
from cytoshift.calibrate.standards import Bench, arrange
from cytoshift.findings import Finding, findings_table
from cytoshift.frames import conform, empty
from cytoshift.study.study import CalibratePlan
from cytoshift.tables import AGREEMENT, CONCENTRATIONS, CURVES, STANDARDS


@dataclass(frozen=True)
class Calibrated:
    """What the calibrate stage writes, as tables/ defines it; `measurements` are intake's with the values chosen."""

    measurements: pd.DataFrame
    curves: pd.DataFrame
    standards: pd.DataFrame
    concentrations: pd.DataFrame
    agreement: pd.DataFrame
    findings: pd.DataFrame


def calibrate_study(
    measurements: pd.DataFrame, wells: pd.DataFrame, instrument_curves: pd.DataFrame, plan: CalibratePlan
) -> Calibrated:
    """Fit and audit the standards of every plate, read every well, and choose each value's origin as the plan says.

    Parameters: `measurements`, `wells` and `instrument_curves` as intake's tables of that name. Measurements of sources
    without wells pass through untouched. Raises Problems where a plate × analyte can be given no concentration.
    """
    if wells.empty:
        curves, standards = empty(CURVES), empty(STANDARDS)
        return Calibrated(measurements, curves, standards, empty(CONCENTRATIONS), empty(AGREEMENT), findings_table([]))
    settings = plan.calibrate
    bench = arrange(wells, settings.background)
    fresh = refit(bench, settings)
    chosen = choose(bench, fresh.fitted, fresh.reason, plan.cytokines)
    curves = curves_table(bench, fresh, chosen.concentration, settings)
    standards = standards_table(bench, fresh.read.concentration, fresh.fitted)
    their_curves = instrument.find_curves(bench, instrument_curves)
    concentrations, of_curve = _concentrations(bench, fresh, curves)
    evidence = _evidence(bench, fresh, standards, their_curves, plan)
    compared = agreement.compare(concentrations, of_curve, bench.keys, evidence)
    passed, found = _pass_on(bench, measurements, fresh, curves, chosen.concentration, plan)
    refitted = chosen.concentration[bench.curve] == "refit"
    found += well_findings.describe_dilutions(bench, refitted, concentrations)
    recovery = (settings.recovery, settings.recovery_at_ends)
    found = chosen.findings + audit(bench, standards, curves, recovery, settings.recovery_at_ends) + found
    found += inspect(bench, curves, standards, fewest_beads=FEWEST_BEADS)
    found += instrument.check_arithmetic(bench, their_curves) + agreement.describe(compared)
    return Calibrated(
        passed,
        curves[worth_showing(bench)].reset_index(drop=True),
        conform(standards[[name for name in STANDARDS.names() if name in standards]], STANDARDS),
        concentrations,
        compared,
        findings_table(found),
    )


def _concentrations(bench: Bench, fresh: Refit, curves: pd.DataFrame) -> tuple[pd.DataFrame, np.ndarray]:
    """The table CONCENTRATIONS of every well but blanks where there is a curve, and the curve of each row."""
    wells = bench.wells
    shown = _shown(bench, fresh)
    curve = bench.curve[shown]
    factor = instrument.dilution_factors(wells)[shown]
    status = np.where(np.isnan(factor), "missing", values.well_status(bench, fresh.read.status)[shown])
    read = fresh.read.concentration[shown]
    lloq, uloq = (curves[name].to_numpy(dtype=float)[curve] for name in ("lloq", "uloq"))
    observed = status == "observed"
    with np.errstate(invalid="ignore"):
        in_range = observed & (read >= lloq) & (read <= uloq)
    numbers = {"concentration": read, "low": fresh.read.low[shown], "high": fresh.read.high[shown]}
    frame = wells.iloc[shown][[name for name in CONCENTRATIONS.names() if name in wells]].reset_index(drop=True)
    frame = frame.assign(
        **{name: number * factor for name, number in numbers.items()},
        se_log2=fresh.read.se_log2[shown],
        status=np.where(observed & ~in_range, "extrapolated", status),
        instrument=wells["value"].to_numpy()[shown],
        instrument_status=wells["status"].to_numpy()[shown],
        in_range=in_range,
    )
    frame["concentration"] = frame["concentration"].where(observed)
    frame["log2_ratio"] = agreement.log2_ratio(frame)
    return conform(frame, CONCENTRATIONS), curve


def _shown(bench: Bench, fresh: Refit) -> np.ndarray:
    """Positions of the wells of fitted curves, blanks aside."""
    return np.flatnonzero(fresh.fitted[bench.curve] & (bench.wells["type"] != "blank").to_numpy())


def _evidence(
    bench: Bench, fresh: Refit, standards: pd.DataFrame, their_curves: pd.DataFrame, plan: CalibratePlan
) -> agreement.Evidence:
    own = standards[standards["type"] == "standard"]
    place = own["position"].to_numpy(dtype=int)
    printed = bench.wells["value"].to_numpy(dtype=float)[place]
    recomputed = instrument.recompute(bench, their_curves)[place]
    shown = _shown(bench, fresh)
    lower, upper = (fresh.fits.parameters[bench.curve[shown], column] for column in (0, 3))
    return agreement.Evidence(
        r_squared=their_curves["r_squared"].to_numpy(dtype=float),
        on=their_curves["on"].fillna("").to_numpy(dtype=object),
        blank=bench.blank,
        background=plan.calibrate.background,
        curve=own["curve"].to_numpy(dtype=int),
        target=own["target"].to_numpy(dtype=float),
        theirs=np.where(np.isfinite(printed), printed, recomputed),
        ours=own["concentration"].to_numpy(dtype=float),
        off=own["off"].to_numpy(dtype=bool),
        stated=own["expected"].to_numpy(dtype=float),
        rise=instrument.rise(bench.signal[shown], (lower, upper)),
        their_rise=instrument.their_rise(bench, their_curves)[shown],
    )


def _pass_on(
    bench: Bench,
    measurements: pd.DataFrame,
    fresh: Refit,
    curves: pd.DataFrame,
    chosen: np.ndarray,
    plan: CalibratePlan,
) -> tuple[pd.DataFrame, list[Finding]]:
    """The measurements with each value from where its plate × analyte takes it."""
    wells_of = values.find_wells(bench, measurements)
    stated = values.stated_values(bench, measurements, wells_of)
    origin = chosen[bench.curve]
    own = values.instrument_values(bench, curves, stated, plan.limits)
    blanks_reach = fresh.detection.signal - fresh.detection.blank_signal
    status = values.well_status(bench, fresh.read.status)
    final = values.refit_values(bench, fresh.read.concentration, status, curves, plan.limits).where(
        origin == "refit", values.signal_values(bench, blanks_reach).where(origin == "signal", own)
    )
    taken = origin == "signal"
    changed = (origin != "instrument") | own.differ(stated)
    found = well_findings.describe_nonpositive(bench, taken)
    found += well_findings.describe_unread(bench, origin == "refit", final.status)
    found += well_findings.describe_marked(bench)
    return values.put(measurements, wells_of, final, changed, origin), found
