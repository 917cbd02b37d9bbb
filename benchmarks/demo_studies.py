"""One simulated demo study, analysed by its own plan, and its estimates beside the planted truth.

For `benchmarks/simulate_demo.py` and the test that asks the same of a few studies.
"""

import contextlib
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd

from cytoshift.calibrate.study import calibrate_study
from cytoshift.frames import conform
from cytoshift.intake.read import read_study
from cytoshift.intake.values import parse_cells
from cytoshift.normalize.panel import normalize
from cytoshift.quality.replicates import collapse_replicates
from cytoshift.quality.review import review
from cytoshift.quality.rows import unify
from cytoshift.quality.zeros import censor_nonpositive
from cytoshift.shift.comparison import compare
from cytoshift.shift.grid import make_grid
from cytoshift.shift.rows import shift_rows
from cytoshift.shift.study import decide_endpoints
from cytoshift.simulate.demo import ldn_ms_demo
from cytoshift.simulate.design import StudyDesign
from cytoshift.simulate.study import SimulatedStudy, simulate_study
from cytoshift.simulate.writing import write_study
from cytoshift.study.contrasts import expand
from cytoshift.study.loading import load_study
from cytoshift.study.study import (
    CalibratePlan,
    IntakePlan,
    NormalizePlan,
    QualityPlan,
    ShiftPlan,
    StagePlan,
    Study,
    stage_sections,
)
from cytoshift.tables import CELLS, MEASUREMENTS, NAMES, OUTCOMES, SAMPLES, SHIFTS, VALUES

PLAN = Path(__file__).resolve().parent.parent / "config/studies/ldn-ms-demo.yaml"


@dataclass(frozen=True)
class Answers:
    """What one study answered: `rows` of shifts that have a truth, and the `families` and `decisions` of its plan."""

    seed: int
    rows: pd.DataFrame
    families: pd.DataFrame
    decisions: pd.DataFrame


def demo_plan() -> Study:
    """The demo's study file."""
    return load_study(PLAN).study


def sections(plan: Study, stage: type[StagePlan]) -> StagePlan:
    """What a stage gets to see of the study file."""
    return stage.model_validate(stage_sections(plan, stage))


def only_planned(plan: Study) -> Study:
    """The plan with its primary and secondary endpoints and the contrasts they name, and nothing else."""
    endpoints = [endpoint for endpoint in plan.endpoints if endpoint.tier != "exploratory"]
    named = {name for endpoint in endpoints for name in endpoint.contrasts}
    contrasts = [contrast for contrast in plan.contrasts if contrast.id in named]
    return plan.model_copy(update={"endpoints": endpoints, "contrasts": contrasts})


def without_effects(design: StudyDesign) -> StudyDesign:
    """The same study in which nothing happens to any marker in any arm."""

    return replace(
        design,
        analytes=tuple(replace(marker, effects={}) for marker in design.analytes),
        counts=tuple(replace(marker, effects={}) for marker in design.counts),
        fractions=tuple(replace(marker, effects={}) for marker in design.fractions),
        outcomes=tuple(replace(marker, effects={}) for marker in design.outcomes),
    )


def answer_study(seed: int, *, plan: Study, effects: bool = True, raw: bool = False) -> Answers:
    """Simulate the demo with one seed, analyse it by `plan`, and set its estimates beside the truth.

    `effects`: as planted, or none at all; `raw`: from the instrument's files on, through every stage.
    """
    design = ldn_ms_demo() if effects else without_effects(ldn_ms_demo())
    study = simulate_study(design if raw else replace(design, assay=None), seed)
    panel, samples = raw_panel(study, plan) if raw else table_panel(study, plan)
    shift_plan = sections(plan, ShiftPlan)
    shifts = estimate(panel, samples, shift_plan)
    decided = decide_endpoints(panel, samples, shifts, shift_plan)
    return Answers(seed, beside_truth(shifts, study.truth, plan), decided.families, decided.decisions)


def estimate(panel: pd.DataFrame, samples: pd.DataFrame, plan: ShiftPlan) -> pd.DataFrame:
    """The SHIFTS of `estimate_shifts`, without the tables it makes besides, which take three times as long."""
    grid = make_grid(panel, plan.limits.policy)
    rows = [shift_rows(compare(grid, samples, contrast, plan), plan) for contrast in expand(plan.contrasts)]
    return conform(pd.concat(rows), SHIFTS)


def beside_truth(shifts: pd.DataFrame, truth: pd.DataFrame, plan: Study) -> pd.DataFrame:
    """Rows of SHIFTS that have a true difference, with `true_difference` and whether the interval holds it (`held`)."""
    named = [(c.id, c.target, c.arm, c.against or "") for c in plan.contrasts]
    contrasts = pd.DataFrame(named, columns=["contrast", "target", "arm", "against"])
    planted = contrasts.merge(truth, on=["target", "arm", "against"])
    rows = shifts.merge(planted[["contrast", "feature", "true_difference"]], on=["contrast", "feature"])
    known = rows["ci_low"].notna() & rows["ci_high"].notna()
    held = (rows["ci_low"] <= rows["true_difference"]) & (rows["true_difference"] <= rows["ci_high"])
    return rows.assign(held=held.astype(float).where(known))


def raw_panel(study: SimulatedStudy, plan: Study) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Every stage up to the panel, from files as the laboratory would hand them over."""
    with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
        write_study(study, Path(plan.samples.file or "").parent)
        read = read_study(sections(plan, IntakePlan))
    calibrated = calibrate_study(
        measurements=read.measurements,
        wells=read.wells,
        instrument_curves=read.instrument_curves,
        plan=sections(plan, CalibratePlan),
    )
    reviewed = review(
        samples=read.samples,
        measurements=calibrated.measurements,
        cells=read.cells,
        outcomes=read.outcomes,
        plates=read.plates,
        names=read.names,
        plan=sections(plan, QualityPlan),
    )
    panel = normalize(values=reviewed.values, samples=reviewed.samples, plan=sections(plan, NormalizePlan)).panel
    # Without flags: what the workflow prints a second time without flagged samples is not counted here.
    return panel, reviewed.samples.drop(columns="flags")


def table_panel(study: SimulatedStudy, plan: Study) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The panel of a study whose plates are tables of concentrations, and its samples."""
    samples = _samples(study)
    tables = (_measurements(study), _cells(study), _outcomes(study, samples))
    rows = unify(*tables, conform(pd.DataFrame(), NAMES))
    censor_nonpositive(rows)
    references = set(samples.loc[samples["type"] != "sample", "sample"])
    values = collapse_replicates(rows, references, plan.quality.max_replicate_cv).values
    values = conform(values[VALUES.names()], VALUES)
    return normalize(values=values, samples=samples, plan=sections(plan, NormalizePlan)).panel, samples


def _samples(study: SimulatedStudy) -> pd.DataFrame:
    visits = {visit.written: visit.id for visit in study.design.visits}
    sheet = study.samples.rename(columns={"sample_id": "sample", "patient": "subject"}).drop(columns="draw_date")
    return conform(sheet.assign(visit=sheet["visit"].map(visits), age=sheet["age"].astype(str)), SAMPLES)


def _measurements(study: SimulatedStudy) -> pd.DataFrame:
    names = {f"{a.written} Calc. Concentration": (a.feature, a.written) for a in study.design.analytes}
    plates = {plate.file: plate.id for plate in study.design.plates}
    wells = pd.concat([table.assign(plate=plates[file]) for file, table in study.wells.items()])
    rows = wells.melt(["Sample", "Well", "plate"], list(names), var_name="column", value_name="cell")
    cells = parse_cells(rows["cell"], floor=0.0)
    named = pd.DataFrame([names[column] for column in rows["column"]], columns=["analyte", "analyte_as_written"])
    read = {"value": cells.value, "lower": cells.lower, "upper": cells.upper, "status": cells.status}
    placed = rows.rename(columns={"Sample": "sample", "Well": "well"})[["sample", "well", "plate"]]
    return conform(pd.concat([placed, named], axis=1).assign(source="luminex", unit="pg/mL", **read), MEASUREMENTS)


def _cells(study: SimulatedStudy) -> pd.DataFrame:
    design, parts = study.design, []
    counted = [(count, study.counts, 1000.0, "count_per_ul", "cells/uL") for count in (design.total, *design.counts)]
    gated = [(part, study.fractions, 0.01, "fraction_of_parent", "fraction") for part in design.fractions]
    for population, table, factor, measure, unit in (*counted, *gated):
        if population is None:
            continue
        number = table[population.written].to_numpy(dtype=float) * factor
        columns = {"sample": table["Sample"], "value": number, "lower": number, "upper": number, "status": "observed"}
        named = {"population": population.feature, "population_as_written": population.written}
        resolution = factor * 10.0 ** -getattr(population, "decimals", 2)
        about = {"source": measure, "measure": measure, "unit": unit, "resolution": resolution}
        parts.append(pd.DataFrame({**columns, **named, **about}))
    return conform(pd.concat(parts, ignore_index=True), CELLS)


def _outcomes(study: SimulatedStudy, samples: pd.DataFrame) -> pd.DataFrame:
    here = samples[samples["type"] == "sample"].reset_index(drop=True)
    parts = [
        here[["sample", "subject", "visit", "arm"]].assign(outcome=o.feature, score=study.outcomes[o.written])
        for o in study.design.outcomes
    ]
    return conform(pd.concat(parts, ignore_index=True), OUTCOMES)


def wrong_claims(studies: Sequence[Answers]) -> tuple[list[bool], list[bool], float]:
    """Per study: is a planned claim false, and any decision made; then the mean share of true planned claims made.

    A claim is false where the true difference is 0 or has the other sign than the estimate; rejecting a global test
    claims that something moved.
    """
    false, some, found = [], [], []
    for one in studies:
        claims = one.decisions[one.decisions["tier"].isin(["primary", "secondary"])]
        truth = one.rows.set_index(["contrast", "feature"])[["true_difference", "estimate"]]
        joined = claims.join(truth, on=["contrast", "feature"])
        rejected = joined["decision"] == "rejected"
        right = (joined["true_difference"] != 0) & (joined["true_difference"] * joined["estimate"].fillna(0) >= 0)
        families = one.families[one.families["decision"] == "rejected"]
        true_somewhere = bool((truth["true_difference"] != 0).any())
        false.append(bool((rejected & ~right).any()) or (len(families) > 0 and not true_somewhere))
        some.append(len(families) > 0)
        real = (joined["true_difference"] != 0) & (joined["decision"] != "none")
        found.append(float(rejected[real].mean()) if real.any() else np.nan)
    return false, some, float(np.mean(found))
