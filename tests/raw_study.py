"""A tiny study as a laboratory exports it: two xPONENT plates that know wells only, their layouts, a FlowJo table."""

from dataclasses import replace
from datetime import UTC, datetime
from math import log2
from pathlib import Path

import numpy as np
import pandas as pd
import xlsxwriter

from cytoshift.simulate.assay import Assay
from cytoshift.simulate.demo import DEMO_SEED
from cytoshift.simulate.design import Analyte, Arm, Fraction, Plate, Reference, StudyDesign, Visit
from cytoshift.simulate.flowjo import write_flowjo
from cytoshift.simulate.raw import RawPlate
from cytoshift.simulate.study import SimulatedStudy, simulate_study
from cytoshift.simulate.xponent import write_xponent

LEVELS = {"IL-6": (30.0, 0.55), "TNF-α": (80.0, 0.65), "IL-10": (40.0, 1.0)}  # pg/mL, ratio after treatment
SHIFT_OF_P2 = 0.5  # log2


def raw_study(references: bool = True) -> SimulatedStudy:
    """Six subjects before and after, three analytes on two plates, one of which reads too high."""
    return simulate_study(
        StudyDesign(
            id="raw",
            title="Six subjects on two plates",
            arms=(Arm(id="ldn", subjects=6, dose_mg=4.5),),
            visits=(Visit(id="baseline", day=0, written="V1"), Visit(id="week_8", day=56, written="V2")),
            analytes=tuple(
                Analyte(
                    written=written, feature=written, centre=level, between_sd=0.7, within_sd=0.25, lower=0.5,
                    upper=8000.0, effects={"ldn": (0.0, log2(ratio))},
                )
                for written, (level, ratio) in LEVELS.items()
            ),
            fractions=(
                Fraction(written="CD4+ T cells", feature="cd4_t_cells", parent="lymphocytes", centre=45.0,
                         between_sd=0.3, within_sd=0.1),
                Fraction(written="Treg", feature="treg", parent="CD4+ T cells", centre=6.0, between_sd=0.3,
                         within_sd=0.1),
            ),
            references=(Reference(sample="BRIDGE", type="bridge", level=1.0),) if references else (),
            plates=(
                Plate(id="P1", file="plate_1.csv", lot="L1", run_date="2025-03-11"),
                Plate(id="P2", file="plate_2.csv", lot="L1", run_date="2025-03-12", shift=SHIFT_OF_P2),
            ),
            assay=Assay(levels=6, controls=(8.0,)),
        ),
        DEMO_SEED,
    )  # fmt: skip


def write_raw_study(folder: Path, *, named_in_files: bool = False, references: bool = True) -> SimulatedStudy:
    """Write the study's files into `folder`, and return what they were made from.

    The plates name their samples Unknown1, Unknown2, …, unless `named_in_files`; then there are no layouts.
    """
    study = raw_study(references)
    (folder / "plates").mkdir(parents=True)
    for name, plate in study.raw.items():
        written = plate if named_in_files else _unnamed(plate)
        text = write_xponent(written, f"raw {plate.plate.id}")
        (folder / "plates" / name).write_bytes(text.encode("utf-8"))
    sheet = study.plates
    if not named_in_files:
        sheet = sheet.assign(layout=["layout_1.xlsx", "layout_2.csv"])
        first, second = study.raw.values()
        _draw_layout(first, folder / "layout_1.xlsx")
        _list_layout(second, folder / "layout_2.csv")
    sheet.to_csv(folder / "plates.csv", index=False, lineterminator="\n")
    study.samples.to_csv(folder / "samples.csv", index=False, lineterminator="\n")
    (folder / "flow.csv").write_text(write_flowjo(study.fractions, study.design.fractions), encoding="utf-8")
    return study


def _unnamed(plate: RawPlate) -> RawPlate:
    """As the instrument knows the plate: samples and controls are unknowns by number."""
    unknown = np.isin(plate.kinds, ["sample", "control"])
    numbers = {name: number for number, name in enumerate(dict.fromkeys(plate.samples[unknown]), start=1)}
    names = [f"Unknown{numbers[name]}" if name in numbers else name for name in plate.samples]
    return replace(plate, samples=np.array(names, dtype=object))


def _draw_layout(plate: RawPlate, path: Path) -> None:
    """The plate as drawn on paper: 8 × 12 cells with row letters and column numbers."""
    content = dict(zip(plate.wells, _bench_words(plate), strict=True))
    with xlsxwriter.Workbook(path) as workbook:
        workbook.set_properties({"created": datetime(2025, 3, 11, tzinfo=UTC)})  # the same bytes every time
        sheet = workbook.add_worksheet("Layout")
        sheet.write_row(0, 1, list(range(1, 13)))
        for row, letter in enumerate("ABCDEFGH", start=1):
            sheet.write_row(row, 0, [letter, *(content.get(f"{letter}{column}", "") for column in range(1, 13))])


def _list_layout(plate: RawPlate, path: Path) -> None:
    rows = pd.DataFrame({"well": plate.wells, "sample": _bench_words(plate), "type": plate.kinds})
    rows.to_csv(path, index=False, lineterminator="\n")


def _bench_words(plate: RawPlate) -> list[str]:
    """What somebody writes into the cells: S1 for a standard, B for a blank, QC1 for a control, else the sample."""
    words = {"standard": "S{}", "blank": "B", "control": "QC{}"}
    return [
        words[kind].format(level) if kind in words else name
        for kind, level, name in zip(plate.kinds, plate.levels, plate.samples, strict=True)
    ]
