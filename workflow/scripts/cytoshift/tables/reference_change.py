"""How far one subject's value must move before it is more than variation, and how many moved so far."""

from __future__ import annotations

from cytoshift.tables.model import Table, count, number, text

_SIGMA = "natural logarithm; points for scores"

REFERENCE_CHANGE = Table(
    "reference_change",
    "one row per contrast × feature of two visits: the change that 95 % of unchanged subjects stay within, and how "
    "many subjects went beyond it (of unchanged ones 5 % do by chance)",
    (
        text("contrast", "contrast id"),
        text("feature", "feature id"),
        text("label", "how pages write it"),
        text(
            "kind",
            "what the limit is; without variation within subjects it is analytical and nobody is counted as changed",
            "reference_change_value",
            "analytical_change_limit",
        ),
        number("sigma_analytical", "SD of one sample measured again", _SIGMA),
        text(
            "analytical_source",
            "where it comes from: the plan's CV, controls between plates, replicate wells (pairs on one plate only), "
            "or part of the variation within subjects",
            "plan",
            "controls",
            "replicates",
            "included",
        ),
        number("analytical_df", "degrees of freedom it rests on; empty where cited"),
        number(
            "sigma_within",
            "SD of an unchanged subject's values over time, less the analytical part unless that is `included`",
            _SIGMA,
        ),
        text(
            "within_source",
            "where it comes from: the plan's CV or its visits, the control arm, or visits averaged as reference",
            "plan",
            "visits",
            "control_arm",
            "repeat_visits",
        ),
        number("within_df", "degrees of freedom it rests on; empty where cited"),
        number("sigma", "both together: root of the sum of squares", _SIGMA),
        number("limit_low", "a ratio below this is a decrease (difference on identity scale)"),
        number("limit_high", "a ratio above this is an increase (difference on identity scale)"),
        count("n_subjects", "subjects of the arm of interest with both values"),
        count("n_decreased", "of them certainly below the limit"),
        count("n_increased", "of them certainly above the limit"),
        count("n_undetermined", "of them with non-detects that leave it open"),
        count("against_subjects", "the same for the arm compared with, where these are other people"),
        count("against_decreased", "of them certainly below the limit"),
        count("against_increased", "of them certainly above the limit"),
        count("against_undetermined", "of them with non-detects that leave it open"),
        text("note", "what a reader must know about this row"),
    ),
)
