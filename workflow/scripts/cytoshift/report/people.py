"""Who was measured, who was left out, and why?"""

from __future__ import annotations

from typing import Any

import pandas as pd

from cytoshift.figures.words import arm_label, contrast_label, visit_label
from cytoshift.report.formats import MINUS, capital, count, listing, plural
from cytoshift.report.grids import Cell, Grid, Heading, figure, records, text
from cytoshift.report.inputs import ReportTables
from cytoshift.report.naming import Names
from cytoshift.study.study import FigurePlan, Study

MOST_EXCLUSIONS = 40
MOST_REASONS = 60


def people_sentence(tables: ReportTables) -> str:
    """How many subjects and samples there were, and of which kind."""
    real = _real(tables.samples)
    words = f"{plural(real['subject'].nunique(), 'subject')}, {plural(len(real), 'sample')}"
    others = tables.samples[~tables.samples.index.isin(real.index)]["type"].value_counts().sort_index()
    beside = [plural(int(number), f"{kind} sample") for kind, number in others.items()]
    return f"{words}; besides, {listing(beside)}." if beside else f"{words}."


def attendance(tables: ReportTables, plan: FigurePlan) -> Grid:
    """Samples by arm (or condition) and visit, the visits in the plan's order."""
    real = _real(tables.samples)
    visits = [visit.id for visit in plan.visits]
    arms = [arm.id for arm in plan.arms] or [""]
    counts = real.groupby(["arm", "visit"]).size()
    subjects = real.groupby("arm")["subject"].nunique()
    rows = [
        [
            text(arm_label(plan, arm)),
            figure(count(subjects.get(arm, 0)), float(subjects.get(arm, 0))),
            *(figure(count(counts.get((arm, visit), 0)), float(counts.get((arm, visit), 0))) for visit in visits),
        ]
        for arm in arms
    ]
    times = [f"{visit_label(plan, visit.id)}" for visit in plan.visits]
    headings = [Heading("Arm"), Heading("Subjects", number=True), *(Heading(time, number=True) for time in times)]
    return Grid(headings, rows, "Samples by arm and visit", "Samples read, before exclusions.")


def visit_times(study: Study) -> str:
    """The planned times of the visits in words, '' where the plan gives none."""
    known = [visit for visit in study.visits if visit.time is not None]
    if not known:
        return ""
    said = []
    for visit in known:
        time, words = f"{visit.time:g}".replace("-", MINUS), visit.label or visit.id.replace("_", " ")
        # A visit called by its time ('week 8', '0.5 h') need not be told twice.
        said.append(words if time.removeprefix(MINUS) in words.split() else f"{words} ({time})")
    return f"Planned times in {study.time_unit}s: {', '.join(said)}."


def planned_exclusions(study: Study) -> Grid:
    """What the study file leaves out on purpose, with its reasons."""
    keys = ("sample", "subject", "visit", "plate", "analyte", "well", "source")
    rows = [
        [text("; ".join(f"{key} {getattr(item, key)}" for key in keys if getattr(item, key))), text(item.reason)]
        for item in study.exclude
    ]
    return Grid([Heading("Left out"), Heading("Reason given in the study file")], rows, "Exclusions in the study file")


def exclusions(tables: ReportTables, names: Names) -> Grid:
    """Findings that led to an exclusion, and samples that quality left out."""
    hit = tables.findings[tables.findings["action"] == "excluded"]
    rows = [
        [text(check_words(row.check)), text(_hit(row, names)), text(names.finding(row))]
        for row in records(hit.head(MOST_EXCLUSIONS))
    ]
    if "left_out" in tables.samples:
        gone = tables.samples[tables.samples["left_out"] != ""]
        shown = max(0, MOST_EXCLUSIONS - len(rows))
        rows += [
            [text("Sample left out"), text(names.sample(row.sample)), text(row.left_out.replace("_", " "))]
            for row in records(gone.head(shown))
        ]
        total = len(hit) + len(gone)
    else:
        total = len(hit)
    note = f"{len(rows)} of {total:,} shown; all are in tables.xlsx, sheet findings." if total > len(rows) else ""
    return Grid([Heading("Check"), Heading("What"), Heading("Why")], rows, "What was excluded", note)


def lost_pairs(tables: ReportTables, plan: FigurePlan) -> Grid:
    """Pairs not used, counted by contrast and reason."""
    lost = tables.pairs[~tables.pairs["used"].astype(bool)]
    grouped = lost.groupby(["contrast", "reason"], sort=True)
    summary = grouped.agg(subjects=("subject", "nunique"), features=("feature", "nunique"), rows=("feature", "size"))
    order = {contrast: place for place, contrast in enumerate(dict.fromkeys(tables.shifts["contrast"]))}
    ranked = summary.reset_index().sort_values(
        ["contrast", "rows"], ascending=[True, False], key=lambda s: s.map(order) if s.name == "contrast" else s,
        kind="stable",
    )  # fmt: skip
    rows: list[list[Cell]] = [
        [
            text(contrast_label(plan, row.contrast)),
            text(row.reason or "no reason given"),
            figure(count(row.subjects), float(row.subjects)),
            figure(count(row.features), float(row.features)),
            figure(count(row.rows), float(row.rows)),
        ]
        for row in records(ranked.head(MOST_REASONS))
    ]
    headings = [
        Heading("Contrast"), Heading("Why not used"), Heading("Subjects", number=True),
        Heading("Features", number=True), Heading("Subject × feature", number=True),
    ]  # fmt: skip
    note = f"{len(rows)} of {len(ranked)} reasons shown." if len(ranked) > len(rows) else ""
    return Grid(headings, rows, "Pairs that could not be used", note)


def check_words(check: str) -> str:
    """The name of a check as a heading: 'Replicate CV', 'Unit slip'."""
    words = check.replace("_", " ")
    return capital(words.replace(" cv", " CV").replace("icc", "ICC"))


def _hit(row: Any, names: Names) -> str:
    feature = names.features.get(row.feature, row.feature)
    about = [row.subject and f"subject {row.subject}", row.sample and f"sample {names.sample(row.sample)}", feature,
             row.plate and f"plate {row.plate}"]  # fmt: skip
    return ", ".join(part for part in about if part)


def _real(samples: pd.DataFrame) -> pd.DataFrame:
    return samples[samples["type"].isin(["sample", ""])]
