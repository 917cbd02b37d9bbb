"""What leaves the laboratory: every plate of a study as read, and a list of what was planted there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from cytoshift.simulate.assay import Assay
from cytoshift.simulate.curves import Curves, draw_curves, vary_curves
from cytoshift.simulate.design import Plate, StudyDesign
from cytoshift.simulate.raw import DECIMALS_EXPECTED, RawPlate, compute_results, count_beads, fill_plate, read_signals

BOUNDS = "limits_and_dilution"
SATURATED_AT = 1.2  # share of the plateau
LOST = 1000.0  # what three decimals without their point are worth
BELOW, ABOVE = OUT_OF_RANGE = ("below_range", "above_range")
DEFECT_COLUMNS = ["defect", "what", "plate", "wells", "samples", "analyte", "value", "check"]


@dataclass(frozen=True)
class Measured:
    """`plates` by file name; what was planted (`defects`); the true log2 `concentrations`, samples × analytes."""

    plates: dict[str, RawPlate]
    defects: pd.DataFrame
    concentrations: np.ndarray


def measure_raw(
    design: StudyDesign, assay: Assay, placed: pd.DataFrame, concentrations: np.ndarray, generator: np.random.Generator
) -> Measured:
    """Measure every sample of a study on its plate, with standards, blanks and controls, and plant the defects.

    Parameters: `design`; its `assay`; `placed`, one row per sample: sample, plate, patient, arm, visit; true
    `concentrations` (log2 pg/mL, samples × analytes); `generator`. Returns the plates and what was planted.
    Raises ValueError where a plate is too full, or a defect finds no sample to be planted on.
    """
    base = draw_curves(design.analytes, assay, generator)
    lots = {lot: vary_curves(base, assay.lot_sd, generator) for lot in dict.fromkeys(p.lot for p in design.plates)}
    true, saturated = _raise_one(design, assay, placed, concentrations, generator)
    tubes, swapped = _exchange(design, assay, placed, true)
    materials = _references(design, assay)
    plates, planted = {}, [*_missed_visits(design, placed), *_plate_shifts(design), *swapped]
    for plate in design.plates:
        curves = vary_curves(lots[plate.lot], assay.plate_sd, generator)
        rows = generator.permutation(np.flatnonzero(placed["plate"] == plate.id))
        names = [*[r.sample for r in design.references], *placed["sample"].iloc[rows]]
        held = np.vstack([materials, tubes[rows]])
        contents = fill_plate(design.analytes, assay, names, held, plate.shift)
        signals = read_signals(contents, curves, assay, generator)
        beads = count_beads(signals.shape, assay, generator)
        _spoil_signals(design, assay, plate, contents.samples, signals, curves, saturated)
        _spoil_beads(assay, plate, contents.samples, beads, set(placed["sample"]), generator)
        raw = compute_results(plate, design.analytes, contents, signals, beads, curves, assay, generator)
        plates[plate.file] = raw = _lose_decimal(design, assay, raw)
        planted += _list_plate(design, assay, raw)
    return Measured(plates, pd.DataFrame(planted, columns=DEFECT_COLUMNS), true)


def _spoil_signals(
    design: StudyDesign,
    assay: Assay,
    plate: Plate,
    samples: np.ndarray,
    signals: np.ndarray,
    curves: Curves,
    saturated: str,
) -> None:
    """Plant the hook and the saturated sample on the plates they belong to; changes `signals` (wells × analytes)."""
    hook, above = assay.defects.hook, assay.defects.saturated
    if hook is not None and hook.plate == plate.id:
        j = _position(design, hook.feature)
        signals[samples == "Standard1", j] = hook.share * signals[samples == "Standard2", j]
    if above is not None and above.plate == plate.id:
        j = _position(design, above.feature)
        signals[samples == saturated, j] = curves.background[j] + SATURATED_AT * curves.b[j]


def _spoil_beads(
    assay: Assay,
    plate: Plate,
    samples: np.ndarray,
    beads: np.ndarray,
    patients: set[str],
    generator: np.random.Generator,
) -> None:
    """Let one well each of a few samples run short of beads; changes `beads` (wells × analytes)."""
    low = assay.defects.low_beads
    if low is None or low.plate != plate.id:
        return
    first = pd.Series(samples).drop_duplicates()
    wells = generator.permutation(first.index[first.isin(patients)])[: low.wells]
    beads[wells] = generator.integers(low.fewest, low.most + 1, size=(len(wells), beads.shape[1]))


def _raise_one(
    design: StudyDesign, assay: Assay, placed: pd.DataFrame, concentrations: np.ndarray, generator: np.random.Generator
) -> tuple[np.ndarray, str]:
    """Give one sample far more of an analyte than can be measured."""
    above = assay.defects.saturated
    if above is None:
        return concentrations, ""
    fits = (placed["plate"] == above.plate) & (placed["arm"] == above.arm) & (placed["visit"] == above.visit)
    if not fits.any():
        raise ValueError(f"no sample of arm '{above.arm}' at '{above.visit}' stands on plate '{above.plate}'")
    row = generator.choice(np.flatnonzero(fits))
    j = _position(design, above.feature)
    raised = concentrations.copy()
    raised[row, j] = np.log2(above.fold * design.analytes[j].upper)
    return raised, str(placed["sample"].iloc[row])


def _exchange(
    design: StudyDesign, assay: Assay, placed: pd.DataFrame, concentrations: np.ndarray
) -> tuple[np.ndarray, list[tuple[str, ...]]]:
    """Exchange the tubes of the two most unlike subjects of one arm, visit and plate who came to every visit."""
    swap = assay.defects.swap
    if swap is None:
        return concentrations, []
    complete = placed.groupby("patient")["visit"].transform("nunique") == len(design.visits)
    fits = (placed["plate"] == swap.plate) & (placed["arm"] == swap.arm) & (placed["visit"] == swap.visit) & complete
    rows = np.flatnonzero(fits)
    if len(rows) < 2:
        raise ValueError(f"arm '{swap.arm}' has no two samples at '{swap.visit}' on plate '{swap.plate}' to exchange")
    spread = np.array([analyte.between_sd for analyte in design.analytes])
    standard = concentrations[rows] / spread
    apart = ((standard[:, None, :] - standard[None, :, :]) ** 2).sum(axis=2)
    one, other = rows[list(np.unravel_index(np.argmax(apart), apart.shape))]
    exchanged = concentrations.copy()
    exchanged[[one, other]] = concentrations[[other, one]]
    names = sorted([str(placed["sample"].iloc[one]), str(placed["sample"].iloc[other])])
    what = "the tubes of two subjects of one visit were exchanged before they were pipetted"
    return exchanged, [("swapped_samples", what, swap.plate, "", ";".join(names), "", "", "possible_swap")]


def _references(design: StudyDesign, assay: Assay) -> np.ndarray:
    """True log2 pg/mL of the reference materials: pooled serum, spiked where it would be too low to be measured."""
    middle = np.array([a.centre for a in design.analytes])
    lowest = np.array([a.upper for a in design.analytes]) / assay.fold ** (assay.levels - 1)
    levels = np.array([reference.level for reference in design.references])
    return levels[:, None] + np.log2(np.maximum(middle, lowest))


def _lose_decimal(design: StudyDesign, assay: Assay, raw: RawPlate) -> RawPlate:
    lost = assay.defects.lost_decimal
    if lost is None or lost.plate != raw.plate.id:
        return raw
    stated = raw.expected.copy()
    stated[lost.level - 1, _position(design, lost.feature)] *= LOST
    return replace(raw, stated=np.round(stated, DECIMALS_EXPECTED))


def _missed_visits(design: StudyDesign, placed: pd.DataFrame) -> list[tuple[str, ...]]:
    what = "the subject did not come: the sample does not exist"
    written = {visit.id: visit.written for visit in design.visits}
    seen = set(zip(placed["patient"], placed["visit"], strict=True))
    return [
        ("missing_visit", what, plate, "", f"{patient}-{written[visit]}", "", "", "missed_visit")
        for patient, plate in placed.drop_duplicates("patient")[["patient", "plate"]].itertuples(index=False)
        for visit in written
        if (patient, visit) not in seen
    ]


def _plate_shifts(design: StudyDesign) -> list[tuple[str, ...]]:
    what = "everything that was diluted (samples, bridges, controls) reads this many times too high"
    return [
        ("plate_shift", what, plate.id, "", "", "", f"{2.0**plate.shift:.3f}", "control_recovery")
        for plate in design.plates
        if plate.shift
    ]


def _list_plate(design: StudyDesign, assay: Assay, raw: RawPlate) -> list[tuple[str, ...]]:
    """What was planted on one plate, and where its instrument reports values out of range."""
    plate, defects = raw.plate.id, assay.defects
    rows: list[tuple[str, ...]] = []
    short = np.flatnonzero((raw.beads < assay.min_beads).any(axis=1))
    if len(short):
        counts = f"{raw.beads[short].min()}-{raw.beads[short].max()}"
        what = "too few beads of every analyte were read"
        rows.append(("low_beads", what, plate, _wells(raw, short), _samples(raw, short), "", counts, "low_beads"))
    if defects.hook is not None and defects.hook.plate == plate:
        j = _position(design, defects.hook.feature)
        top = np.flatnonzero(raw.samples == "Standard1")
        value = ";".join(_plain(v) for v in raw.median[top, j])
        what = "the highest standard reads less than the one below it (MFI)"
        rows.append(("hook", what, plate, _wells(raw, top), "Standard1", raw.analytes[j], value, "high_dose_hook"))
    if defects.lost_decimal is not None and defects.lost_decimal.plate == plate:
        i, j = defects.lost_decimal.level - 1, _position(design, defects.lost_decimal.feature)
        value = f"{_plain(raw.stated[i, j])} instead of {_plain(raw.expected[i, j])}"
        what = "an expected concentration is printed without its decimal point (pg/mL)"
        where = np.flatnonzero(raw.samples == f"Standard{i + 1}")
        rows.append(
            (
                "lost_decimal",
                what,
                plate,
                _wells(raw, where),
                f"Standard{i + 1}",
                raw.analytes[j],
                value,
                "standard_off_series",
            )
        )
    return rows + _out_of_range(raw)


def _out_of_range(raw: RawPlate) -> list[tuple[str, ...]]:
    rows: list[tuple[str, ...]] = []
    for sign, cells, limits, what in (
        ("<", raw.too_low, raw.stated[-1], "the instrument reports less than its lowest standard (pg/mL)"),
        (">", raw.too_high, raw.stated[0], "the instrument reports more than its highest standard (pg/mL)"),
    ):
        for j, analyte in enumerate(raw.analytes):
            where = np.flatnonzero(cells[:, j])
            if len(where):
                name = BELOW if sign == "<" else ABOVE
                value = f"{sign} {_plain(limits[j])}"
                rows.append(
                    (name, what, raw.plate.id, _wells(raw, where), _samples(raw, where), analyte, value, BOUNDS)
                )
    return rows


def _position(design: StudyDesign, feature: str) -> int:
    return [analyte.feature for analyte in design.analytes].index(feature)


def _wells(raw: RawPlate, positions: np.ndarray) -> str:
    return ";".join(raw.wells[positions])


def _samples(raw: RawPlate, positions: Sequence[int] | np.ndarray) -> str:
    return ";".join(dict.fromkeys(raw.samples[positions]))


def _plain(value: float) -> str:
    return f"{value:.3f}".rstrip("0").rstrip(".")
