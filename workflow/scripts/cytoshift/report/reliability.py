"""What was noticed about the data, and what changes without the samples that were flagged?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from cytoshift.figures.words import contrast_label
from cytoshift.report.endpoints import ranked_rows
from cytoshift.report.formats import count, direction, effect_parts, numbers_words, p_words, plural
from cytoshift.report.grids import Grid, Heading, figure, records, text
from cytoshift.report.inputs import ReportTables
from cytoshift.report.naming import Names
from cytoshift.report.people import check_words
from cytoshift.study.study import FigurePlan, Study

MOST_PER_CHECK = 8
MOST_NAMES = 300
MOST_ROWS = 40
ACTIONS = {"excluded": "excluded", "flagged": "flagged, kept", "nothing": ""}
STAGES = {
    "intake": "reading",
    "calibrate": "calibration",
    "quality": "quality",
    "normalize": "normalization",
    "shift": "comparison",
}


@dataclass(frozen=True)
class FindingGroup:
    """The findings of one check: `items` are where, message, numbers and action; `more` says what is not shown."""

    title: str
    severity: str
    total: int
    stage: str
    items: list[tuple[str, str, str, str]]
    more: str


def finding_groups(findings: pd.DataFrame, names: Names) -> list[FindingGroup]:
    """Findings by check, warnings first, then in the order of the stages."""
    groups = []
    for severity in ("warning", "note", ""):
        part = findings[findings["severity"] == severity]
        for (stage, check), rows in part.groupby(["stage", "check"], sort=False):
            shown = rows.head(MOST_PER_CHECK)
            left = len(rows) - len(shown)
            items = [
                (
                    _where(row, names),
                    names.finding(row),
                    numbers_words(row.numbers),
                    ACTIONS.get(row.action, row.action),
                )
                for row in records(shown)
            ]
            more = f"{plural(left, 'more finding')} in tables.xlsx, sheet findings." if left else ""
            stage_word = STAGES.get(str(stage), str(stage))
            groups.append(FindingGroup(check_words(str(check)), severity or "note", len(rows), stage_word, items, more))
    return groups


def findings_sentence(tables: ReportTables) -> str:
    """How many findings there were, and what was done about them."""
    findings = tables.findings
    if findings.empty:
        return "No check found anything to report."
    warnings = int((findings["severity"] == "warning").sum())
    actions = findings["action"].value_counts()
    done = [f"{count(actions[name])} {words}" for name, words in _ACTIONS if name in actions]
    return f"{plural(len(findings), 'finding')}, of which {plural(warnings, 'warning')}: {', '.join(done)}."


_ACTIONS = (("excluded", "led to an exclusion"), ("flagged", "flagged and kept"), ("nothing", "noted only"))


def without_flagged_grid(tables: ReportTables, plan: FigurePlan, study: Study) -> Grid:
    """Estimates beside the same without flagged samples, what changes most first; a change of sign or side is said.

    First those with a remark, then the rest, both by the size of the difference in standard errors.
    """
    again = {(row.contrast, row.feature): row for row in records(tables.without_flagged)}
    ranked = ranked_rows(tables)
    held = [key in again for key in zip(ranked["contrast"], ranked["feature"], strict=True)]
    both = ranked[pd.Series(held, index=ranked.index, dtype=bool)]
    rows = []
    compared = both[both[["estimate", "p_value"]].notna().any(axis=1) | both["planned"]]
    for row in records(_most_changed(compared, again, study.alpha).head(MOST_ROWS)):
        other = again[row.contrast, row.feature]
        value, changed = _shift(row), _shift(other)
        remark = _remark(row, other, study.alpha)
        rows.append(
            [
                text(row.shown, strong=bool(row.planned)),
                text(contrast_label(plan, row.contrast)),
                figure(count(row.n_pairs), row.n_pairs),
                figure(value, row.estimate),
                figure(p_words(row.p_value), row.p_value),
                figure(count(other.n_pairs), other.n_pairs),
                figure(changed, other.estimate),
                figure(p_words(other.p_value), other.p_value),
                text(remark, strong=bool(remark)),
            ]
        )
    headings = [
        Heading("Feature"), Heading("Contrast"), Heading("n", True), Heading("With all samples", True),
        Heading("p", True), Heading("n", True), Heading("Without the flagged", True), Heading("p", True), Heading(""),
    ]  # fmt: skip
    note = (
        "What changes most stands first. "
        f"Unadjusted p of each row's own method; a remark where the sign or the side of alpha {study.alpha:g} changes."
    )
    if len(both) > len(rows):
        note += f" {len(rows)} of {len(both):,} shown; all are in tables.xlsx, sheet without_flagged."
    return Grid(headings, rows, "With and without flagged samples", note)


def _most_changed(rows: pd.DataFrame, again: Mapping[tuple[str, str], Any], alpha: float) -> pd.DataFrame:
    """Rows with a remark first, then the larger difference first, in standard errors so that scales compare."""
    others = [again[row.contrast, row.feature] for row in records(rows)]
    remarks = [bool(_remark(row, other, alpha)) for row, other in zip(records(rows), others, strict=True)]
    moved = [
        abs(row.estimate - other.estimate) / (row.se if row.se > 0 else 1.0)
        for row, other in zip(records(rows), others, strict=True)
    ]
    ordered = rows.assign(_remark=remarks, _moved=moved).sort_values(
        ["_remark", "_moved"], ascending=False, na_position="last", kind="stable"
    )
    return ordered.drop(columns=["_remark", "_moved"])


def _shift(row: Any) -> str:
    """A row's shift without its name, which an odds ratio of detection keeps: it is no size of the shift."""
    name, value = effect_parts(row)
    return f"detection OR {value}" if name == "odds ratio of detection" else value


def flagged_grid(flagged: pd.DataFrame, names: Names) -> Grid:
    """The flagged samples and why."""
    rows = [
        [text(names.sample(row.sample)), text(row.flags.replace("_", " "))] for row in records(flagged.head(MOST_ROWS))
    ]
    note = f"{len(rows)} of {len(flagged):,} shown." if len(flagged) > len(rows) else ""
    return Grid([Heading("Sample"), Heading("Flagged because")], rows, "Flagged samples", note)


def names_grid(tables: ReportTables) -> Grid:
    """How each name in the files was understood: unknown names first, exact ones last."""
    order = {"unknown": 0, "plan": 1, "alias": 2, "exact": 3}
    ranked = tables.names.drop_duplicates(["source", "written", "feature"])
    ranked = ranked.sort_values("how", key=lambda s: s.map(order), kind="stable")
    words = {
        "unknown": "unknown, kept as written",
        "plan": "named in the study file",
        "alias": "alias",
        "exact": "exact",
    }
    rows = [
        [
            text(row.source),
            text(row.written),
            text(row.label),
            text(row.feature),
            text(words.get(row.how, row.how), strong=row.how == "unknown"),
            text(f"{row.suggestion}?" if row.suggestion else ""),
        ]
        for row in records(ranked.head(MOST_NAMES))
    ]
    headings = [
        Heading("Source"), Heading("Written in the file"), Heading("Understood as"), Heading("Id"), Heading("How"),
        Heading("Did the file mean"),
    ]  # fmt: skip
    note = "A suggestion is never applied by itself: write it under `names` in the study file."
    if len(ranked) > len(rows):
        note += f" {len(rows)} of {len(ranked):,} names shown."
    return Grid(headings, rows, "How names were understood", note)


def _where(row: Any, names: Names) -> str:
    """What a finding is about, as far as its message does not say so itself."""
    message = names.finding(row)
    about = [row.subject, names.sample(row.sample), names.features.get(row.feature, row.feature), row.plate,
             names.contrasts.get(row.contrast, row.contrast)]  # fmt: skip
    return ", ".join(dict.fromkeys(part for part in about if part and part not in message))


def _remark(row: Any, other: Any, alpha: float) -> str:
    before, after = row.estimate, other.estimate
    if pd.isna(after) and not pd.isna(before):
        return "no estimate any more"
    if direction(row) * direction(other) < 0:
        return "changes sign"
    if pd.isna(row.p_value) or pd.isna(other.p_value):
        return ""
    return f"crosses p = {alpha:g}" if (row.p_value <= alpha) != (other.p_value <= alpha) else ""
