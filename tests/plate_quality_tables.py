"""Simulated plates as calibrate leaves them, with known defects, for the tests of the plate checks."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from cytoshift.frames import conform
from cytoshift.quality.plate_review import PlateReview, review_plates
from cytoshift.tables import CONCENTRATIONS, CURVES, MEASUREMENTS, PLATES, SAMPLES, STANDARDS, WELLS
from quality_tables import make_plan

ROWS = "ABCDEFGH"
LEVELS = 7  # of standards, 4-fold from the highest; the blank is the eighth
LOWER, UPPER, SLOPE, MIDDLE = 30.0, 20_000.0, 1.1, 300.0


@dataclass
class Plates:
    """Tables of one simulated study, by the names that `review_plates` takes."""

    tables: dict[str, pd.DataFrame]

    def review(self) -> PlateReview:
        return review_plates(**self.tables, plan=make_plan(["v1", "v2", "v3"]))


def simulate_plates(
    seed: int = 1,
    *,
    plates: int = 4,
    subjects_per_plate: int = 6,
    analytes: int = 12,
    plate_gain_sd: float = 0.15,
    plate_error_sd: float = 0.08,
    well_sd: float = 0.06,
    signal_sd: float = 0.05,
    level: float = 8.0,
    control_shift: tuple[str, float] | None = None,
    edge_shift: float = 0.0,
    missed_volume: float = 0.0,
    dirty_blank: float = 0.0,
    gain: tuple[str, float] | None = None,
    censored_plate: str = "",
) -> Plates:
    """Draw a study of whole subjects (three visits, duplicate wells) per plate, with standards, blanks and controls.

    A plate has a gain (its curve corrects for it), an error of its own that nothing corrects for, wells have a volume
    error common to all analytes, and every signal has noise; SDs in log2. Defects: `control_shift` (plate, log2) moves
    all that is no standard; `edge_shift` (log2) wells at the edge; `missed_volume` (log2) one well of p2;
    `dirty_blank` (log2) one blank of p2; `gain` (plate, log2) moves a plate's signals; `censored_plate` reads half of
    its sample wells below range.
    """
    generator = np.random.default_rng(seed)
    names = [f"a{k:02d}" for k in range(analytes)]
    centre = generator.normal(level, 1.0, analytes)
    people = centre + generator.normal(0, 0.8, (plates * subjects_per_plate, 1, analytes))
    truth = people + generator.normal(0, 0.3, (plates * subjects_per_plate, 3, analytes))
    parts, curves, samples = [], [], []
    for p in range(plates):
        plate = f"p{p + 1}"
        layout = _layout(p, subjects_per_plate, generator)
        subject, visit = layout["subject"].to_numpy(), layout["visit"].to_numpy()
        log2 = np.full((len(layout), analytes), -np.inf)
        standard = (layout["type"] == "standard").to_numpy()
        log2[standard] = np.log2(layout["expected"].to_numpy()[standard])[:, None]
        is_sample = subject >= 0
        log2[is_sample] = truth[subject[is_sample], visit[is_sample]]
        for k, control in enumerate(("C1", "C2", "BRIDGE")):
            log2[(layout["written"] == control).to_numpy()] = centre + k - 1
        shift = plate_error_sd * generator.normal() + 0.5 * plate_error_sd * generator.normal(size=analytes)
        shift = shift + (control_shift[1] if control_shift and control_shift[0] == plate else 0.0)
        volume = well_sd * generator.normal(size=len(layout)) + edge_shift * layout["edge"].to_numpy()
        if missed_volume and plate == "p2":
            volume[np.flatnonzero(is_sample)[4]] += missed_volume
        log2 = log2 + np.where(standard, 0.0, 1.0)[:, None] * (shift + volume[:, None])
        of_plate = plate_gain_sd * generator.normal() + (gain[1] if gain and gain[0] == plate else 0.0)
        scale = 2 ** (of_plate + 0.1 * generator.normal(size=analytes))
        noise = generator.normal(0, signal_sd, log2.shape)
        signal = scale * 2**noise * (UPPER + (LOWER - UPPER) / (1 + (2**log2 / MIDDLE) ** SLOPE))
        if dirty_blank and plate == "p2":
            signal[np.flatnonzero(layout["type"] == "blank")[0]] *= 2**dirty_blank
        parts.append(_long(layout, names, plate, signal, scale))
        curves += [(plate, name, LOWER * s, UPPER * s) for name, s in zip(names, scale, strict=True)]
        samples += [
            (f"s{s:02d}-v{v + 1}", f"s{s:02d}", f"v{v + 1}", "sample")
            for s in sorted(set(subject) - {-1})
            for v in range(3)
        ]
    wells = pd.concat(parts, ignore_index=True)
    if censored_plate:
        below = (wells["plate"] == censored_plate) & (wells["type"] == "sample") & (wells["analyte"] == "a03")
        wells.loc[below, ["value", "status"]] = [np.nan, "below"]
    return Plates(_tables(wells, curves, samples))


def _layout(plate: int, subjects: int, generator: np.random.Generator) -> pd.DataFrame:
    """What stands where: standards and blanks in columns 1 and 2, controls next, samples at random places, in pairs."""
    rows = []
    for row in range(8):
        kind, level = ("standard", f"S{row + 1}") if row < LEVELS else ("blank", "")
        expected = 10_000.0 / 4**row if row < LEVELS else np.nan
        rows += [(f"{ROWS[row]}{column}", kind, level, level or "Blank", expected, -1, -1) for column in (1, 2)]
    places = [(row, column) for column in (3, 5, 7, 9, 11) for row in range(8)]
    contents = [("control", "C1"), ("control", "C2"), ("sample", "BRIDGE")]
    contents += [(s, v) for s in range(plate * subjects, (plate + 1) * subjects) for v in range(3)]
    order = generator.permutation(len(contents))
    for place, k in zip(places, order, strict=False):
        first, second = contents[k]
        control = isinstance(second, str)
        written = second if control else f"s{first:02d}-v{second + 1}"
        kind = first if control else "sample"
        level = written if kind == "control" else ""
        number = (-1, -1) if control else (first, second)
        rows += [(f"{ROWS[place[0]]}{place[1] + k}", kind, level, written, np.nan, *number) for k in (0, 1)]
    frame = pd.DataFrame(rows, columns=["well", "type", "level", "written", "expected", "subject", "visit"])
    column = frame["well"].str[1:].astype(int)
    return frame.assign(edge=(frame["well"].str[0].isin(["A", "H"]) | column.isin([1, 12])).astype(float))


def _long(layout: pd.DataFrame, names: list[str], plate: str, signal: np.ndarray, scale: np.ndarray) -> pd.DataFrame:
    rows, analytes = signal.shape
    long = layout.loc[layout.index.repeat(analytes)].reset_index(drop=True)
    relative = np.clip((signal / scale - LOWER) / (UPPER - signal / scale), 0, None)
    value = (MIDDLE * relative ** (1 / SLOPE)).ravel()
    detected = value > 1.0
    return long.assign(
        source="luminex",
        plate=plate,
        analyte=np.tile(names, rows),
        analyte_as_written=np.tile([name.upper() for name in names], rows),
        signal=signal.ravel(),
        beads=80,
        unit="pg/mL",
        value=np.where(detected, value, np.nan),
        lower=np.where(detected, value, 0.0),
        upper=np.where(detected, value, 1.0),
        status=np.where(detected, "observed", "below"),
        sample=long["written"].where(long["type"] == "sample", ""),
    )


def _tables(wells: pd.DataFrame, curves: list[tuple], samples: list[tuple]) -> dict[str, pd.DataFrame]:
    about = pd.DataFrame([*samples, ("BRIDGE", "", "", "bridge")], columns=["sample", "subject", "visit", "type"])
    wells = wells.drop(columns=["subject", "visit", "edge"])
    kept = wells[wells["type"] == "sample"]
    measured = kept[[name for name in MEASUREMENTS.names() if name in kept.columns]]
    read = wells.rename(columns={"value": "concentration"})
    read = read[[name for name in CONCENTRATIONS.names() if name in read.columns]]
    fitted = pd.DataFrame(curves, columns=["plate", "analyte", "a", "d"]).assign(
        source="luminex", b=SLOPE, c=MIDDLE, g=1.0, concentration="refit", lowest_standard=10_000 / 4**6,
        highest_standard=10_000.0,
    )  # fmt: skip
    of_standards = wells[wells["type"] == "standard"].assign(used=True)
    of_standards["concentration"] = of_standards["value"]
    of_standards["recovery"] = of_standards["value"] / of_standards["expected"]
    of_standards = of_standards[[name for name in STANDARDS.names() if name in of_standards.columns]]
    plates = pd.DataFrame({"source": "luminex", "plate": sorted(wells["plate"].unique())})
    plates["run_date"] = [f"2025-03-{10 + k:02d}" for k in range(len(plates))]
    return {
        "measurements": conform(measured, MEASUREMENTS),
        "concentrations": conform(read, CONCENTRATIONS),
        "curves": conform(fitted, CURVES),
        "standards": conform(of_standards, STANDARDS),
        "wells": conform(wells, WELLS),
        "samples": conform(about, SAMPLES),
        "plates": conform(plates, PLATES),
    }
