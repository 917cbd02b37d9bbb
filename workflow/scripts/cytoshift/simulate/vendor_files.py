"""What do files of any size look like, for trying readers and measuring speed: bead plates, MSD and Olink exports?

Each generator's numbers come from its seed alone. Nothing is planted in them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from math import log2

import numpy as np
import pandas as pd

from cytoshift.simulate.assay import Assay
from cytoshift.simulate.curves import draw_curves, significant, vary_curves
from cytoshift.simulate.design import Analyte, Plate
from cytoshift.simulate.raw import RawPlate, compute_results, count_beads, fill_plate, read_signals

VISITS = ("V1", "V2")
SUBJECT_SD = 0.8  # log2
VISIT_SD = 0.4  # log2
SENSITIVITY = 30_000
SPOTS = 10
OLINK_PER_PLATE = 88
OLINK_PER_BLOCK = 384
DIGITS = 8


def raw_plates(
    plates: int, analytes: int, samples: int, seed: int, assay: Assay | None = None
) -> Iterator[tuple[str, RawPlate]]:
    """Simulate so many plates, one after the other.

    Samples are named as in `sample_sheet`: two visits of each subject, on one plate.

    Parameters: numbers of `plates`, `analytes` and `samples` on each plate; `seed`; `assay`, by default one on plates
    of 96 wells, or 384 where `samples` need them. Yields the file's name and the plate; `write_xponent` or `write_msd`
    make text of it. Raises ValueError where `samples` do not fit.
    """
    generator = np.random.Generator(np.random.PCG64(seed))
    panel = _panel(analytes, generator)
    chosen = assay or _roomy(samples)
    curves = draw_curves(panel, chosen, generator)
    middle = np.log2([analyte.centre for analyte in panel])
    for p in range(plates):
        plate = Plate(id=f"P{p + 1}", file=f"plate_{p + 1}.csv", lot=f"L{p // 10 + 1}", run_date="2025-03-18")
        names = _names(p * samples, samples)
        subject = SUBJECT_SD * generator.standard_normal((samples // 2 + 1, analytes))
        held = middle + np.repeat(subject, 2, axis=0)[:samples]
        held = held + VISIT_SD * generator.standard_normal((samples, analytes))
        contents = fill_plate(panel, chosen, names, held, 0.0)
        here = vary_curves(curves, chosen.plate_sd, generator)
        signals = read_signals(contents, here, chosen, generator)
        beads = count_beads(signals.shape, chosen, generator)
        yield plate.file, compute_results(plate, panel, contents, signals, beads, here, chosen, generator)


def sample_sheet(plates: int, samples: int) -> pd.DataFrame:
    """The sheet of the samples that `raw_plates` names: sample, subject, visit."""
    names = [name for p in range(plates) for name in _names(p * samples, samples)]
    parts = pd.Series(names).str.split("-")
    return pd.DataFrame({"sample": names, "subject": parts.str[0], "visit": parts.str[1]})


def write_msd(raw: RawPlate) -> str:
    """Write one plate as MSD Discovery Workbench lists it: a row for each well and assay, ten spots to a well.

    Parameters: `raw`; its signals stand for electrochemiluminescence. Returns the text; standards are S001 and so on,
    the last a blank.
    """
    header = (
        "Sample,Assay,Well,Spot,Detection Range,Dilution,Concentration,Signal,Adjusted Signal,Mean,Adj. Sig. Mean,CV,"
        "% Recovery,% Recovery Mean,Calc. Concentration,Calc. Conc. Mean,Calc. Conc. CV"
    )
    names, wells = _msd_names(raw), [f"{well[0]}{int(well[1:]):02d}" for well in raw.wells]
    groups = pd.factorize(raw.samples)[0]
    signal = np.rint(raw.median)
    below, above = raw.too_low, raw.too_high
    lines = [f"Plate_{raw.plate.id}", header]
    for j, analyte in enumerate(raw.analytes):
        expected = np.full(len(wells), np.nan)
        standard = raw.kinds == "standard"
        expected[standard] = raw.stated[raw.levels[standard] - 1, j]
        expected[raw.kinds == "blank"] = 0.0
        result = significant(raw.result[:, j], DIGITS)
        recovery = 100 * result / np.where(expected > 0, expected, np.nan)
        text = [
            _printed(column)
            for column in (
                raw.dilution, expected, signal[:, j], signal[:, j], _mean(signal[:, j], groups),
                _mean(signal[:, j], groups), _cv(signal[:, j], groups), recovery, _mean(recovery, groups), result,
                _mean(result, groups), _cv(result, groups),
            )
        ]  # fmt: skip
        place = np.select(
            [raw.kinds == "blank", below[:, j], above[:, j]],
            ["", "Below Fit Curve Range", "Above Fit Curve Range"],
            "In Detection Range",
        )
        spot = str(j % SPOTS + 1)
        lines += [
            ",".join([name, analyte, well, spot, where, *cells])
            for name, well, where, *cells in zip(names, wells, place.tolist(), *text, strict=True)
        ]
    return "\n".join(lines) + "\n"


def olink_long(samples: int, assays: int, seed: int) -> pd.DataFrame:
    """Simulate an Olink Explore table, a row for each sample and assay.

    Parameters: numbers of `samples` and `assays`; `seed`. Returns columns as Olink names them; texts are categories,
    so that thousands of assays fit into memory. Controls are left out. `write_olink` makes a file of it.
    """
    generator = np.random.Generator(np.random.PCG64(seed))
    names, plate = _names(0, samples), np.arange(samples) // OLINK_PER_PLATE
    subject = np.repeat(SUBJECT_SD * generator.standard_normal((samples // 2 + 1, assays)), 2, axis=0)[:samples]
    level = 3.0 + 2.0 * generator.standard_normal(assays)
    npx = level + subject + VISIT_SD * generator.standard_normal((samples, assays))
    lod = np.round(level - 3.0 + generator.standard_normal(assays), 4)
    number = np.arange(assays)
    wells = [f"{'ABCDEFGH'[i % 8]}{i // 8 + 1}" for i in range(OLINK_PER_PLATE)]

    def by_sample(values: list[str], codes: np.ndarray) -> pd.Categorical[str]:
        return pd.Categorical.from_codes(np.repeat(codes, assays), categories=pd.Index(values))

    def by_assay(values: list[str], codes: np.ndarray) -> pd.Categorical[str]:
        return pd.Categorical.from_codes(np.tile(codes, samples), categories=pd.Index(values))

    one = np.zeros(samples, dtype=int)
    blocks = number // OLINK_PER_BLOCK
    return pd.DataFrame(
        {
            "SampleID": by_sample(names, np.arange(samples)),
            "SampleType": by_sample(["SAMPLE"], one),
            "WellID": by_sample(wells, np.arange(samples) % OLINK_PER_PLATE),
            "PlateID": by_sample([f"Plate{i + 1}" for i in range(plate.max(initial=0) + 1)], plate),
            "OlinkID": by_assay([f"OID{90000 + j}" for j in range(assays)], number),
            "UniProt": by_assay([f"SIM{j + 1:05d}" for j in range(assays)], number),
            "Assay": by_assay([f"SIM{j + 1}" for j in range(assays)], number),
            "AssayType": by_sample(["assay"], one),
            "Panel": by_assay(["Simulated"], np.zeros(assays, dtype=int)),
            "Block": by_assay([str(i + 1) for i in range(blocks.max(initial=0) + 1)], blocks),
            "NPX": np.round(npx, 4).ravel(),
            "LOD": np.tile(lod, samples),
            "Normalization": by_sample(["Plate control"], one),
            "AssayQC": by_sample(["PASS"], one),
            "SampleQC": by_sample(["PASS"], one),
        }
    )


def write_olink(table: pd.DataFrame, separator: str = ";") -> str:
    """Write a table as from `olink_long` as Olink's CSV; `table.to_parquet` writes its other form."""
    return str(table.to_csv(index=False, sep=separator, lineterminator="\n", float_format="%.4f"))


def _panel(analytes: int, generator: np.random.Generator) -> list[Analyte]:
    """Analytes whose medians lie well inside the range of their standards."""
    names = [f"SIM{j + 1}" for j in range(analytes)]
    medians = np.exp2(log2(10.0) + 2.0 * generator.standard_normal(analytes))
    tops = 10.0 ** np.round(np.log10(medians * 500.0), 1)
    return [
        Analyte(
            written=name, feature=name.casefold(), centre=median, between_sd=SUBJECT_SD, within_sd=VISIT_SD,
            lower=top / SENSITIVITY, upper=top,
        )
        for name, median, top in zip(names, medians.tolist(), tops.tolist(), strict=True)
    ]  # fmt: skip


def _roomy(samples: int) -> Assay:
    """An assay on the smaller of the usual plates that holds so many samples."""
    assay = Assay()
    taken = assay.replicates * (assay.levels + len(assay.controls) + samples) + assay.blanks
    return assay if taken <= assay.plate_rows * assay.plate_columns else replace(assay, plate_rows=16, plate_columns=24)


def _names(first: int, samples: int) -> list[str]:
    return [f"N{(first + i) // 2 + 1:06d}-{VISITS[(first + i) % 2]}" for i in range(samples)]


def _msd_names(raw: RawPlate) -> list[str]:
    letters = {"standard": "S", "blank": "S", "control": "C"}  # a blank is the last standard, which holds nothing
    return [
        f"{letters[kind]}{level or len(raw.stated) + 1:03d}" if kind in letters else sample
        for kind, level, sample in zip(raw.kinds.tolist(), raw.levels.tolist(), raw.samples.tolist(), strict=True)
    ]


def _mean(values: np.ndarray, groups: np.ndarray) -> np.ndarray:
    """Mean of each entry's group, NaN with one of its members."""
    return (np.bincount(groups, weights=values) / np.bincount(groups))[groups]


def _cv(values: np.ndarray, groups: np.ndarray) -> np.ndarray:
    """CV (n − 1, %) of each entry's group."""
    mean = _mean(values, groups)
    squares = np.bincount(groups, weights=(values - mean) ** 2)
    with np.errstate(invalid="ignore", divide="ignore"):
        return 100 * np.sqrt(squares / (np.bincount(groups) - 1))[groups] / mean


def _printed(values: np.ndarray) -> list[str]:
    return ["NaN" if value != value else f"{value:.{DIGITS + 2}g}" for value in values.tolist()]
