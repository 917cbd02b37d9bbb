"""What exactly do the files of a study say? All mistakes at once, or every value with its bounds and source cell."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from cytoshift.frames import conform, empty
from cytoshift.intake.cells import read_cells
from cytoshift.intake.exclusions import Exclusions
from cytoshift.intake.instrument_measurements import PlateData, read_plate_data
from cytoshift.intake.link import SampleIndex
from cytoshift.intake.measurements import read_measurements
from cytoshift.intake.names import NameBook
from cytoshift.intake.notebook import Notebook
from cytoshift.intake.outcomes import read_outcomes
from cytoshift.intake.samples import read_samples
from cytoshift.intake.source_rows import Context
from cytoshift.intake.unread import report_unread
from cytoshift.intake.words import Words
from cytoshift.study.sources import CytokineSource
from cytoshift.study.study import IntakePlan
from cytoshift.tables import CELLS, INSTRUMENT_CURVES, MEASUREMENTS, OUTCOMES, PLATES, SAMPLES, WELLS, Table


@dataclass(frozen=True)
class Intake:
    """The tables of a study as its files say them, each as tables/ defines it, and the files' sha256 by path."""

    samples: pd.DataFrame
    measurements: pd.DataFrame
    wells: pd.DataFrame
    instrument_curves: pd.DataFrame
    cells: pd.DataFrame
    outcomes: pd.DataFrame
    plates: pd.DataFrame
    names: pd.DataFrame
    findings: pd.DataFrame
    files: dict[str, str]


def read_study(plan: IntakePlan) -> Intake:
    """Read every file of a study and check them against each other and the plan.

    Parameters: `plan`, the sections of the study file that intake needs; its paths are relative to the current folder.
    Returns the tables. Raises Problems with all mistakes in all files, at most some twenty lines per file and kind.
    """
    notebook = Notebook()
    visits, arms = Words("visit", plan.visits), Words("arm", plan.arms)
    exclusions, names = Exclusions(plan.exclude, visits), NameBook(plan.names)
    samples = read_samples(plan, visits, arms, exclusions, notebook)
    index = None
    if samples is not None:
        from_sources, incomplete = bool(plan.samples.from_), notebook.has_problems()
        index = SampleIndex(samples, visits, arms, exclusions, from_sources, incomplete)
    context = Context(plan.samples, index, exclusions, names, notebook)
    # a table without `columns` is a mistake of the study file, which says so
    panels = [_read_panel(source, context) for source in plan.cytokines if source.is_readable]
    counted = [read_cells(source, context) for source in plan.cells if source.is_readable]
    samples = empty(SAMPLES) if samples is None else samples
    scored = []
    for outcome in plan.outcomes if index is not None else ():
        table, new = read_outcomes(outcome, samples, visits, arms, notebook)
        scored.append(table)
        samples = conform(pd.concat([samples, new], ignore_index=True), SAMPLES) if len(new) else samples
    measurements = _flagged([panel.measurements for panel in panels], MEASUREMENTS, "analyte", exclusions)
    wells = _flagged([panel.wells for panel in panels], WELLS, "analyte", exclusions)
    cells = _flagged(counted, CELLS, "population", exclusions)
    outcomes = _without_excluded(scored, exclusions)
    if index is not None:  # otherwise every row would look unknown
        exclusions.report(notebook)
        _note_samples_without_data(samples, measurements, cells, outcomes, notebook)
    report_unread(plan, names, notebook)
    names.report(notebook)
    notebook.raise_problems()
    return Intake(
        samples=samples,
        measurements=measurements,
        cells=cells,
        outcomes=outcomes,
        wells=wells,
        instrument_curves=_stacked([panel.curves for panel in panels], INSTRUMENT_CURVES),
        plates=_stacked([panel.plates for panel in panels], PLATES),
        names=names.table(),
        findings=notebook.findings_table(),
        files=dict(sorted(notebook.files.items())),
    )


def _read_panel(source: CytokineSource, context: Context) -> PlateData:
    if source.format != "table":
        return read_plate_data(source, context)
    measurements, plates = read_measurements(source, context)
    return PlateData(measurements, pd.DataFrame(), pd.DataFrame(), plates)


def _stacked(frames: list[pd.DataFrame], table: Table) -> pd.DataFrame:
    filled = [frame for frame in frames if len(frame)]
    return conform(pd.concat(filled, ignore_index=True), table) if filled else empty(table)


def _flagged(frames: list[pd.DataFrame | None], table: Table, feature: str, exclusions: Exclusions) -> pd.DataFrame:
    """One table of all sources, rows that the plan leaves out flagged."""
    filled = [frame for frame in frames if frame is not None and len(frame)]
    if not filled:
        return empty(table)
    stacked = pd.concat(filled, ignore_index=True)
    known = [key for key in ("source", "sample", "subject", "visit", "plate", "well") if key in stacked]
    # wells of samples are counted among the measurements already
    counted = (stacked["sample"] == "").to_numpy() if table is WELLS else None
    stacked["excluded"] = exclusions.flags(stacked[known].assign(analyte=stacked[feature]), counted=counted)
    return conform(stacked.drop(columns=["subject", "visit"]), table)


def _without_excluded(frames: list[pd.DataFrame | None], exclusions: Exclusions) -> pd.DataFrame:
    """Scores, without those of an excluded subject, visit or outcome; a spoilt sample spoils no score."""
    filled = [frame for frame in frames if frame is not None and len(frame)]
    if not filled:
        return empty(OUTCOMES)
    stacked = pd.concat(filled, ignore_index=True)
    known = stacked[["subject", "visit"]].assign(source=stacked["outcome"], analyte=stacked["outcome"])
    return conform(stacked[~exclusions.flags(known)], OUTCOMES)


def _note_samples_without_data(
    samples: pd.DataFrame,
    measurements: pd.DataFrame,
    cells: pd.DataFrame,
    outcomes: pd.DataFrame,
    notebook: Notebook,
) -> None:
    seen = {sample for table in (measurements, cells, outcomes) for sample in table["sample"].unique()}
    for sample, subject in samples.loc[~samples["sample"].isin(seen), ["sample", "subject"]].itertuples(index=False):
        message = f"Sample {sample} is in the sample sheet, but no data file has it."
        notebook.finding(
            "sample_without_data", message, severity="warning", action="flagged", sample=sample, subject=subject
        )
