"""Where the numbers are: sample sheet, cytokine files, cell counts, outcomes, and how their columns are named."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from cytoshift.study.base import Id, Model, Named, OneOrMore, Text

CELL_UNITS = ("10^9/L", "10^3/uL", "cells/uL", "%", "fraction", "events")
CytokineFormat = Literal[
    "table", "auto", "xponent", "intelliflex", "bioplex", "msd", "olink", "nulisa", "legendplex", "elisa"
]
CellFormat = Literal["table", "auto", "flowjo"]
Concentration = Literal["refit", "instrument", "signal"]
LOG_UNITS = ("npx", "npq")
_CELL_UNIT_SPELLINGS = {
    "10^9/L": ("g/l", "10e9/l", "10*9/l", "x10^9/l", "x10e9/l", "10⁹/l", "x10⁹/l", "giga/l"),
    "10^3/uL": (
        "k/ul",
        "10e3/ul",
        "10*3/ul",
        "x10^3/ul",
        "x10e3/ul",
        "10³/ul",
        "x10³/ul",
        "k/mm3",
        "10^3/mm3",
        "th/ul",
    ),
    "cells/uL": ("/ul", "cells/mm3", "/mm3", "cell/ul", "cells/mm³", "/mm³", "n/ul", "cells/mcl"),
    "%": ("percent", "pct"),
}
_CELL_UNITS = {
    spelling: unit for unit, others in _CELL_UNIT_SPELLINGS.items() for spelling in (*others, unit.casefold())
}


def _usual_cell_unit(written: object) -> object:
    """The spelling used here of a unit as laboratories write it: K/µL is 10^3/uL."""
    if not isinstance(written, str):
        return written
    plain = "".join(written.split()).casefold().replace("µ", "u").replace("μ", "u").replace("×", "x")
    return _CELL_UNITS.get(plain, written)


CellUnit = Annotated[
    Literal["10^9/L", "10^3/uL", "cells/uL", "%", "fraction", "events"], BeforeValidator(_usual_cell_unit)
]


class Covariate(Model):
    """A property of a sample that a contrast may adjust for or a randomisation was stratified by."""

    id: Id = Field(description="Name used in `adjust`, `strata` and `where`.")
    column: str | None = Field(None, description="Its column; the id itself when left out.")
    kind: Literal["number", "category"] | None = Field(
        None,
        description=(
            "How it enters a model; read from the values when left out. A few whole numbers that only name groups "
            "(site 1, 2, 3) would be taken for amounts: they need `kind: category`."
        ),
    )


class SampleColumns(Model):
    """Columns of the sample sheet."""

    sample: str = Field("sample", description="Sample id, unique in the sheet.")
    subject: str = Field("subject", description="Subject id; pairs are matched by it.")
    visit: str = Field("visit", description="Visit as written in the sheet.")
    arm: str | None = Field(None, description="Arm as written; needed when the plan has more than one.")
    sequence: str | None = Field(None, description="Order of conditions a subject was given (crossover).")
    period: str | None = Field(None, description="Which period of the crossover the sample belongs to.")
    type: str | None = Field(None, description="sample, bridge, control or pool; all are samples when left out.")
    specimen: str | None = Field(None, description="serum, plasma, csf …")
    date: str | None = Field(None, description="Date of the draw; pages show study days only.")
    cohort: str | None = Field(None, description="Cohort, usable in `where`.")


class Samples(Model):
    """Who was measured when: a sheet of its own, or taken from the data files."""

    file: str | None = Field(None, description="Sample sheet: CSV, TSV, XLSX or Parquet. Either this or `from`.")
    sheet: str | None = Field(None, description="Sheet of a workbook; the first when left out.")
    columns: SampleColumns = Field(default_factory=SampleColumns, description="Columns of the sheet.")
    from_: OneOrMore[str] = Field(
        default_factory=list,
        alias="from",
        description="Sources whose own columns (subject, visit, arm) say who was measured when.",
    )
    pattern: str | None = Field(
        None,
        description='With `from`: how a sample id is composed, e.g. "{subject}-{visit}"; braces: subject, visit, arm.',
    )
    date_format: str | None = Field(None, description="strptime format of the date column; ISO 8601 when left out.")
    covariates: list[Named[Covariate]] = Field(
        default_factory=list, description="Columns to keep: of the sheet, or of the first `from` source."
    )


class SubjectColumns(Model):
    """How a data row says whose it is: by sample id, or by subject, visit and arm."""

    sample: str | None = Field(None, description="Sample id. Either this, or subject and visit (and arm).")
    subject: str | None = Field(None, description="Subject id.")
    visit: str | None = Field(None, description="Visit as written.")
    arm: str | None = Field(None, description="Arm or condition as written.")


class CytokineColumns(SubjectColumns):
    """Columns of a cytokine table."""

    value: str = Field(
        description='Column of the value; wide tables: a pattern with {analyte}, e.g. "{analyte} Calc. Concentration".'
    )
    analyte: str | None = Field(
        None,
        description='Column of the analyte\'s name (long tables); a table of one analyte names it, e.g. "=RANKL".',
    )
    well: str | None = Field(None, description="Well on the plate.")
    plate: str | None = Field(None, description="Plate; from `plates` or the file's name when left out.")
    dilution: str | None = Field(None, description="Dilution factor; limits are multiplied by it.")
    unit: str | None = Field(None, description="Column of the unit; every row must agree with `unit`.")
    lower: str | None = Field(
        None, description="Column (or wide pattern) of the lower limit (LOD) that belongs to the value."
    )
    upper: str | None = Field(
        None, description="Column (or wide pattern) of the upper limit that belongs to the value."
    )
    mean: str | None = Field(
        None, description="Column (or wide pattern) of the instrument's mean over replicate wells; audited."
    )
    cv: str | None = Field(
        None, description="Column (or wide pattern) of the instrument's CV over replicate wells in %; audited."
    )


class CellColumns(SubjectColumns):
    """Columns of a table of cell counts or fractions."""

    value: str = Field(description="Column of the value; wide tables: a pattern with {population}.")
    population: str | None = Field(
        None,
        description='Column of the population\'s name (long tables); a table of one population names it, "=CD4".',
    )


class OutcomeColumns(SubjectColumns):
    """Columns of a table of clinical scores."""

    score: str = Field(description="Column of the score.")


class Source(Model):
    """One set of files with the same layout."""

    id: Id = Field(description="Name of the source; becomes the column `source`.")
    files: OneOrMore[str] = Field(min_length=1, description="Paths or globs, relative to where snakemake runs.")
    sheet: str | None = Field(None, description="Sheet of a workbook; the first when left out.")
    shape: Literal["wide", "long"] = Field("wide", description="wide: one column per feature; long: one row per value.")
    decimal: Literal[".", ","] | None = Field(
        None, description='Decimal sign; when left out "," is accepted only where it cannot mean thousands.'
    )
    where: dict[str, OneOrMore[str]] = Field(
        default_factory=dict, description="Rows taken: {column: value or list of values}."
    )


class CytokineSource(Source):
    """A cytokine panel."""

    format: CytokineFormat = Field(
        "table",
        description=(
            "How the files are laid out: `table` is a table with a header row (it needs `columns`); the others are "
            "files as instruments and vendors write them; `auto` tells which from the content, and says why."
        ),
    )
    columns: CytokineColumns | None = Field(None, description="Its columns; for `format: table` only.")
    concentration: Concentration | None = Field(
        None,
        description=(
            "refit: from standard curves fitted here; instrument: as the software printed it; signal: the background-"
            "subtracted signal itself, no concentration (unit MFI). When left out: refit where the file holds "
            "standards with their concentrations, otherwise instrument. Both are always compared, well by well."
        ),
    )
    unit: str = Field("pg/mL", description="Unit of the values. A unit that is already a logarithm: NPX or NPQ.")
    limits: str | None = Field(None, description="File of limits of detection: analyte[, plate], lower[, upper].")
    plates: str | None = Field(
        None,
        description=(
            "Per file: file, plate[, layout, batch, lot, run_date]; layout: a list well, sample[, type, dilution, "
            "concentration] or a grid of wells, CSV or XLSX."
        ),
    )

    @property
    def is_readable(self) -> bool:
        """Has it what reading needs? A table has to be told its columns."""
        return self.format != "table" or self.columns is not None

    @property
    def table_columns(self) -> CytokineColumns:
        """The columns of a table; ValueError for a format that has its own."""
        if self.columns is None:
            raise ValueError(f"source {self.id} has no columns")
        return self.columns


class CellSource(Source):
    """Blood counts or flow cytometry."""

    format: CellFormat = Field(
        "table",
        description=(
            "`table` is a table with a header row (it needs `columns`); `flowjo` a table or workspace (.wsp) as FlowJo "
            "writes it; `auto` tells which from the content."
        ),
    )
    columns: CellColumns | None = Field(None, description="Its columns; for `format: table` only.")
    unit: CellUnit = Field("10^9/L", description="Unit of every population not named in `units`.")
    units: dict[str, CellUnit] = Field(default_factory=dict, description="Unit by population as written, or by its id.")
    parents: dict[str, str] = Field(
        default_factory=dict, description="Parent of a fraction, by population id; the usual parent when left out."
    )

    @property
    def is_readable(self) -> bool:
        """Has it what reading needs? A table has to be told its columns."""
        return self.format != "table" or self.columns is not None

    @property
    def table_columns(self) -> CellColumns:
        """The columns of a table; ValueError for a format that has its own."""
        if self.columns is None:
            raise ValueError(f"source {self.id} has no columns")
        return self.columns


class OutcomeSource(Model):
    """A clinical score per visit."""

    id: Id = Field(description="Name of the feature.")
    file: str = Field(description="CSV, TSV, XLSX or Parquet.")
    sheet: str | None = Field(None, description="Sheet of a workbook; the first when left out.")
    columns: OutcomeColumns = Field(description="Its columns.")
    label: Text | None = Field(None, description="How pages write it; the id when left out.")
    questionnaire: Text | None = Field(None, description="Which instrument, e.g. MFIS.")
    better: Literal["higher", "lower"] = Field("lower", description="Which direction is good for the patient.")


def is_log_unit(unit: str) -> bool:
    """Is a unit already a logarithm (NPX, NPQ)?"""
    return unit.casefold() in LOG_UNITS
