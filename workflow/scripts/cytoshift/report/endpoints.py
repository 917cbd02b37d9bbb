"""What was planned to be concluded, and what does the plan let one conclude?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pandas as pd

from cytoshift.figures.selection import rank_rows, with_decisions
from cytoshift.figures.words import contrast_label, feature_labels
from cytoshift.report.answer import family_name, family_rows
from cytoshift.report.exactness import draws_of
from cytoshift.report.formats import capital, count, effect_parts, listing, number, p_equals, p_words, plural
from cytoshift.report.grids import Grid, Heading, figure, records, text
from cytoshift.report.inputs import ReportTables
from cytoshift.report.naming import read_names
from cytoshift.report.sentences import amount
from cytoshift.study.study import FigurePlan, Study

DECISIONS = {
    "rejected": "shift shown",
    "not_rejected": "not shown",
    "not_tested": "not tested",
    "none": "no decision",
    "": "no decision",
}
DIRECTIONS = {"decrease": "expected to fall", "increase": "expected to rise", "any": "in either direction"}
TIERS = {"primary": "Primary", "secondary": "Secondary", "exploratory": "Exploratory"}
MOST_ROWS = 60


@dataclass(frozen=True)
class EndpointView:
    """One endpoint in one contrast: `facts` are term and description, `cost` what exactness cost at this n."""

    anchor: str
    tier: str
    name: str
    contrast: str
    contrast_id: str
    decision: str
    state: str
    facts: list[tuple[str, str]]
    grid: Grid


def endpoint_views(tables: ReportTables, study: Study, plan: FigurePlan) -> list[EndpointView]:
    """Every planned family with its rows, in plan order."""
    families = tables.families[tables.families["tier"] != "exploratory"]
    return [_view(place, row, tables, study, plan) for place, row in enumerate(records(families), start=1)]


def explored(tables: ReportTables, study: Study, plan: FigurePlan) -> Grid:
    """The exploratory families in one table: how many features, how many with a q-value at or below alpha."""
    rows = []
    for family in records(tables.families[tables.families["tier"] == "exploratory"]):
        mine = tables.decisions[
            (tables.decisions["contrast"] == family.contrast) & (tables.decisions["endpoint"] == family.endpoint)
        ]
        q_values = mine["q_value"].dropna()
        below = int((q_values <= study.alpha).sum())
        rows.append(
            [
                text(capital(family_name(family, study, tables))),
                text(contrast_label(plan, family.contrast)),
                figure(count(family.n_features), float(family.n_features)),
                figure(count(len(q_values)), float(len(q_values))),
                figure(p_words(q_values.min() if len(q_values) else float("nan")), float(q_values.min())),
                figure(count(below), float(below)),
            ]
        )
    headings = [
        Heading("Endpoint"), Heading("Contrast"), Heading("Features", number=True),
        Heading("p-values (m)", number=True), Heading("Smallest q", number=True),
        Heading(f"q ≤ {study.alpha:g}", number=True),
    ]  # fmt: skip
    note = "q: Benjamini–Hochberg within the row; a share of false leads, not a decision."
    return Grid(headings, rows, "Exploratory endpoints", note)


def planned_and_not(tables: ReportTables, study: Study) -> list[str]:
    """What was planned before the data and what was not, in sentences."""
    shifts, decisions = tables.shifts, tables.decisions
    planned = decisions[decisions["tier"] != "exploratory"].drop_duplicates(["contrast", "feature"])
    total = len(shifts)
    named = [family_name(row, study, tables) for row in records(tables.families) if row.tier != "exploratory"]
    texts = [
        f"Planned: {listing(dict.fromkeys(named))}, {len(planned):,} of {total:,} estimates (feature × contrast)."
        if len(planned)
        else f"Planned: nothing. All {total:,} estimates (feature × contrast) are exploratory."
    ]
    if len(planned) and total > len(planned):
        texts.append(
            f"Not planned: the other {total - len(planned):,}; they carry q-values where an exploratory endpoint "
            "holds them, and no decision."
        )
    tested = shifts["p_value"].notna().sum()
    without = f", {total - tested:,} do not (the note of the row says why)" if total > tested else ""
    features, contrasts = shifts["feature"].nunique(), shifts["contrast"].nunique()
    texts.append(
        f"{plural(features, 'feature')} in {plural(contrasts, 'contrast')}; "
        f"{tested:,} estimates have a p-value{without}."
    )
    return texts


def _view(place: int, family: Any, tables: ReportTables, study: Study, plan: FigurePlan) -> EndpointView:
    rows = family_rows(family, tables)
    name, say = capital(family_name(family, study, tables)), read_names(tables, plan).say
    facts = [
        ("Planned", f"{amount(rows)}, {DIRECTIONS[family.direction]}, alpha {study.alpha:g}"),
        ("Tested by", str(family.correction)),
        ("Result", _result(family)),
        ("Smallest p possible", _smallest(family)),
        ("Decided by", say(str(family.decided_by).removeprefix(f"{family.correction}; "))),
    ]
    return EndpointView(
        anchor=f"endpoint-{place}",
        tier=TIERS[family.tier],
        name=name,
        contrast=contrast_label(plan, family.contrast),
        contrast_id=str(family.contrast),
        decision=capital(_decision(family, tables)),
        state=str(family.decision) or "none",
        facts=[(term, words) for term, words in facts if words],
        grid=_rows(family, rows, tables, study),
    )


def _result(family: Any) -> str:
    statistic = "" if pd.isna(family.statistic) else f"statistic {number(family.statistic)}, "
    adjusted = p_equals(family.p_adjusted, "p")
    return f"{statistic}{p_equals(family.p_value)}; adjusted over the plan, {adjusted}"


def _decision(family: Any, tables: ReportTables) -> str:
    """The decision in words; where each feature has its own, for how many it is a shift."""
    words = DECISIONS[family.decision]
    if family.decision != "rejected" or family.test == "global" or family.n_features == 1:
        return words
    mine = tables.decisions[
        (tables.decisions["contrast"] == family.contrast) & (tables.decisions["endpoint"] == family.endpoint)
    ]
    return f"{words} for {(mine['decision'] == 'rejected').sum()} of {count(family.n_features)}"


def _smallest(family: Any) -> str:
    if pd.isna(family.smallest_p):
        return ""
    draws = draws_of(family)
    where = "at this number of subjects" if draws is None else f"at this number of random draws (1/{draws:,})"
    return f"{p_words(family.smallest_p)} {where}"


def _rows(family: Any, rows: pd.DataFrame, tables: ReportTables, study: Study) -> Grid:
    labels = feature_labels(tables.shifts)
    mine = tables.decisions[
        (tables.decisions["contrast"] == family.contrast) & (tables.decisions["endpoint"] == family.endpoint)
    ].set_index("feature")
    body = []
    for row in records(rows.head(MOST_ROWS)):
        name, value = effect_parts(row)
        decided = mine.loc[row.feature] if row.feature in mine.index else None
        adjusted = float("nan") if decided is None or family.test == "global" else float(decided["p_adjusted"])
        verdict = "" if decided is None or family.test == "global" else DECISIONS[str(decided["decision"])]
        body.append(
            [
                text(labels.get(row.feature, row.feature), strong=verdict == DECISIONS["rejected"]),
                figure(count(row.n_pairs), row.n_pairs),
                figure(value, row.estimate),
                text(name),
                figure(p_words(row.p_value), row.p_value),
                figure(p_words(adjusted), adjusted),
                text(verdict or "as a whole"),
            ]
        )
    headings = [
        Heading("Feature"), Heading("n", number=True), Heading("Shift (interval)", number=True), Heading(""),
        Heading("p of the row", number=True), Heading("p adjusted", number=True), Heading("Decision"),
    ]  # fmt: skip
    note = f"Intervals are {100 * (1 - study.alpha):g} %, one feature at a time."
    if len(rows) > MOST_ROWS:
        note += f" {MOST_ROWS} of {len(rows):,} features shown; all are in tables.xlsx, sheet decisions."
    return Grid(headings, body, f"Features of {family_name(family, study, tables)}", note)


def ranked_rows(tables: ReportTables) -> pd.DataFrame:
    """Every estimate with its own decision and label: planned first, then the smallest p.

    A feature tested only together with others (a global test) is planned but has no decision of its own.
    """
    decisions = tables.decisions
    together = decisions["p_kind"] == "global"
    own = decisions.assign(
        decision=decisions["decision"].where(~together, "none"), p_adjusted=decisions["p_adjusted"].where(~together)
    )
    rows = with_decisions(tables.shifts, own)
    labels = feature_labels(tables.shifts)
    return rank_rows(rows.assign(shown=rows["feature"].map(labels)))
