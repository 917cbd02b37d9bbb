"""What the files say: samples, measurements, cells, outcomes, plates and names, one definition each."""

from __future__ import annotations

from cytoshift.tables.calibration import LIMIT_SOURCES
from cytoshift.tables.model import INTERVAL, SOURCE_CELL, Column, Table, count, number, text

SAMPLES = Table(
    "samples",
    "one row per sample; a sample is unique by subject × visit × arm × specimen",
    (
        text("sample", "sample id"),
        text("subject", "subject id"),
        text("visit", "visit id"),
        text("arm", "arm id; in a crossover the condition"),
        text("sequence", "order of conditions given to the subject"),
        text("period", "period of the crossover"),
        number("dose_mg", "daily dose of the arm", "mg"),
        text("type", "what the tube holds", "sample", "bridge", "control", "pool"),
        text("specimen", "serum, plasma, csf …"),
        number("study_day", "days since the subject's first draw", "day"),
        text("cohort", "cohort"),
    ),
    open_text=True,
)
MEASUREMENTS = Table(
    "measurements",
    "one row per well × analyte, as read",
    (
        text("source", "source id in the study file"),
        text("sample", "sample id"),
        text("analyte", "analyte id"),
        text("analyte_as_written", "name in the file"),
        text("plate", "plate"),
        text("well", "well"),
        count("replicate", "running number of the well within sample × analyte × plate, in file order"),
        number("dilution", "dilution factor", "fold"),
        *INTERVAL[:1],
        text("unit", "unit of value and bounds"),
        *INTERVAL[1:],
        text("limit_source", "where the bound comes from", *LIMIT_SOURCES),
        text(
            "concentration",
            "where the value of an instrument's well comes from; empty for tables",
            "refit",
            "instrument",
            "signal",
        ),
        number("signal", "raw signal: median fluorescence (MFI), electrochemiluminescence or optical density"),
        number("beads", "beads counted"),
        number("reported_mean", "the instrument's mean over replicate wells", "as in `unit`"),
        number("reported_cv", "the instrument's CV over replicate wells", "%"),
        Column("excluded", "flag", "left out by the study file or by a quality rule; the reason is in findings"),
        *SOURCE_CELL,
    ),
)
CELLS = Table(
    "cells",
    "one row per sample × population, as read",
    (
        text("source", "source id in the study file"),
        text("sample", "sample id"),
        text("population", "population id"),
        text("population_as_written", "name in the file"),
        text("parent", "population the fraction refers to, or the nearest one whose events the source counted"),
        text("measure", "what was measured", "count_per_ul", "fraction_of_parent", "events"),
        *INTERVAL[:1],
        text("unit", "unit after harmonisation", "cells/uL", "fraction", "events"),
        *INTERVAL[1:],
        number("resolution", "smallest step the file can express, after harmonisation", "as in `unit`"),
        Column("excluded", "flag", "left out; the reason is in findings"),
        *SOURCE_CELL,
    ),
)
OUTCOMES = Table(
    "outcomes",
    "one row per subject × visit × clinical score",
    (
        text("sample", "sample the score belongs to (same subject, visit and arm)"),
        text("subject", "subject id"),
        text("visit", "visit id"),
        text("arm", "arm id"),
        text("outcome", "outcome id"),
        text("questionnaire", "which instrument"),
        number("score", "the score", "points"),
        text("better", "good direction", "higher", "lower"),
        *SOURCE_CELL,
    ),
)
PLATES = Table(
    "plates",
    "one row per plate of a source, and what the plates file says of it",
    (
        text("source", "source id"),
        text("plate", "plate"),
        text("source_file", "file its values were read from (the first)"),
        text("batch", "batch"),
        text("lot", "lot of the kit"),
        text("run_date", "day it was run"),
    ),
)
NAMES = Table(
    "names",
    "how each name in the files was understood",
    (
        text("source", "source id"),
        text("layer", "kind of feature", "cytokine", "cell"),
        text("written", "name in the file"),
        text("feature", "id it was given"),
        text("label", "how pages write it"),
        text("how", "by which rule", "exact", "alias", "plan", "unknown"),
        text("suggestion", "nearest known name, never applied by itself"),
    ),
)
