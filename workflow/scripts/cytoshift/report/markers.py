"""What did each marker do? One searchable table of all estimates, and a section for the markers that matter most."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from cytoshift.figures.selection import select_features
from cytoshift.figures.words import arm_label, concrete_contrasts, contrast_label, feature_labels
from cytoshift.report.endpoints import DECISIONS, ranked_rows
from cytoshift.report.formats import MINUS, capital, count, difference, effect_parts, interval, number, p_words
from cytoshift.report.grids import Grid, Heading, figure, records, text
from cytoshift.report.inputs import ReportTables
from cytoshift.report.methods import METHODS
from cytoshift.study.study import FigurePlan, Study

EFFECT_SIZES = {
    "d_av": "d_av: mean change over the mean of the two SDs, Hedges' correction",
    "d_av_censored": "d_av of the fit with non-detects as intervals, Hedges' correction",
    "baseline_sd": "shift over the SD at baseline",
    "baseline_sd_per_mg": "shift per mg over the SD at baseline",
    "matched_rank_biserial": "matched rank-biserial",
    "rank_biserial": "rank-biserial",
}
MOST_ROWS = 1200
MOST_SECTIONS = 60
MOST_CONTRASTS = 12


@dataclass(frozen=True)
class MarkerView:
    """One marker: `facts` are term and description, `grid` its contrasts, `figure` the name of its plot."""

    anchor: str
    feature: str
    label: str
    facts: list[tuple[str, str]]
    planned: bool
    grid: Grid


def marker_table(tables: ReportTables, plan: FigurePlan) -> Grid:
    """All estimates: planned ones first, then the smallest p; at most MOST_ROWS, the note says what is left out."""
    ranked = ranked_rows(tables)
    q_values = _q_values(tables)
    contrasts = {contrast: contrast_label(plan, contrast) for contrast in ranked["contrast"].unique()}
    rows = []
    for row in records(ranked.head(MOST_ROWS)):
        name, value = effect_parts(row)
        q_value = q_values.get((row.contrast, row.feature), float("nan"))
        below = _below(row)
        rows.append(
            [
                text(row.shown, strong=bool(row.planned)),
                text(contrasts[row.contrast]),
                text(_kind(row)),
                figure(count(row.n_pairs), row.n_pairs),
                figure(count(below), below),
                figure(value, row.estimate),
                text(name),
                figure(p_words(row.p_value), row.p_value),
                figure(p_words(row.p_adjusted), row.p_adjusted),
                figure(p_words(q_value), q_value),
                text(_verdict(row)),
            ]
        )
    headings = [
        Heading("Feature", title="bold: in a planned endpoint"), Heading("Contrast"), Heading("Group"),
        Heading("n", True, "subjects in the estimate"), Heading("< limit", True, "values below their limit"),
        Heading("Shift (interval)", True), Heading("", title="what the shift is"),
        Heading("p", True, "unadjusted, of the row's own method"),
        Heading("p adj.", True, "adjusted in the planned endpoint"),
        Heading("q", True, "Benjamini–Hochberg, exploratory"), Heading("Decision"),
    ]  # fmt: skip
    note = f"{len(rows):,} of {len(ranked):,} estimates shown"
    note += (
        "."
        if len(rows) == len(ranked)
        else ": planned ones, then the smallest p. All are in tables.xlsx, sheet shifts."
    )
    return Grid(headings, rows, "Every estimate", note)


def marker_views(tables: ReportTables, study: Study, plan: FigurePlan) -> list[MarkerView]:
    """A section for each planned marker and the strongest others, MOST_SECTIONS at most."""
    chosen = select_features(tables.shifts, tables.decisions, MOST_SECTIONS)
    labels = feature_labels(tables.shifts)
    ranked = ranked_rows(tables)
    order = {contrast: place for place, contrast in enumerate(concrete_contrasts(plan))}
    return [
        _marker(place, row, labels, ranked[ranked["feature"] == row.feature], order, study, plan)
        for place, row in enumerate(records(chosen), start=1)
    ]


def _outer_doses(plan: FigurePlan) -> tuple[str, str]:
    """The arms with the highest and the lowest dose."""
    dosed = sorted((arm for arm in plan.arms if arm.dose_mg is not None), key=lambda arm: arm.dose_mg or 0.0)
    return dosed[-1].id, dosed[0].id


def control_grid(tables: ReportTables, plan: FigurePlan) -> Grid:
    """What each arm did by itself, beside the comparison: planned features first, then the smallest p."""
    ranked = ranked_rows(tables)
    ranked = ranked[ranked["contrast"].isin(tables.arm_changes["contrast"])]
    shown = ranked[ranked["estimate"].notna()].head(MOST_SECTIONS)
    changes = {(row.contrast, row.feature, row.arm): row for row in records(tables.arm_changes)}
    contrasts = concrete_contrasts(plan)
    rows = []
    for row in records(shown):
        contrast = contrasts.get(row.contrast)
        if contrast is None or not contrast.compares_arms:
            continue
        compared = _outer_doses(plan) if contrast.trend else (contrast.arm or "", contrast.against or "")
        own = [changes.get((row.contrast, row.feature, arm)) for arm in compared]
        arms = " | ".join(arm_label(plan, arm) for arm in compared)
        _, value = effect_parts(row)
        rows.append(
            [
                text(row.shown, strong=bool(row.planned)),
                text(contrast_label(plan, row.contrast)),
                text(arms),
                *(_own_change(change, row.scale) for change in own),
                figure(f"{value} per mg" if contrast.trend else value, row.estimate),
            ]
        )
    headings = [
        Heading("Feature"), Heading("Contrast"), Heading("Arm | comparison"), Heading("Change in the arm", True),
        Heading("Change in the comparison", True), Heading("Shift between them", True),
    ]  # fmt: skip
    note = (
        "Ratios (differences for scores) with intervals. An arm's own change is shown and never tested as the answer."
    )
    if len(ranked) > len(rows):
        note += f" {len(rows)} of {len(ranked):,} shown; all are in tables.xlsx, sheet arm_changes."
    return Grid(headings, rows, "What each arm did by itself", note)


def layer_grid(tables: ReportTables, plan: FigurePlan, layers: tuple[str, ...]) -> Grid:
    """The estimates of some layers (cells and indices), by contrast."""
    ranked = ranked_rows(tables)
    mine = ranked[ranked["layer"].isin(layers)].sort_values(
        "contrast", key=lambda s: s.map(_places(plan)), kind="stable"
    )
    rows = []
    for row in records(mine.head(2 * MOST_SECTIONS)):
        name, value = effect_parts(row)
        rows.append(
            [
                text(row.shown, strong=bool(row.planned)),
                text(contrast_label(plan, row.contrast)),
                figure(count(row.n_pairs), row.n_pairs),
                figure(value, row.estimate),
                text(name),
                figure(p_words(row.p_value), row.p_value),
            ]
        )
    headings = [
        Heading("Population"), Heading("Contrast"), Heading("n", True), Heading("Shift (interval)", True),
        Heading(""), Heading("p", True),
    ]  # fmt: skip
    note = "Absolute counts and indices are ratios, fractions of a parent population are odds ratios."
    if len(mine) > len(rows):
        note += f" {len(rows)} of {len(mine):,} shown; all are in tables.xlsx, sheet shifts."
    return Grid(headings, rows, "Cells and indices", note)


def _marker(
    place: int, chosen: Any, labels: Mapping[str, str], rows: pd.DataFrame, order: Mapping[str, int],
    study: Study, plan: FigurePlan,
) -> MarkerView:  # fmt: skip
    main = next(row for row in records(rows) if row.contrast == chosen.contrast)
    detectable = "difference" if main.scale == "identity" else "ratio"
    facts = [
        ("Written in the files", main.as_written),
        ("Group", _kind(main)),
        ("Estimated by", METHODS.get(main.method, main.method.replace("_", " "))),
        ("Effect size", _effect_size(main)),
        (
            "Found with 80 % power",
            "" if pd.isna(main.detectable_ratio) else f"{detectable} {number(main.detectable_ratio)}",
        ),
        ("Note", main.note),
    ]
    ordered = rows.sort_values("contrast", key=lambda s: s.map(order), kind="stable").head(MOST_CONTRASTS)
    body = []
    for row in records(ordered):
        name, value = effect_parts(row)
        body.append(
            [
                text(contrast_label(plan, row.contrast), strong=bool(row.planned)),
                figure(count(row.n_pairs), row.n_pairs),
                figure(count(_below(row)), _below(row)),
                figure(value, row.estimate),
                text(name),
                figure(p_words(row.p_value), row.p_value),
                text(_verdict(row)),
            ]
        )
    headings = [
        Heading("Contrast"), Heading("n", True), Heading("< limit", True), Heading("Shift (interval)", True),
        Heading(""), Heading("p", True), Heading("Decision"),
    ]  # fmt: skip
    note = f"{len(ordered)} of {len(rows)} contrasts shown." if len(rows) > len(ordered) else ""
    label = labels.get(chosen.feature, chosen.feature)
    shown = [(term, words) for term, words in facts if words]
    grid = Grid(headings, body, f"{label} in every contrast", note)
    return MarkerView(f"marker-{place}", chosen.feature, label, shown, bool(chosen.planned), grid)


def _effect_size(row: Any) -> str:
    """The standardised size; a row on detection has none beside its odds ratio."""
    if pd.isna(row.effect_size) or row.effect_size_kind not in EFFECT_SIZES:
        return ""
    return f"{row.effect_size:.2f} ({EFFECT_SIZES[row.effect_size_kind]})".replace("-", MINUS, 1)


def _own_change(change: Any, scale: str) -> Any:
    if change is None or pd.isna(change.estimate):
        return figure("–", float("nan"))
    if scale == "identity":
        return figure(difference(change.estimate, change.ci_low, change.ci_high), change.estimate)
    words = f"{number(change.ratio)} ({interval(change.ratio_low, change.ratio_high)})"
    return figure(words, change.estimate)


def _below(row: Any) -> float:
    counts = [value for value in (row.below_reference, row.below_target) if not pd.isna(value)]
    return float(sum(counts)) if counts else float("nan")


def _kind(row: Any) -> str:
    if row.layer != "cytokine":
        return {"cell": "cells", "index": "index", "outcome": "score"}[row.layer]
    return str(row.roles).replace("_", "-").replace(",", ", ") or "marker"


def _verdict(row: Any) -> str:
    if not row.planned:
        return "not planned"
    return capital(f"{row.tier}: {'decided as a whole' if row.decision in ('none', '') else DECISIONS[row.decision]}")


def _q_values(tables: ReportTables) -> Mapping[tuple[str, str], float]:
    explored = tables.decisions[tables.decisions["q_value"].notna()].drop_duplicates(["contrast", "feature"])
    return dict(zip(zip(explored["contrast"], explored["feature"], strict=True), explored["q_value"], strict=True))


def _places(plan: FigurePlan) -> Mapping[str, int]:
    return {contrast: place for place, contrast in enumerate(concrete_contrasts(plan))}
