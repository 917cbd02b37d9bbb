"""What does the plate reader write for each well?

Duplicate wells, a plate's own error, noise that grows towards the detection limit, and text instead of a number where
the concentration is out of range: the file a laboratory receives.
"""

from __future__ import annotations

from math import isnan

import numpy as np
import pandas as pd

from cytoshift.simulate.design import Analyte, Plate, StudyDesign
from cytoshift.simulate.latent import centre_on_scale

ROWS = "ABCDEFGH"
FIRST_SAMPLE_COLUMN = 3  # columns 1 and 2 hold the standards and blanks, which an export of concentrations leaves out
LAST_COLUMN = 12


def draw_limits(design: StudyDesign, generator: np.random.Generator) -> pd.DataFrame:
    """Draw each plate's reporting range for each analyte.

    Parameters: `design`; `generator`. Returns columns analyte (as written), plate, lower, upper (pg/mL, as printed).
    """
    factor = np.exp2(design.limit_sd * generator.standard_normal((len(design.analytes), len(design.plates))))
    rows = [
        (
            analyte.written,
            plate.id,
            max(round(float(analyte.lower * factor[a, p]), analyte.decimals), 10.0**-analyte.decimals),
            round(analyte.upper, analyte.decimals),
        )
        for a, analyte in enumerate(design.analytes)
        for p, plate in enumerate(design.plates)
    ]
    return pd.DataFrame(rows, columns=["analyte", "plate", "lower", "upper"])


def measure_plates(
    design: StudyDesign,
    samples: pd.DataFrame,
    concentrations: np.ndarray,
    limits: pd.DataFrame,
    generator: np.random.Generator,
) -> dict[str, pd.DataFrame]:
    """Measure every sample in replicate wells on its plate, and write what the instrument would.

    Parameters: `design`; `samples` with columns sample and plate; `concentrations`, true log2 pg/mL, samples ×
    analytes; `limits` as from `draw_limits`; `generator`.
    Returns the file name → table of text: Sample, Well, then `<analyte> Calc. Concentration`.
    Raises ValueError where a plate would hold more samples than it has wells.
    """
    materials = np.array([[centre_on_scale(a) + r.level for a in design.analytes] for r in design.references])
    materials = materials.reshape(len(design.references), len(design.analytes))
    files = {}
    for plate in design.plates:
        rows = np.flatnonzero(samples["plate"] == plate.id)
        rows = generator.permutation(rows)  # a sample's place on the plate has nothing to do with its visit or arm
        names = [*[r.sample for r in design.references], *samples["sample"].iloc[rows]]
        wells = _wells(plate, len(names), design.wells)
        true = np.vstack([materials, concentrations[rows]])
        ranges = limits[limits["plate"] == plate.id]
        text = _read_plate(design, plate, true, ranges[["lower", "upper"]].to_numpy().T, generator)
        table = pd.DataFrame(text, columns=[f"{a.written} Calc. Concentration" for a in design.analytes])
        table.insert(0, "Sample", [name for name in names for _ in range(design.wells)])
        table.insert(1, "Well", wells)
        files[plate.file] = table
    return files


def write_value(value: float, lower: float, upper: float, analyte: Analyte, below: str) -> str:
    """Write one concentration as the instrument does.

    Parameters: `value`, `lower` and `upper` in pg/mL (`value` NaN: the well failed); the `analyte`, for its decimals;
    `below`, the software's wording for non-detects, where `{limit}` is replaced. Returns the cell's text.
    """
    if isnan(value):
        return ""
    # Rounded before it is compared: a printed number is never below the printed limit.
    rounded = round(float(value), analyte.decimals)
    if rounded < lower:
        return below.format(limit=f"{lower:.{analyte.decimals}f}")
    return "OOR >" if rounded > upper else f"{rounded:.{analyte.decimals}f}"


def _read_plate(
    design: StudyDesign, plate: Plate, true: np.ndarray, ranges: np.ndarray, generator: np.random.Generator
) -> list[list[str]]:
    """The text of each well × analyte; `true` is samples × analytes in log2, `ranges` (lower, upper) × analytes."""
    lower, upper = ranges
    offset = plate.shift + design.plate_analyte_sd * generator.standard_normal(len(design.analytes))
    signal = np.repeat(true, design.wells, axis=0) + offset
    near_limit = np.minimum(1.0, np.exp2(np.log2(lower) - signal))
    error = np.sqrt(design.well_sd**2 + (design.well_sd_at_limit * near_limit) ** 2)
    generator.random(signal.shape)  # a draw that is kept, so that a seed gives the tables it always gave
    values = np.exp2(signal + error * generator.standard_normal(signal.shape))
    generator.random(signal.shape)  # likewise
    return [
        [
            write_value(v, lower[a], upper[a], analyte, plate.below)
            for a, (v, analyte) in enumerate(zip(row, design.analytes, strict=True))
        ]
        for row in values.tolist()
    ]


def _wells(plate: Plate, samples: int, replicates: int) -> list[str]:
    """Names of the wells, replicates side by side, down the rows first."""
    blocks = (LAST_COLUMN - FIRST_SAMPLE_COLUMN + 1) // replicates
    if samples > blocks * len(ROWS):
        raise ValueError(
            f"plate '{plate.id}' would hold {samples} samples in {replicates} wells each and has room for "
            f"{blocks * len(ROWS)}: give the study more plates"
        )
    return [
        f"{ROWS[i % len(ROWS)]}{FIRST_SAMPLE_COLUMN + replicates * (i // len(ROWS)) + j}"
        for i in range(samples)
        for j in range(replicates)
    ]
