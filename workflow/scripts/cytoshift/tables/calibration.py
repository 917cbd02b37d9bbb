"""What instrument files say well by well, and what calibrate makes of it: wells, curves, standards, agreement."""

from __future__ import annotations

from cytoshift.tables.model import INTERVAL, SOURCE_CELL, Column, Table, count, number, text

WELL_TYPES = ("sample", "standard", "blank", "control")
LIMIT_SOURCES = (
    "written", "column", "limits_file", "lod", "lloq", "uloq", "lowest_standard", "highest_standard",
    "lowest_observed", "highest_observed", "floor", "",
)  # fmt: skip
_KEY = (
    text("source", "source id in the study file"),
    text("plate", "plate"),
    text("analyte", "analyte id"),
)
_WELL = (
    text("well", "well; several joined by a comma where the software pooled them"),
    text("sample", "sample id; empty for standards and blanks"),
    text("written", "what the file or the layout calls the well's content"),
    text("type", "what the well holds", *WELL_TYPES),
    text("level", "which standard or control"),
)
_SIGNALS = (
    number("signal", "raw signal: median fluorescence (MFI), electrochemiluminescence or optical density"),
    number("net_signal", "signal minus background, as the instrument's software gives it"),
    number("beads", "beads counted"),
    number("dilution", "dilution factor", "fold"),
    number("expected", "concentration a standard or control is said to have", "as in `unit`"),
)
WELLS = Table(
    "wells",
    "one row per well × analyte of an instrument's file, standards, blanks and controls included, as read",
    (
        *_KEY,
        text("analyte_as_written", "name in the file"),
        *_WELL,
        *_SIGNALS,
        *INTERVAL[:1],
        text("unit", "unit of value, bounds and expected"),
        *INTERVAL[1:],
        number("limit_lower", "lower limit that a column or the limits file states, times dilution", "as in `unit`"),
        text("limit_lower_source", "which of the two", "column", "limits_file", ""),
        number("limit_upper", "upper limit that a column or the limits file states, times dilution", "as in `unit`"),
        text("limit_upper_source", "which of the two", "column", "limits_file", ""),
        text("reason", "why there is no number, in the software's words or ours"),
        Column("outlier", "flag", "marked by the operator or the software as not to be used"),
        number("reported_recovery", "the software's recovery of a standard or control", "%"),
        Column("excluded", "flag", "left out by the study file; the reason is in findings"),
        *SOURCE_CELL,
    ),
)
_PARAMETERS = (
    number("a", "asymptote at concentration 0 where b > 0, far above where b < 0", "signal"),
    number("b", "slope; the curves fitted here have b > 0, instruments may write it negative"),
    number("c", "mid concentration", "as in `unit`"),
    number("d", "the other asymptote", "signal"),
    number("g", "asymmetry; 1 in the 4PL"),
)
INSTRUMENT_CURVES = Table(
    "instrument_curves",
    "one row per plate × analyte: the curve the instrument's software fitted, as y = d + (a - d) / (1 + (x / c)^b)^g",
    (
        *_KEY,
        text("on", "which signal it maps", "raw", "net"),
        *_PARAMETERS,
        number("r_squared", "the software's R squared"),
        text("written", "the curve's name or formula in the file"),
        text("source_file", "file it was read from"),
    ),
)
CURVES = Table(
    "curves",
    "one row per plate × analyte: the standard curve fitted here, y = d + (a - d) / (1 + (x / c)^b)^g, and its range",
    (
        *_KEY,
        text("unit", "unit of concentrations"),
        text("concentration", "where the concentrations of the panel come from", "refit", "instrument", "signal"),
        text("model", "curve fitted", "5pl", "4pl", ""),
        text("model_reason", "why this one, or why none"),
        text("background", "how blanks enter", "include", "constrain", "subtract", ""),
        *_PARAMETERS,
        number("residual_sd", "residual SD of the fit on the log signal", "ln signal"),
        number("df", "residual degrees of freedom"),
        number("condition", "condition number of the scaled information matrix"),
        count("standards_used", "standard wells in the fit"),
        count("standards_left_out", "standard wells left out, each with its reason in `standards`"),
        count("blanks", "blank wells"),
        number("blank_signal", "mean signal of the blanks"),
        number("lod", "limit of detection before dilution", "as in `unit`"),
        text("lod_kind", "how it was found", "blanks", "lowest_standard", "undefined", ""),
        number("lod_robust", "the same from median + 3 × 1.4826 MAD of the blanks", "as in `unit`"),
        number("lloq", "lower end of the longest run of standards with recovery and CV in range", "as in `unit`"),
        number("uloq", "upper end of that run", "as in `unit`"),
        number("lowest_standard", "lowest concentration among the standards used", "as in `unit`"),
        number("highest_standard", "highest concentration among the standards used", "as in `unit`"),
        text("note", "what a reader must know about this curve"),
    ),
)
STANDARDS = Table(
    "standards",
    "one row per standard or control well × analyte: what it should hold, what the curve reads, was it used",
    (
        *_KEY,
        text("well", "well"),
        text("type", "standard or control", "standard", "control"),
        text("level", "which standard or control"),
        number("expected", "concentration in the file", "as in `unit`"),
        number("series", "concentration the dilution series implies", "as in `unit`"),
        number("signal", "raw signal"),
        number("concentration", "concentration the fitted curve reads", "as in `unit`"),
        number("recovery", "concentration over the expected one", "fraction"),
        number("cv", "CV of the concentrations of this level's wells, SD with n - 1", "fraction"),
        Column("used", "flag", "was in the fit"),
        text("reason", "why not"),
    ),
)
CONCENTRATIONS = Table(
    "concentrations",
    "one row per well × analyte: the concentration refitted here beside the instrument's own",
    (
        *_KEY,
        *_WELL,
        number("signal", "raw signal"),
        number("dilution", "dilution factor", "fold"),
        number("concentration", "back-calculated from the refitted curve, times dilution", "as in `unit`"),
        number("low", "lower end of its 95 % interval", "as in `unit`"),
        number("high", "upper end of its 95 % interval", "as in `unit`"),
        number("se_log2", "standard error of log2 concentration: curve and well together"),
        text("status", "kind of the refitted value", *INTERVAL[3].allowed),
        number("instrument", "the instrument's own concentration", "as in `unit`"),
        text("instrument_status", "kind of the instrument's value", *INTERVAL[3].allowed),
        number("log2_ratio", "log2 of refitted over instrument's"),
        Column("in_range", "flag", "between LLOQ and ULOQ"),
    ),
)
AGREEMENT = Table(
    "agreement",
    "one row per plate × analyte: how far the refitted concentrations lie from the instrument's own",
    (
        *_KEY,
        count("compared", "wells with both numbers between LLOQ and ULOQ"),
        number("median_log2_ratio", "median of log2(refit / instrument)"),
        number("median_abs_log2_ratio", "median of its absolute value"),
        number("p95_abs_log2_ratio", "95th percentile of its absolute value"),
        count("status_differs", "wells that only one of the two calls a number"),
        text("explanation", "why they differ, where they do by more than 0.2"),
    ),
)
