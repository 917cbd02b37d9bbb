"""What quality and normalize write, and the findings of every stage."""

from __future__ import annotations

from cytoshift.tables.model import DETECTED, INTERVAL, LAYERS, SCALES, Column, Table, count, number, text

VALUES = Table(
    "values",
    "one row per sample × feature after replicates were collapsed and exclusions applied; still on the measured scale",
    (
        text("sample", "sample id"),
        text("source", "source id"),
        text("layer", "kind of feature", *LAYERS),
        text("feature", "feature id; feature@source when two sources measure the same"),
        text("as_written", "name in the file"),
        text("label", "how pages write it"),
        text("plate", "plate, empty where there is none"),
        text(
            "measure",
            "what was measured",
            "concentration",
            "log_concentration",
            "count_per_ul",
            "fraction_of_parent",
            "events",
            "score",
        ),
        *INTERVAL[:1],
        text("unit", "unit of value and bounds"),
        *INTERVAL[1:],
        DETECTED,
        text("parent", "population the fraction refers to, or whose events these are a part of"),
        count("wells", "replicate wells used"),
        count("plates", "plates these wells were on"),
        number("cv", "CV of the replicate wells, SD with n − 1", "fraction"),
        number("resolution", "smallest step the file can express", "as in `unit`"),
        Column("excluded", "flag", "left out; the reason is in findings"),
    ),
)
REPLICATES = Table(
    "replicates",
    "one row per sample × analyte × plate measured in more than one well",
    (
        text("source", "source id"),
        text("sample", "sample id"),
        text("analyte", "analyte id"),
        text("plate", "plate"),
        count("wells", "wells"),
        count("numbers", "wells with a number"),
        number("mean", "mean of the numbers", "as in `unit`"),
        number("cv", "SD (n − 1) over mean", "fraction"),
        number("reported_mean", "the instrument's mean"),
        number("reported_cv", "the instrument's CV", "%"),
        text("agrees", "does the instrument's mean and CV follow from the wells", "yes", "no", ""),
    ),
)
FINDINGS = Table(
    "findings",
    "what was noticed, the numbers that triggered it, and what was done",
    (
        text("stage", "stage that noticed it"),
        text("check", "which check"),
        text("severity", "how much it should worry the reader", "warning", "note"),
        text("subject", "subject id, where one is concerned"),
        text("sample", "sample id, where one is concerned"),
        text("feature", "feature id, where one is concerned"),
        text("plate", "plate, where one is concerned"),
        text("contrast", "contrast id, where one is concerned"),
        text("message", "one sentence for a person"),
        text("numbers", "the numbers that triggered it: key=value; …"),
        text("action", "what was done", "flagged", "excluded", "nothing"),
    ),
)
SAMPLE_MAP = Table(
    "sample_map",
    "principal components of the samples and how far each lies from the others",
    (
        text("sample", "sample id"),
        text("subject", "subject id"),
        text("visit", "visit id"),
        text("arm", "arm id"),
        text("plate", "plate (the commonest of the sample)"),
        number("pc1", "first principal component"),
        number("pc2", "second principal component"),
        number("explained_pc1", "share of variance of pc1", "fraction"),
        number("explained_pc2", "share of variance of pc2", "fraction"),
        number("distance_mads", "robust distance from the other samples", "MAD"),
        Column("outlier", "flag", "beyond the plan's limit"),
    ),
)
PANEL = Table(
    "panel",
    "one row per sample × feature on the analysis scale",
    (
        text("sample", "sample id"),
        text("source", "source id"),
        text("layer", "kind of feature", *LAYERS),
        text("feature", "feature id"),
        text("as_written", "name in the file"),
        text("label", "how pages write it"),
        text("plate", "plate, empty where there is none"),
        text("scale", "analysis scale; logit is natural", *SCALES),
        *INTERVAL,
        DETECTED,
        text("unit", "unit before the scale was applied"),
        text("parent", "population whose share this is; empty where it is none"),
    ),
)
PLATE_FACTORS = Table(
    "plate_factors",
    "what was added (and, by combat, multiplied) per analyte and plate to make plates comparable",
    (
        text("source", "source id"),
        text("feature", "feature id"),
        text("plate", "plate"),
        count("samples_used", "samples the factor rests on"),
        number("offset", "added on the analysis scale"),
        number("scale", "multiplied about the analyte's mean, before the offset is added; 1 where only shifted"),
        number("centre", "the analyte's mean over the plates, about which the scale works; empty where only shifted"),
    ),
)
