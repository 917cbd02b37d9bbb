"""What does the bead reader see in each well of one plate, and what does its software compute from it?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from string import ascii_uppercase

import numpy as np

from cytoshift.simulate.assay import Assay
from cytoshift.simulate.curves import Curves, instrument_curves
from cytoshift.simulate.design import Analyte, Plate

BLANK = "Background0"
STANDARD = "Standard"
CONTROL = "Control"
MFI_STEP = 0.5  # a median of whole numbers
DECIMALS_EXPECTED = 3


@dataclass(frozen=True)
class RawPlate:
    """One plate as read: wells × analytes unless said otherwise.

    `wells` ("A1"), `samples` (the name in the file), `kinds` (blank, standard, control or sample) and `levels` (which
    standard or control, from 1) have one entry per well, `dilution` too (1 for standards and blanks). `median` and
    `net` in MFI; `result` is the instrument's concentration × dilution, NaN where its curve has none. `expected`
    (levels × analytes) and `control_expected` (controls × analytes) are what they truly hold, rounded as printed;
    `stated` is `expected` as the file states it. `coefficients` are A, B, C, D, F × analytes. `concentration` is the
    truth in the well (pg/mL), which no file tells.
    """

    plate: Plate
    assay: Assay
    analytes: tuple[str, ...]
    wells: np.ndarray
    samples: np.ndarray
    kinds: np.ndarray
    levels: np.ndarray
    dilution: np.ndarray
    median: np.ndarray
    net: np.ndarray
    beads: np.ndarray
    result: np.ndarray
    expected: np.ndarray
    stated: np.ndarray
    control_expected: np.ndarray
    coefficients: np.ndarray
    concentration: np.ndarray

    def wells_of(self, sample: str) -> np.ndarray:
        """Positions of the wells of a sample."""
        return np.flatnonzero(self.samples == sample)

    @property
    def too_low(self) -> np.ndarray:
        """Is the net signal at or below the lower asymptote of the instrument's curve?"""
        return (self.net <= self.coefficients[0]) & (self.kinds != "blank")[:, None]

    @property
    def too_high(self) -> np.ndarray:
        """Is the net signal at or above its upper asymptote?"""
        return (self.net >= self.coefficients[0] + self.coefficients[1]) & (self.kinds != "blank")[:, None]


@dataclass(frozen=True)
class Contents:
    """What stands in the wells of one plate: as in RawPlate, with the true `concentration` in the well."""

    wells: np.ndarray
    samples: np.ndarray
    kinds: np.ndarray
    levels: np.ndarray
    concentration: np.ndarray


def standard_series(analytes: Sequence[Analyte], assay: Assay) -> np.ndarray:
    """Concentrations of the standards in pg/mL, levels × analytes, the highest first."""
    top = np.array([analyte.upper for analyte in analytes]) / assay.dilution
    return top / assay.fold ** np.arange(assay.levels)[:, None]


def control_levels(analytes: Sequence[Analyte], assay: Assay) -> np.ndarray:
    """Concentrations of the undiluted controls in pg/mL, controls × analytes."""
    return np.array([analyte.upper for analyte in analytes]) / np.array(assay.controls)[:, None]


def fill_plate(
    analytes: Sequence[Analyte], assay: Assay, names: Sequence[str], concentrations: np.ndarray, shift: float
) -> Contents:
    """Lay out one plate, column by column: standards and blanks once per replicate, then controls and samples.

    Parameters: `analytes`; `assay`; `names` of the samples; their true `concentrations` (log2 pg/mL, samples ×
    analytes); `shift` (log2) of everything that is diluted. Raises ValueError when the wells do not suffice.
    """
    n, series = assay.replicates, standard_series(analytes, assay)
    controls = control_levels(analytes, assay) / assay.dilution * 2.0**shift
    samples = np.exp2(concentrations + shift) / assay.dilution
    level = np.arange(1, assay.levels + 1)
    number = np.arange(1, len(controls) + 1)
    parts: list[tuple[str, list[str], np.ndarray, np.ndarray]] = []
    for blanks in np.array_split(np.zeros(assay.blanks, dtype=int), n):
        parts.append(("standard", [f"{STANDARD}{i}" for i in level], level, series))
        parts.append(("blank", [BLANK] * len(blanks), blanks, np.zeros((len(blanks), len(analytes)))))
    parts.append(
        ("control", [f"{CONTROL}{i}" for i in number for _ in range(n)], np.repeat(number, n), controls.repeat(n, 0))
    )
    parts.append(("sample", [s for s in names for _ in range(n)], np.zeros(n * len(names), int), samples.repeat(n, 0)))
    wanted = sum(len(written) for _, written, _, _ in parts)
    room = assay.plate_rows * assay.plate_columns
    if wanted > room:
        free = (room - wanted + n * len(names)) // n
        raise ValueError(
            f"a plate would hold {len(names)} samples in {n} wells each and has room for {free}: give the study more "
            "plates"
        )
    return Contents(
        wells=np.array([f"{ascii_uppercase[i % assay.plate_rows]}{i // assay.plate_rows + 1}" for i in range(wanted)]),
        samples=np.array([name for _, written, _, _ in parts for name in written], dtype=object),
        kinds=np.repeat([kind for kind, *_ in parts], [len(written) for _, written, _, _ in parts]),
        levels=np.concatenate([levels for _, _, levels, _ in parts]),
        concentration=np.vstack([values for *_, values in parts]),
    )


def read_signals(contents: Contents, curves: Curves, assay: Assay, generator: np.random.Generator) -> np.ndarray:
    """Read every well: an error of pipetting, one of reading, and the background of the well.

    Parameters: `contents`; the plate's true `curves`; `assay`; `generator`. Returns MFI, wells × analytes, unrounded.
    """
    pipetting, reading, background = generator.standard_normal((3, *contents.concentration.shape))
    made = np.isin(contents.kinds, ["standard", "control"])[:, None]
    held = contents.concentration * np.exp(np.where(made, assay.standard_sd, assay.pipetting_sd) * pipetting)
    return (
        curves.background
        + assay.background_sd * background
        + (curves.net(held) - curves.a) * np.exp(assay.reader_sd * reading)
    )


def count_beads(shape: tuple[int, int], assay: Assay, generator: np.random.Generator) -> np.ndarray:
    """Beads read of each analyte in each well, never fewer than the reader waits for."""
    middle = (assay.min_beads + assay.most_beads) / 2
    beads = np.rint(middle * np.exp(0.16 * generator.standard_normal(shape))).astype(int)
    return np.clip(beads, assay.min_beads + 2, assay.most_beads)


def compute_results(
    plate: Plate,
    analytes: Sequence[Analyte],
    contents: Contents,
    signals: np.ndarray,
    beads: np.ndarray,
    curves: Curves,
    assay: Assay,
    generator: np.random.Generator,
) -> RawPlate:
    """Compute what the instrument's software does: net signals, its curve, and a concentration for each well.

    Net MFI = median − mean of the blanks; result = the inverse of the instrument's curve at the net MFI × dilution.

    Parameters: `plate`; `analytes`; `contents`; `signals` as from `read_signals`; `beads`; the true `curves`; `assay`;
    `generator`, for how far the instrument's curve is off. Returns the plate.
    """
    median = np.maximum(np.rint(signals / MFI_STEP) * MFI_STEP, MFI_STEP)
    net = median - median[contents.kinds == "blank"].mean(axis=0)
    dilution = np.where(np.isin(contents.kinds, ["sample", "control"]), assay.dilution, 1.0)
    fitted = instrument_curves(curves, assay, generator)
    result = fitted.concentration(net) * dilution[:, None]
    result[contents.kinds == "blank"] = np.nan
    expected = np.round(standard_series(analytes, assay), DECIMALS_EXPECTED)
    raw = RawPlate(
        plate=plate,
        assay=assay,
        analytes=tuple(analyte.written for analyte in analytes),
        wells=contents.wells,
        samples=contents.samples,
        kinds=contents.kinds,
        levels=contents.levels,
        dilution=dilution,
        median=median,
        net=net,
        beads=beads,
        result=result,
        expected=expected,
        stated=expected,
        control_expected=np.round(control_levels(analytes, assay), DECIMALS_EXPECTED),
        coefficients=fitted.table(),
        concentration=contents.concentration,
    )
    return replace(raw, result=np.where(raw.too_low | raw.too_high, np.nan, result))
