"""Every table between stages: its columns, their types, units, legal values and meaning, defined once.

Checks, Parquet schemas (frames.py), the workbook's column sheet and results/README.md all come from here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Kind = Literal["text", "number", "integer", "flag"]

STATUS = ("observed", "below", "above", "extrapolated", "missing")
LAYERS = ("cytokine", "cell", "index", "outcome")
SCALES = ("log2", "logit", "identity")


@dataclass(frozen=True)
class Column:
    """One column: `kind` is its type, `unit` empty where it has none, `allowed` empty where any value is legal."""

    name: str
    kind: Kind
    meaning: str
    unit: str = ""
    allowed: tuple[str, ...] = ()


@dataclass(frozen=True)
class Table:
    """One table; `open_text` permits further text columns (covariates) after the declared ones."""

    name: str
    meaning: str
    columns: tuple[Column, ...]
    open_text: bool = False

    def names(self) -> list[str]:
        """Declared column names, in order."""
        return [column.name for column in self.columns]


def _text(name: str, meaning: str, *allowed: str) -> Column:
    return Column(name, "text", meaning, allowed=allowed)


def _number(name: str, meaning: str, unit: str = "") -> Column:
    return Column(name, "number", meaning, unit)


def _count(name: str, meaning: str) -> Column:
    return Column(name, "integer", meaning)


_INTERVAL = (
    _number("value", "the number written; empty for a non-detect", "as in `unit`"),
    _number("lower", "the true value is at least this", "as in `unit`"),
    _number("upper", "the true value is at most this", "as in `unit`"),
    _text("status", "what kind of value it is", *STATUS),
)
_DETECTED = Column("detected", "flag", "more than half of the wells have a number or lie above the range")
_SOURCE_CELL = (
    _text("source_file", "file it was read from"),
    _count("source_row", "row in that file, the header being row 1"),
    _text("source_column", "column in that file, as written"),
)

SAMPLES = Table(
    "samples",
    "one row per sample; a sample is unique by subject × visit × arm × specimen",
    (
        _text("sample", "sample id"),
        _text("subject", "subject id"),
        _text("visit", "visit id"),
        _text("arm", "arm id; in a crossover the condition"),
        _text("sequence", "order of conditions given to the subject"),
        _text("period", "period of the crossover"),
        _number("dose_mg", "daily dose of the arm", "mg"),
        _text("type", "what the tube holds", "sample", "bridge", "control", "pool"),
        _text("specimen", "serum, plasma, csf …"),
        _number("study_day", "days since the subject's first draw", "day"),
        _text("cohort", "cohort"),
    ),
    open_text=True,
)
MEASUREMENTS = Table(
    "measurements",
    "one row per well × analyte, as read",
    (
        _text("source", "source id in the study file"),
        _text("sample", "sample id"),
        _text("analyte", "analyte id"),
        _text("analyte_as_written", "name in the file"),
        _text("plate", "plate"),
        _text("well", "well"),
        _count("replicate", "running number of the well within sample × analyte × plate, in file order"),
        _number("dilution", "dilution factor", "fold"),
        *_INTERVAL[:1],
        _text("unit", "unit of value and bounds"),
        *_INTERVAL[1:],
        _text(
            "limit_source",
            "where the bound comes from",
            "written",
            "column",
            "limits_file",
            "lowest_observed",
            "highest_observed",
            "floor",
            "",
        ),
        _number("reported_mean", "the instrument's mean over replicate wells", "as in `unit`"),
        _number("reported_cv", "the instrument's CV over replicate wells", "%"),
        Column("excluded", "flag", "left out by the study file or by a quality rule; the reason is in findings"),
        *_SOURCE_CELL,
    ),
)
CELLS = Table(
    "cells",
    "one row per sample × population, as read",
    (
        _text("source", "source id in the study file"),
        _text("sample", "sample id"),
        _text("population", "population id"),
        _text("population_as_written", "name in the file"),
        _text("parent", "population the fraction refers to, or the nearest one whose events the source counted"),
        _text("measure", "what was measured", "count_per_ul", "fraction_of_parent", "events"),
        *_INTERVAL[:1],
        _text("unit", "unit after harmonisation", "cells/uL", "fraction", "events"),
        *_INTERVAL[1:],
        _number("resolution", "smallest step the file can express, after harmonisation", "as in `unit`"),
        Column("excluded", "flag", "left out; the reason is in findings"),
        *_SOURCE_CELL,
    ),
)
OUTCOMES = Table(
    "outcomes",
    "one row per subject × visit × clinical score",
    (
        _text("sample", "sample the score belongs to (same subject, visit and arm)"),
        _text("subject", "subject id"),
        _text("visit", "visit id"),
        _text("arm", "arm id"),
        _text("outcome", "outcome id"),
        _text("questionnaire", "which instrument"),
        _number("score", "the score", "points"),
        _text("better", "good direction", "higher", "lower"),
        *_SOURCE_CELL,
    ),
)
PLATES = Table(
    "plates",
    "one row per plate of a source, and what the plates file says of it",
    (
        _text("source", "source id"),
        _text("plate", "plate"),
        _text("source_file", "file its values were read from (the first)"),
        _text("batch", "batch"),
        _text("lot", "lot of the kit"),
        _text("run_date", "day it was run"),
    ),
)
NAMES = Table(
    "names",
    "how each name in the files was understood",
    (
        _text("source", "source id"),
        _text("layer", "kind of feature", "cytokine", "cell"),
        _text("written", "name in the file"),
        _text("feature", "id it was given"),
        _text("label", "how pages write it"),
        _text("how", "by which rule", "exact", "alias", "plan", "unknown"),
        _text("suggestion", "nearest known name, never applied by itself"),
    ),
)
VALUES = Table(
    "values",
    "one row per sample × feature after replicates were collapsed and exclusions applied; still on the measured scale",
    (
        _text("sample", "sample id"),
        _text("source", "source id"),
        _text("layer", "kind of feature", *LAYERS),
        _text("feature", "feature id; feature@source when two sources measure the same"),
        _text("as_written", "name in the file"),
        _text("label", "how pages write it"),
        _text("plate", "plate, empty where there is none"),
        _text(
            "measure",
            "what was measured",
            "concentration",
            "log_concentration",
            "count_per_ul",
            "fraction_of_parent",
            "events",
            "score",
        ),
        *_INTERVAL[:1],
        _text("unit", "unit of value and bounds"),
        *_INTERVAL[1:],
        _DETECTED,
        _text("parent", "population the fraction refers to, or whose events these are a part of"),
        _count("wells", "replicate wells used"),
        _count("plates", "plates these wells were on"),
        _number("cv", "CV of the replicate wells, SD with n − 1", "fraction"),
        _number("resolution", "smallest step the file can express", "as in `unit`"),
        Column("excluded", "flag", "left out; the reason is in findings"),
    ),
)
REPLICATES = Table(
    "replicates",
    "one row per sample × analyte × plate measured in more than one well",
    (
        _text("source", "source id"),
        _text("sample", "sample id"),
        _text("analyte", "analyte id"),
        _text("plate", "plate"),
        _count("wells", "wells"),
        _count("numbers", "wells with a number"),
        _number("mean", "mean of the numbers", "as in `unit`"),
        _number("cv", "SD (n − 1) over mean", "fraction"),
        _number("reported_mean", "the instrument's mean"),
        _number("reported_cv", "the instrument's CV", "%"),
        _text("agrees", "does the instrument's mean and CV follow from the wells", "yes", "no", ""),
    ),
)
FINDINGS = Table(
    "findings",
    "what was noticed, the numbers that triggered it, and what was done",
    (
        _text("stage", "stage that noticed it"),
        _text("check", "which check"),
        _text("severity", "how much it should worry the reader", "warning", "note"),
        _text("subject", "subject id, where one is concerned"),
        _text("sample", "sample id, where one is concerned"),
        _text("feature", "feature id, where one is concerned"),
        _text("plate", "plate, where one is concerned"),
        _text("contrast", "contrast id, where one is concerned"),
        _text("message", "one sentence for a person"),
        _text("numbers", "the numbers that triggered it: key=value; …"),
        _text("action", "what was done", "flagged", "excluded", "nothing"),
    ),
)
SAMPLE_MAP = Table(
    "sample_map",
    "principal components of the samples and how far each lies from the others",
    (
        _text("sample", "sample id"),
        _text("subject", "subject id"),
        _text("visit", "visit id"),
        _text("arm", "arm id"),
        _text("plate", "plate (the commonest of the sample)"),
        _number("pc1", "first principal component"),
        _number("pc2", "second principal component"),
        _number("explained_pc1", "share of variance of pc1", "fraction"),
        _number("explained_pc2", "share of variance of pc2", "fraction"),
        _number("distance_mads", "robust distance from the other samples", "MAD"),
        Column("outlier", "flag", "beyond the plan's limit"),
    ),
)
PANEL = Table(
    "panel",
    "one row per sample × feature on the analysis scale",
    (
        _text("sample", "sample id"),
        _text("source", "source id"),
        _text("layer", "kind of feature", *LAYERS),
        _text("feature", "feature id"),
        _text("as_written", "name in the file"),
        _text("label", "how pages write it"),
        _text("plate", "plate, empty where there is none"),
        _text("scale", "analysis scale; logit is natural", *SCALES),
        *_INTERVAL,
        _DETECTED,
        _text("unit", "unit before the scale was applied"),
    ),
)
PLATE_FACTORS = Table(
    "plate_factors",
    "what was added per analyte and plate to make plates comparable",
    (
        _text("source", "source id"),
        _text("feature", "feature id"),
        _text("plate", "plate"),
        _count("samples_used", "samples the factor rests on"),
        _number("offset", "added on the analysis scale"),
    ),
)
PAIRS = Table(
    "pairs",
    "one row per contrast × feature × subject: used or not, why not, and the two values",
    (
        _text("contrast", "contrast id"),
        _text("feature", "feature id"),
        _text("subject", "subject id"),
        _text("arm", "arm id of the change"),
        _text("role", "does the subject carry the arm of interest, the comparison, or both", "arm", "against", "both"),
        Column("used", "flag", "does it enter the estimate"),
        _text("reason", "why not"),
        _number("reference", "reference value on the analysis scale, a non-detect at its limit"),
        _number("target", "target value on the analysis scale, a non-detect at its limit"),
        _text("reference_status", "kind of the reference value", *STATUS),
        _text("target_status", "kind of the target value", *STATUS),
        _number("change", "target − reference [minus the same in the control condition], as tested"),
    ),
)
SHIFTS = Table(
    "shifts",
    "one row per contrast × feature",
    (
        _text("study", "study id"),
        _text("contrast", "contrast id"),
        _text("source", "source id"),
        _text("layer", "kind of feature", *LAYERS),
        _text("feature", "feature id"),
        _text("as_written", "name in the file"),
        _text("label", "how pages write it"),
        _text("roles", "roles of the analyte, comma-separated"),
        _text("scale", "scale of the estimate", *SCALES),
        _count("n_reference", "reference values in the estimate (arms at one visit: subjects of `against`)"),
        _count("n_target", "target values in the estimate (arms at one visit: subjects of `arm`)"),
        _count("n_pairs", "subjects in the estimate"),
        _count("below_reference", "non-detects among the reference values"),
        _count("below_target", "non-detects among the target values"),
        _number("estimate", "target − reference on `scale`"),
        _number("se", "standard error of the estimate"),
        _number("df", "degrees of freedom"),
        _number("ci_low", "lower end of the interval of the estimate"),
        _number("ci_high", "upper end of the interval of the estimate"),
        _number("ratio", "2^estimate (log2), odds ratio (logit), empty (identity)"),
        _number("ratio_low", "lower end of the interval of the ratio"),
        _number("ratio_high", "upper end of the interval of the ratio"),
        _number("statistic", "test statistic of `method`"),
        _number("p_value", "p-value of `method`, unadjusted"),
        _number("effect_size", "standardised size"),
        _text("effect_size_kind", "which standardised size"),
        _count("n_informative", "pairs with a non-zero change"),
        _number("smallest_p", "smallest p the exact test could have given"),
        _number(
            "detectable_ratio",
            "ratio found with 80 % power at the observed spread and n (difference on identity scale)",
        ),
        _text("method", "how the row was estimated"),
        _text("p_method", "how p_value was computed"),
        _text("ci_method", "how the interval was computed"),
        _text("note", "what a reader must know about this row"),
    ),
)
ARM_CHANGES = Table(
    "arm_changes",
    "what each arm did by itself in a comparison of arms; shown, never tested as the answer",
    (
        _text("contrast", "contrast id"),
        _text("feature", "feature id"),
        _text("arm", "arm or condition id"),
        _count("n_pairs", "subjects with both visits"),
        _number("estimate", "mean of target − reference on the analysis scale"),
        _number("ci_low", "lower end of its t interval"),
        _number("ci_high", "upper end of its t interval"),
        _number("p_value", "paired t, unadjusted; for the guard on moving controls only"),
        _number("ratio", "2^estimate (log2), odds ratio (logit), empty (identity)"),
        _number("ratio_low", "lower end of the interval of the ratio"),
        _number("ratio_high", "upper end of the interval of the ratio"),
    ),
)
DECISIONS = Table(
    "decisions",
    "one row per contrast × endpoint × feature",
    (
        _text("study", "study id"),
        _text("contrast", "contrast id"),
        _text("endpoint", "endpoint id"),
        _text("tier", "how it was planned", "primary", "secondary", "exploratory"),
        _text("family", "contrast × endpoint whose errors are controlled together"),
        _text("feature", "feature id"),
        _number("statistic", "statistic the decision rests on"),
        _number("p_value", "unadjusted p the decision rests on"),
        _text("p_kind", "which p that is"),
        _number("p_adjusted", "adjusted within the family"),
        _number("q_value", "Benjamini–Hochberg, exploratory only"),
        _text("decision", "outcome at the plan's alpha", "rejected", "not_rejected", "not_tested", "none"),
        _text("note", "what a reader must know about this decision"),
    ),
)
FAMILIES = Table(
    "families",
    "one row per contrast × endpoint",
    (
        _text("study", "study id"),
        _text("contrast", "contrast id"),
        _text("endpoint", "endpoint id"),
        _text("tier", "how it was planned", "primary", "secondary", "exploratory"),
        _text("test", "each feature, or one global test", "each", "global"),
        _text("correction", "within the family"),
        _text("features", "features in it, comma-separated"),
        _count("n_features", "how many"),
        _text("direction", "planned direction", "decrease", "increase", "any"),
        _number("statistic", "statistic of the family"),
        _number("p_value", "p of the family: the global p, or the smallest adjusted p"),
        _number("p_adjusted", "after Holm across primaries, or equal to p_value"),
        _number("smallest_p", "smallest adjusted p attainable in this family"),
        _text("decision", "outcome at the plan's alpha", "rejected", "not_rejected", "not_tested", "none"),
        _text("decided_by", "which rule decided, in words"),
    ),
)

TABLES = {table.name: table for table in list(globals().values()) if isinstance(table, Table)}
