"""What does each plate look like to the person who ran it: curves, beads, blanks, controls, range?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from cytoshift.figures.plates import figure_name, natural_plates
from cytoshift.figures.saving import safe_name
from cytoshift.figures.words import condition
from cytoshift.report import reliability
from cytoshift.report.captions import read_captions
from cytoshift.report.embed import Album, Picture
from cytoshift.report.formats import NOTHING, count, interval, listing, number, percent, plural
from cytoshift.report.grids import Cell, Grid, Heading, figure, records, text
from cytoshift.report.inputs import ReportTables
from cytoshift.report.naming import read_names
from cytoshift.report.page import render
from cytoshift.study.study import FigurePlan, Study, stage_sections

# findings of these stages, and those of others that name a plate, stand on the plates' page
STAGES = ("calibrate",)
BUDGET_BYTES = 12_000_000  # the page is for the laboratory: every plate's figures are on it
MODELS = {"5pl": "5PL", "4pl": "4PL"}
LEGEND = (
    "LOD, LLOQ and ULOQ are concentrations in the well, before dilution. Below, above: share of sample wells under the "
    "limit or over the range. CV: median over replicate sample wells. Recovery: what the curve reads in the standards "
    "of the fit over what they hold, lowest to highest. Against the instrument: median and 95th percentile of the "
    "difference from the instrument's own concentrations in range, on the log2 scale (0.1 is 7 %)."
)
KINDS = (("sample", "sample well"), ("standard", "standard"), ("blank", "blank"), ("control", "control"))
CHOICES = {
    "refit": "from the curves fitted here",
    "instrument": "the instrument's own",
    "signal": "none: signals are analysed",
}


@dataclass(frozen=True)
class PlateView:
    """One plate as the page shows it; `anchor` is its place on the page."""

    anchor: str
    title: str
    facts: list[tuple[str, str]]
    pictures: list[Picture]
    grid: Grid
    left_out: Grid


def build_plates_page(
    tables: ReportTables, study: Study, *, figures: Mapping[str, Path | str], captions: Mapping[str, str]
) -> str:
    """The plates' page as HTML text.

    figures: folder of SVG files by kind (curves, plate_map, controls, ranges); captions: text of each kind's .rst
    caption. A study without instrument files or wells gets a page that says so.
    """
    plan = FigurePlan.model_validate(stage_sections(study, FigurePlan))
    album = Album(figures, BUDGET_BYTES)
    names = read_names(tables, plan)
    views = [
        _view(tables, source, plate, album, names.features, number)
        for number, (source, plate) in enumerate(_plates(tables), start=1)
    ]
    groups = reliability.finding_groups(_findings(tables), names)
    context = {
        "study": study,
        "condition": condition(study.disease),
        "plates": views,
        "findings": [group for group in groups if group.severity == "warning"],
        "notes": [group for group in groups if group.severity != "warning"],
        "controls": album.rest("controls") if len(tables.controls) else [],
        "rules": _broken_rules(tables, names.features),
        "ranges": album.rest("ranges") if views else [],
        "captions": read_captions(captions),
    }
    return render(context, "plates.html.j2")


def _plates(tables: ReportTables) -> list[tuple[str, str]]:
    """Source and plate of every plate that was reviewed, sources in plan order, P2 before P10."""
    review = tables.plate_review
    return [
        (str(source), plate)
        for source, part in review.groupby("source", sort=False)
        for plate in natural_plates(part["plate"])
    ]


def _findings(tables: ReportTables) -> pd.DataFrame:
    findings = tables.findings
    return findings[findings["stage"].isin(STAGES) | (findings["plate"] != "")]


def _of(table: pd.DataFrame, source: str, plate: str) -> pd.DataFrame:
    return table[(table["source"] == source) & (table["plate"] == plate)]


def _view(
    tables: ReportTables, source: str, plate: str, album: Album, labels: Mapping[str, str], number_: int
) -> PlateView:
    name = safe_name(figure_name(source, plate))
    taken = (album.take(kind, name) for kind in ("plate_map", "curves"))
    title = f"Plate {plate}" if plate else "The plate"
    several = len(set(tables.plate_review["source"])) > 1
    return PlateView(
        anchor=f"plate-{number_}",
        title=f"{title} ({source})" if several else title,
        facts=_facts(tables, source, plate),
        pictures=[picture for picture in taken if picture is not None],
        grid=_grid(tables, source, plate, labels),
        left_out=_left_out(tables, source, plate, labels),
    )


def _facts(tables: ReportTables, source: str, plate: str) -> list[tuple[str, str]]:
    """What is known of a plate as a whole."""
    known = next(records(_of(tables.plates, source, plate)), None)
    wells = _of(tables.plate_map, source, plate)
    kinds = [
        plural(int((wells["type"] == kind).sum()), word)
        for kind, word in (
            ("sample", "sample well"),
            ("standard", "standard"),
            ("blank", "blank"),
            ("control", "control"),
        )
    ]
    review = _of(tables.plate_review, source, plate)
    beads = review["beads_min"].dropna()
    low = int(review["low_bead_wells"].fillna(0).sum())
    facts = [] if known is None else [
        ("File", known.source_file), ("Run", known.run_date), ("Lot", known.lot), ("Batch", known.batch),
    ]  # fmt: skip
    if len(wells):
        facts.append(("Wells", ", ".join(kinds)))
    if len(beads):
        facts.append(("Fewest beads", f"{count(beads.min())}; {plural(low, 'value')} below the plan's limit"))
    chosen = _of(tables.curves, source, plate)["concentration"].value_counts()
    facts += [("Concentrations", f"{CHOICES[str(name)]} ({plural(int(n), 'analyte')})") for name, n in chosen.items()]
    return [(term, words) for term, words in facts if words]


def _grid(tables: ReportTables, source: str, plate: str, labels: Mapping[str, str]) -> Grid:
    """One row per analyte: curve, range, shares outside it, beads, replicates, recovery, agreement."""
    curves = {row.analyte: row for row in records(_of(tables.curves, source, plate))}
    agreement = {row.analyte: row for row in records(_of(tables.agreement, source, plate))}
    rows = [
        _row(row, curves.get(row.analyte), agreement.get(row.analyte), labels)
        for row in records(_of(tables.plate_review, source, plate))
    ]
    headings = [
        Heading("Analyte"), Heading("Curve", title="the model fitted"),
        Heading("LOD", True, "limit of detection before dilution"),
        Heading("LLOQ to ULOQ", True, "range in which the standards read what they hold, before dilution"),
        Heading("Below", True, "share of sample wells below range"), Heading("Above", True),
        Heading("Fewest beads", True), Heading("CV", True, "median CV of replicate sample wells"),
        Heading("Recovery", True, "of the standards in the fit"),
        Heading("Against the instrument", True),
        Heading("Remark"),
    ]  # fmt: skip
    return Grid(headings, rows, f"Analytes of plate {plate}", LEGEND)


def _row(row: Any, curve: Any, agreement: Any, labels: Mapping[str, str]) -> list[Cell]:
    model = MODELS.get(curve.model, "none") if curve is not None else NOTHING
    lod = curve.lod if curve is not None else float("nan")
    span = interval(curve.lloq, curve.uloq) if curve is not None else ""
    low = float("nan") if curve is None else curve.lloq
    apart, words = float("nan"), NOTHING
    if agreement is not None and not pd.isna(agreement.median_abs_log2_ratio):
        apart = agreement.median_abs_log2_ratio
        words = f"{number(apart)}, {number(agreement.p95_abs_log2_ratio)}"
    recovery = interval(row.recovery_low, row.recovery_high)
    few_beads = bool(pd.notna(row.low_bead_wells) and row.low_bead_wells > 0)
    remarks = [curve.note if curve is not None else "", agreement.explanation if agreement is not None else ""]
    return [
        text(labels.get(row.analyte, row.analyte)),
        text(model, strong=model == "none"),
        figure(number(lod), lod),
        figure(span or NOTHING, low),
        figure(_share(row.below_share), row.below_share),
        figure(_share(row.above_share), row.above_share),
        figure(count(row.beads_min), row.beads_min, strong=few_beads),
        figure(_share(row.replicate_cv_median), row.replicate_cv_median),
        figure(recovery or NOTHING, row.recovery_low),
        figure(words, apart),
        text("; ".join(part for part in remarks if part)),
    ]


def _share(value: Any) -> str:
    return NOTHING if pd.isna(value) else percent(round(float(value), 3 if value < 0.01 else 2))


def _exact(value: Any) -> str:
    """A concentration with all its digits: a lost decimal point must not drown in rounding."""
    return NOTHING if pd.isna(value) else f"{float(value):,.7g}"


def _left_out(tables: ReportTables, source: str, plate: str, labels: Mapping[str, str]) -> Grid:
    """Standards that were not in the fit, and why."""
    standards = _of(tables.standards, source, plate)
    unused = standards[(standards["type"] == "standard") & ~standards["used"].astype(bool)]
    rows = [
        [
            text(labels.get(row.analyte, row.analyte)),
            text(row.level),
            text(row.well),
            figure(_exact(row.expected), row.expected),
            figure(_exact(row.series), row.series),
            figure(number(row.signal), row.signal),
            text(row.reason),
        ]
        for row in records(unused)
    ]
    headings = [
        Heading("Analyte"), Heading("Standard"), Heading("Well"), Heading("In the file", True),
        Heading("By its series", True), Heading("Signal", True), Heading("Left out because"),
    ]  # fmt: skip
    return Grid(headings, rows, f"Standards of plate {plate} that were left out of the fit")


def _broken_rules(tables: ReportTables, labels: Mapping[str, str]) -> Grid:
    """Each plate × control that breaks a rule, with the analytes."""
    broken = tables.controls[tables.controls["rules"] != ""]
    rows = [
        [
            text(plate),
            text(control),
            text(rule, strong=rule != "1-2s"),
            figure(count(len(part)), len(part)),
            text(listing([labels.get(analyte, analyte) for analyte in part["analyte"]], most=8)),
        ]
        for (plate, control, rule), part in broken.assign(rules=broken["rules"].str.split(", *"))
        .explode("rules")
        .groupby(["plate", "control", "rules"], sort=False)
    ]
    headings = [Heading("Plate"), Heading("Control"), Heading("Rule"), Heading("Analytes", True), Heading("Which")]
    note = "1-2s is a warning only: one point in twenty lies outside 2 SD by chance."
    return Grid(headings, rows, "Westgard rules that plates break", note)
