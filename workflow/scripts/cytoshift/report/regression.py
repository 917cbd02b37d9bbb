"""How much of a change within one arm would have come untreated, because people enter studies when they are high?"""

from __future__ import annotations

from typing import Any

import pandas as pd

from cytoshift.figures.words import concrete_contrasts, contrast_label, feature_labels, visit_label
from cytoshift.report.formats import capital, difference, interval, listing, number, percent, plural
from cytoshift.report.grids import records
from cytoshift.report.inputs import ReportTables
from cytoshift.study.selection import start_of
from cytoshift.study.study import FigurePlan, Study

MOST_NAMED = 3
UNKNOWN = "Regression to the mean is not quantifiable here"
NOT_PLANNED = (
    f"{UNKNOWN}: the plan gives neither the rule by which subjects were selected nor a source for the population's "
    "mean and correlation."
)
METHOD = (
    "The change expected without treatment is the mean change from the baseline that decided who entered to the other "
    "one, or, without a second baseline, −(1 − ρ)(mean at the deciding visit − mean of the population) with ρ and the "
    "population's mean from the source named (Davis 1976). Of a reference averaged over k visits it is the share of "
    "those that decided. It supposes stable people; it is shown beside the change and never taken off it."
)


def expected_sentence(contrast: str, tables: ReportTables, study: Study, plan: FigurePlan) -> str:
    """What selection alone would have done to the leading features of a contrast within an arm, or why nobody knows."""
    rows = tables.regression_to_mean[tables.regression_to_mean["contrast"] == contrast]
    if rows.empty:
        start = start_of(concrete_contrasts(plan)[contrast], study.selection, plan.visits)
        why = start.why or "there are neither two baselines nor a source for mean and correlation of its features"
        return f"{UNKNOWN}: {why}."
    ordered = _leading(rows, tables)
    labels = feature_labels(tables.shifts)
    named = [_words(row, labels.get(row.feature, row.label)) for row in records(ordered.head(MOST_NAMED))]
    others = len(ordered) - len(named)
    more = f"; {plural(others, 'more feature')} in tables.xlsx" if others else ""
    sources = _sources(ordered.head(MOST_NAMED))
    return f"Regression to the mean alone would have {'; '.join(named)}{more}; {sources}."


def regression_words(tables: ReportTables, study: Study, plan: FigurePlan) -> str:
    """The rule of selection, what it comes to in each contrast within an arm, and what that supposes."""
    found = tables.regression_to_mean
    if study.selection is None and found.empty:
        return NOT_PLANNED
    parts = []
    if study.selection is not None:
        visits = listing([visit_label(plan, visit) for visit in study.selection.visits])
        parts.append(f"Subjects entered by this rule: {study.selection.rule.rstrip('.')} (decided at {visits}).")
    for name, contrast in concrete_contrasts(plan).items():
        if contrast.at is None and not contrast.compares_arms:
            parts.append(f"{capital(contrast_label(plan, name))}: {expected_sentence(name, tables, study, plan)}")
    notes = list(dict.fromkeys(note for note in found["note"] if note))
    parts += [f"The number {note}." for note in notes]
    return " ".join(parts)


def _leading(rows: pd.DataFrame, tables: ReportTables) -> pd.DataFrame:
    """Planned features first, then those with the smallest p."""
    keys = ["contrast", "feature"]
    planned = tables.decisions[tables.decisions["tier"] != "exploratory"][keys].drop_duplicates()
    ranked = rows.merge(tables.shifts[[*keys, "p_value"]], on=keys, how="left")
    ranked = ranked.merge(planned.assign(planned=1.0), on=keys, how="left")
    return ranked.sort_values(["planned", "p_value"], kind="stable", na_position="last")


def _words(row: Any, label: str) -> str:
    """'lowered IL-6 to ratio 0.84 (0.74 to 0.95), 60 % of the change seen'."""
    if row.scale == "identity":
        words = f"changed {label} by {difference(row.expected, row.ci_low, row.ci_high)}"
    else:
        kind = "odds ratio" if row.scale == "logit" else "ratio"
        ends = interval(row.ratio_low, row.ratio_high)
        verb = "raised" if row.expected > 0 else "lowered"
        words = f"{verb} {label} to {kind} {number(row.expected_ratio)}" + (f" ({ends})" if ends else "")
    if pd.isna(row.share_of_change):
        return words
    return f"{words}, {_share(row.share_of_change)} of the change seen"


def _share(share: float) -> str:
    if share in (0, 1):
        return "all" if share else "none"
    return percent(round(share, 2)) if share >= 0.01 else f"less than {percent(0.01)}"


def _sources(rows: pd.DataFrame) -> str:
    """'seen between two baselines', 'source: Smith 2020'."""
    seen = ["seen between two baselines"] if (rows["basis"] == "baselines").any() else []
    cited = [str(source) for source in dict.fromkeys(rows["source"]) if source]
    return "; ".join([*seen, *([f"source: {listing(cited)}"] if cited else [])])
