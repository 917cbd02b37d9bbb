"""What quality says about each plate: its analytes, its controls over the plates, and its map."""

from __future__ import annotations

from cytoshift.tables.calibration import WELL_TYPES
from cytoshift.tables.model import Column, Table, count, number, text

PLATE_REVIEW = Table(
    "plate_review",
    "one row per plate × analyte: beads, blanks, range, replicates and curve at a glance",
    (
        text("source", "source id"),
        text("plate", "plate"),
        text("analyte", "analyte id"),
        count("wells", "wells that hold samples"),
        number("beads_median", "median bead count over the plate's wells"),
        number("beads_min", "smallest bead count"),
        count("low_bead_wells", "wells below the plan's limit"),
        count("blanks", "blank wells"),
        number("blank_median", "median signal of the blanks"),
        number("below_share", "share of sample wells below range", "fraction"),
        number("above_share", "share of sample wells above range", "fraction"),
        number("replicate_cv_median", "median CV of replicate sample wells", "fraction"),
        number("recovery_low", "smallest recovery of a standard used", "fraction"),
        number("recovery_high", "largest recovery of a standard used", "fraction"),
        number("curve_shift", "log2 signal at mid concentration minus the median of all plates"),
    ),
)
CONTROLS = Table(
    "controls",
    "one row per control × analyte × plate: the Levey-Jennings points and the Westgard rules they break",
    (
        text("source", "source id"),
        text("control", "control or reference sample, as written"),
        text("analyte", "analyte id"),
        text("plate", "plate"),
        count("run", "running number of the plate, by run date, then order in the files"),
        count("wells", "wells"),
        number("value", "mean of log2 concentration"),
        number("expected", "log2 of the concentration the file states"),
        number("centre", "mean over plates"),
        number("sd", "SD of the other plates, moderated"),
        number("z", "distance from the other plates' mean in their SDs, on the normal scale for their number"),
        text("rules", "Westgard rules broken here, comma-separated"),
    ),
)
PLATE_MAP = Table(
    "plate_map",
    "one row per well: how far its signals lie from what its content should give, over all analytes",
    (
        text("source", "source id"),
        text("plate", "plate"),
        text("well", "well"),
        count("row", "row on the plate, A = 1"),
        count("column", "column on the plate"),
        text("type", "what the well holds", *WELL_TYPES),
        text("written", "what the file calls it"),
        number("beads", "median bead count over analytes"),
        number("level", "median over analytes of log2 signal minus the plate's median of such wells"),
        number("replicate_shift", "median over analytes of log2 signal minus the mean of its replicate wells"),
        Column("edge", "flag", "first or last row or column"),
    ),
)
