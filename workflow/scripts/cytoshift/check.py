"""What was understood of a study file and its data, printed before anything is computed in earnest."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pandas as pd
from pydantic import BaseModel
from rich.console import Console, Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from cytoshift.calibrate.study import Calibrated, calibrate_study
from cytoshift.intake.read import Intake, read_study
from cytoshift.normalize.panel import normalize
from cytoshift.quality.review import Review, review
from cytoshift.shift.study import Shifts, decide_endpoints, estimate_shifts
from cytoshift.study.settings import label_of
from cytoshift.study.study import (
    CalibratePlan,
    IntakePlan,
    NormalizePlan,
    QualityPlan,
    ShiftPlan,
    Study,
    stage_sections,
)

# Longer lists are cut in the terminal; the tables on disk have them whole.
ROWS_SHOWN = 40
# With so few pairs no single marker survives the correction for many.
PAIRS_FOR_A_GLOBAL_PRIMARY = 8
# Findings that are answers already: they are for the report, when the plan is final.
RESULTS = ("control_moved", "depends_on_assumption", "composition", "carry_over")


@dataclass(frozen=True)
class Understanding:
    """Everything that is known before a decision is made: the tables of intake, quality and shift."""

    study: Study
    intake: Intake
    calibrated: Calibrated
    review: Review
    shifts: Shifts
    families: pd.DataFrame


def understand(study: Study) -> Understanding:
    """Read a study's files and go as far as the pairs of each contrast; raises Problems with every mistake found."""

    def plan(stage: type[Any]) -> Any:
        return stage.model_validate(stage_sections(study, stage))

    intake = read_study(plan(IntakePlan))
    calibrated = calibrate_study(intake.measurements, intake.wells, intake.instrument_curves, plan(CalibratePlan))
    reviewed = review(
        samples=intake.samples,
        measurements=calibrated.measurements,
        cells=intake.cells,
        outcomes=intake.outcomes,
        plates=intake.plates,
        names=intake.names,
        plan=plan(QualityPlan),
    )
    normalized = normalize(values=reviewed.values, samples=reviewed.samples, plan=plan(NormalizePlan))
    shifts = estimate_shifts(normalized.panel, reviewed.samples, plan(ShiftPlan))
    decided = decide_endpoints(normalized.panel, reviewed.samples, shifts.shifts, plan(ShiftPlan))
    return Understanding(study, intake, calibrated, reviewed, shifts, decided.families)


def print_understanding(found: Understanding, console: Console) -> None:
    """Print who was measured, how names were read, what each contrast has and what will be decided by which rules."""
    study = found.study
    console.print(
        Panel(Text(f"{study.title}\n{study.design.replace('_', ' ')}, {study.origin} data"), title=Text(study.id))
    )
    for title, body in (
        ("Who was measured", _people(found)),
        ("How names were read", _names(found)),
        *([("Standard curves", _curves(found))] if len(found.calibrated.curves) else []),
        ("Pairs per contrast", _contrasts(found)),
        ("What will be tested", _families(found)),
        ("Findings so far", _findings(found)),
        ("Defaults taken", _defaults(study)),
    ):
        console.print(Group(Text(f"\n{title}", style="bold"), body))


def _table(*headers: str) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim")
    for number, header in enumerate(headers):
        table.add_column(header, overflow="fold", justify="left" if number == 0 else "default")
    return table


def _add(table: Table, *cells: object) -> None:
    """Cells as plain text: square brackets in a name are not markup."""
    table.add_row(*(Text(str(cell)) for cell in cells))


def _people(found: Understanding) -> RenderableType:
    samples = found.review.samples
    samples = samples[samples["type"].isin(["", "sample"])]
    study = found.study
    arms: list[str] = [arm.id for arm in study.arms] or [""]
    table = _table("arm", "subjects", *(label_of(study.visits, visit.id) for visit in study.visits))
    for arm in arms:
        of_arm = samples[samples["arm"] == arm]
        per_visit = [int((of_arm["visit"] == visit.id).sum()) for visit in study.visits]
        _add(table, label_of(study.arms, arm) if arm else "all", of_arm["subject"].nunique(), *per_visit)
    return table


def _names(found: Understanding) -> RenderableType:
    values = found.review.values
    below = values["status"].isin(["below", "above"]).groupby(values["feature"]).mean()
    table = _table("written", "read as", "id", "how", "non-detects", "did you mean")
    names = found.intake.names.sort_values(["how", "written"], key=_unknown_first, kind="stable")
    for row in names.head(ROWS_SHOWN).itertuples():
        share = below.get(row.feature, below.get(f"{row.feature}@{row.source}"))
        _add(
            table, row.written, row.label, row.feature, row.how, "" if share is None else f"{share:.0%}", row.suggestion
        )
    return _with_rest(table, len(names))


def _unknown_first(column: pd.Series) -> pd.Series:
    return column != "unknown" if column.name == "how" else column


def _with_rest(table: Table, total: int) -> RenderableType:
    return Group(table, Text(f"… and {total - ROWS_SHOWN} more", style="dim")) if total > ROWS_SHOWN else table


def _curves(found: Understanding) -> RenderableType:
    """Per plate: where concentrations come from, which curves were fitted, and what was left out of them."""
    table = _table("plate", "analytes", "concentrations", "curves", "standards left out")
    for (source, plate), rows in found.calibrated.curves.groupby(["source", "plate"], sort=False):
        chosen = ", ".join(f"{name} {number}" for name, number in rows["concentration"].value_counts().items())
        models = ", ".join(f"{name or 'none'} {number}" for name, number in rows["model"].value_counts().items())
        _add(table, f"{source} {plate}".strip(), len(rows), chosen, models, int(rows["standards_left_out"].sum()))
    return table


def _contrasts(found: Understanding) -> RenderableType:
    shifts = found.shifts.shifts
    table = _table("contrast", "features", "subjects at most", "at least", "non-detects", "method", "smallest exact p")
    for contrast, rows in shifts.groupby("contrast", sort=False):
        values = rows["n_reference"].sum() + rows["n_target"].sum()
        share = (rows["below_reference"].sum() + rows["below_target"].sum()) / max(values, 1)
        methods = ", ".join(dict.fromkeys(rows["method"][rows["method"] != ""]))
        smallest = rows["smallest_p"].min()
        least, most = rows["n_pairs"].min(), rows["n_pairs"].max()
        _add(table, contrast, len(rows), most, least, f"{share:.0%}", methods, f"{smallest:.2g}")
    return table


def _families(found: Understanding) -> RenderableType:
    """Planned families with the smallest p they could give; never the p they gave, which is for the report."""
    table = _table("endpoint", "tier", "contrast", "test", "smallest p", "features")
    warnings: list[str] = []
    rows: list[Any] = list(found.families.itertuples())
    for family in rows:
        names = str(family.features).split(",") if family.features else []
        shown = ", ".join(names[:12]) + (f" … {len(names)} in all" if len(names) > 12 else "")
        smallest = f"{family.smallest_p:.2g}" if pd.notna(family.smallest_p) else ""
        row = (family.endpoint, family.tier, family.contrast, family.test, smallest)
        _add(table, *row, shown or "none: nothing will be tested")
        warnings += _attainable(family, found)
    return Group(table, *(Text(f"! {line}", style="bold red") for line in warnings))


def _attainable(family: Any, found: Understanding) -> Iterator[str]:
    """Warnings about a primary endpoint that cannot be rejected, or hardly (METHODS §4)."""
    if family.tier != "primary":
        return
    where = f"{family.endpoint} in {family.contrast}"
    # Several primaries share alpha (Holm): the first to be rejected must reach its share.
    level = found.study.alpha / int((found.families["tier"] == "primary").sum())
    if pd.isna(family.smallest_p) or family.smallest_p > level:
        yield f"primary endpoint {where} cannot be rejected at alpha = {level:.3g}, whatever the data show"
    rows = found.shifts.shifts
    pairs = rows.loc[rows["contrast"] == family.contrast, "n_pairs"].max()
    if family.test == "each" and pairs <= PAIRS_FOR_A_GLOBAL_PRIMARY:
        yield f"with {pairs} pairs a global test (test: global) makes a stronger primary endpoint than {where}"


def _findings(found: Understanding) -> RenderableType:
    tables = [found.intake.findings, found.calibrated.findings, found.review.findings, found.shifts.findings]
    findings = pd.concat([table for table in tables if len(table)] or [found.intake.findings])
    findings = findings[~findings["check"].isin(RESULTS)]
    findings = findings.sort_values("severity", key=lambda column: column != "warning", kind="stable")
    table = _table("", "check", "what")
    for row in findings.head(ROWS_SHOWN).itertuples():
        _add(table, "!" if row.severity == "warning" else "", row.check, row.message)
    return _with_rest(table, len(findings)) if len(findings) else Text("none")


def _defaults(study: Study) -> RenderableType:
    table = _table("key", "value")
    for key, value in defaults_taken(study):
        _add(table, key, value)
    return table


def defaults_taken(model: BaseModel, path: str = "") -> Iterator[tuple[str, str]]:
    """Key path and value of everything that the study file left out and that has an effect."""
    for name, field in type(model).model_fields.items():
        value, key = getattr(model, name), f"{path}{field.alias or name}"
        if isinstance(value, BaseModel):
            yield from defaults_taken(value, f"{key}.")
        elif isinstance(value, list) and any(isinstance(item, BaseModel) for item in value):
            for item in value:
                yield from defaults_taken(item, f"{key}[{getattr(item, 'id', '')}].")
        elif name not in model.model_fields_set and value not in (None, [], {}):
            yield key, str(value)


def terminal() -> Console:
    """A console on standard output, as wide as the terminal, or 120 columns into a file."""
    console = Console(highlight=False)
    return console if console.is_terminal else Console(highlight=False, width=120)
