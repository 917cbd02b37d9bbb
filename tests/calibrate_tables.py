"""Small plates with known truth for the tests of the calibrate stage, and real exports in the same shape."""

from functools import cache
from typing import Any

import numpy as np
import pandas as pd

from cytoshift.calibrate.curve import response
from cytoshift.frames import conform, empty
from cytoshift.intake.instruments.content import Content
from cytoshift.intake.instruments.formats import reader
from cytoshift.intake.instruments.readout import Options
from cytoshift.study.study import CalibratePlan
from cytoshift.tables import INSTRUMENT_CURVES, MEASUREMENTS, WELLS
from shared_data import shared_study

CURVE = (20.0, 1.1, 400.0, 25000.0, 1.0)  # a, b, c, d, g of an ordinary bead assay
SAMPLES = {"s1": 3.0, "s2": 40.0, "s3": 250.0, "s4": 900.0}
NO_CURVES = empty(INSTRUMENT_CURVES)


def make_plan(calibrate: dict[str, Any] | None = None, limits: dict[str, Any] | None = None, **source: Any):
    """A plan with one source of instrument files, every default otherwise."""
    cytokines = [{"id": "luminex", "format": "xponent", "files": ["plate.csv"], **source}]
    bounds = {"below": "lod", "extrapolated": "keep", **(limits or {})}
    return CalibratePlan.model_validate({"cytokines": cytokines, "calibrate": calibrate or {}, "limits": bounds})


def dilution_series(top: float = 4000.0, fold: float = 4.0, levels: int = 8) -> list[float]:
    """Concentrations of standards 1, 2, … by falling concentration."""
    return [top / fold**step for step in range(levels)]


def make_wells(
    analytes: tuple[str, ...] = ("il6",),
    *,
    plate: str = "p1",
    standards: list[float] | None = None,
    blanks: int = 4,
    blank_spread: float = 0.0,
    samples: dict[str, float] | None = None,
    controls: dict[str, float] | None = None,
    dilution: float = 2.0,
    curve: tuple[float, ...] = CURVE,
    noise: float = 0.0,
    replicates: int = 1,
    seed: int = 1,
) -> pd.DataFrame:
    """A plate of wells whose signals lie on `curve`, times log-normal noise of SD `noise`.

    `samples` and `controls` map names to concentrations in the tube, before the well's `dilution`. Blanks have the
    signal of the lower asymptote, times 1 − s, 1, 1 + s, 1 where `blank_spread` is s.
    """
    generator = np.random.default_rng(seed)
    tubes = [("standard", f"Standard{k + 1}", x, np.nan) for k, x in enumerate(standards or dilution_series())]
    tubes += [("control", name, x, dilution) for name, x in (controls or {}).items()]
    tubes += [("sample", name, x, dilution) for name, x in (SAMPLES if samples is None else samples).items()]
    tubes = [tube for tube in tubes for _ in range(replicates)]
    rows = []
    for analyte in analytes:
        concentration = np.array([x if kind == "standard" else x / factor for kind, _, x, factor in tubes])
        signal = response(concentration, np.tile(curve, (len(tubes), 1)))
        signal = signal * np.exp(noise * generator.standard_normal(len(tubes)))
        for (kind, name, x, factor), y in zip(tubes, signal.tolist(), strict=True):
            row = {"analyte": analyte, "type": kind, "written": name, "signal": y, "dilution": factor}
            row |= {"level": name if kind != "sample" else "", "sample": name if kind == "sample" else ""}
            rows.append(row | {"expected": x if kind != "sample" else np.nan})
        for number in range(blanks):
            signal_of_blank = curve[0] * (1 + blank_spread * (-1, 0, 1, 0)[number % 4])
            rows.append({"analyte": analyte, "type": "blank", "written": "Blank", "signal": signal_of_blank})
    frame = pd.DataFrame(rows)
    frame["well"] = [f"{'ABCDEFGH'[k % 8]}{k // 8 + 1}" for k in frame.groupby("analyte", sort=False).cumcount()]
    frame["source_row"] = frame.groupby("analyte", sort=False).cumcount() + 2
    background = frame["signal"].where(frame["type"] == "blank").groupby(frame["analyte"]).transform("mean")
    frame["net_signal"] = frame["signal"] - background.fillna(0.0)
    constant = {
        "source": "luminex",
        "plate": plate,
        "unit": "pg/mL",
        "status": "missing",
        "source_file": f"{plate}.csv",
    }
    return conform(frame.assign(analyte_as_written=frame["analyte"], source_column=frame["analyte"], **constant), WELLS)


def with_instrument(wells: pd.DataFrame, values: np.ndarray) -> pd.DataFrame:
    """The wells with concentrations printed by the instrument, NaN where it printed none."""
    status = np.where(np.isfinite(values), "observed", "missing")
    return conform(wells.assign(value=values, lower=values, upper=values, status=status), WELLS)


def true_values(wells: pd.DataFrame) -> np.ndarray:
    """What samples, controls and standards hold; NaN for blanks."""
    return wells["sample"].map(SAMPLES).fillna(wells["expected"]).to_numpy(dtype=float)


def make_curves(wells: pd.DataFrame, curve: tuple[float, ...] = CURVE, **columns: Any) -> pd.DataFrame:
    """The instrument's curve of every plate × analyte, on raw signals unless said otherwise."""
    keys = wells[["source", "plate", "analyte"]].drop_duplicates().reset_index(drop=True)
    about = {"on": "raw", "r_squared": 0.999, **columns}
    return conform(keys.assign(**dict(zip("abcdg", curve, strict=True)), **about), INSTRUMENT_CURVES)


def measurements_of(wells: pd.DataFrame, **columns: Any) -> pd.DataFrame:
    """The sample wells as intake's measurements."""
    shared = [name for name in MEASUREMENTS.names() if name in wells.columns]
    frame = wells.loc[wells["sample"] != "", shared].reset_index(drop=True)
    return conform(frame.assign(replicate=1, **columns), MEASUREMENTS)


def by_sample(measurements: pd.DataFrame, analyte: str = "il6") -> pd.DataFrame:
    """The rows of one analyte, sample as index."""
    return measurements[measurements["analyte"] == analyte].set_index("sample")


def findings_of(findings: pd.DataFrame, check: str) -> pd.DataFrame:
    """The findings of one check."""
    return findings[findings["check"] == check].reset_index(drop=True)


@cache
def real_plate(path: str, name: str) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Wells and instrument curves of a real export below `instrument_exports`, analytes as written but lower case."""
    file = shared_study("instrument_exports") / path
    readout = reader(name).read(Content(file.name, file.read_bytes()), Options(unit="pg/mL"))
    tables = []
    for frame, table in ((readout.wells, WELLS), (readout.curves, INSTRUMENT_CURVES)):
        known = frame.assign(source="luminex", source_file=file.name, analyte=frame["analyte"].str.lower())
        known["plate"] = known["plate"].where(known["plate"] != "", file.stem)
        if table is WELLS:
            known["analyte_as_written"] = frame["analyte"]
            known["sample"] = known["written"].where(known["type"] == "sample", "")
        tables.append(conform(known[[column for column in table.names() if column in known]], table))
    return tables[0], tables[1]
