"""One simulated study: the files a laboratory would hold, and the truth they hide."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd

from cytoshift.simulate.cells import count_cells, gate_fractions, score_outcomes
from cytoshift.simulate.design import Count, Marker, StudyDesign, design_problems
from cytoshift.simulate.laboratory import DEFECT_COLUMNS, measure_raw
from cytoshift.simulate.latent import draw_factors, draw_markers
from cytoshift.simulate.people import build_samples, draw_attendance, draw_subjects
from cytoshift.simulate.plates import draw_limits, measure_plates
from cytoshift.simulate.raw import RawPlate


@dataclass(frozen=True)
class SimulatedStudy:
    """The tables of one simulated study; a table the design does not ask for has no value columns.

    `samples`: the sample sheet. `wells`: plate file → wide table of text, with `limits`: analyte, plate, lower, upper
    (pg/mL). `raw`: plate file → plate as read, of a design with an assay, with `defects`: what was planted. `plates`:
    file, plate, lot, run_date. `counts`: 10^9/L. `fractions`: % of parent. `outcomes`: patient, visit, scores.
    `truth`: the true differences. `values`: the true value of each sample (row) and feature (column) on the analysis
    scale, before any instrument.
    """

    design: StudyDesign
    seed: int
    samples: pd.DataFrame
    wells: dict[str, pd.DataFrame]
    limits: pd.DataFrame
    raw: dict[str, RawPlate]
    defects: pd.DataFrame
    plates: pd.DataFrame
    counts: pd.DataFrame
    fractions: pd.DataFrame
    outcomes: pd.DataFrame
    truth: pd.DataFrame
    values: pd.DataFrame


def simulate_study(design: StudyDesign, seed: int) -> SimulatedStudy:
    """Simulate a study with known truth.

    People, markers and plates each have their own stream of random numbers (PCG64, spawned from `seed`), so a change to
    the plates leaves the patients as they were.

    Parameters: `design`; `seed`, a non-negative integer. Returns the study's tables and truth.
    Raises ValueError with every mistake in the design.
    """
    mistakes = design_problems(design)
    if mistakes:
        raise ValueError(f"study '{design.id}' cannot be simulated:\n" + "\n".join(mistakes))
    people, nature, laboratory = (
        np.random.Generator(np.random.PCG64(child)) for child in np.random.SeedSequence(seed).spawn(3)
    )
    subjects = draw_subjects(design, people)
    attended = draw_attendance(design, subjects, people)
    samples = build_samples(design, subjects, attended, people)
    names = samples.loc[samples["type"] == "sample", "sample_id"].tolist()

    visits = len(design.visits)
    factors = draw_factors(design.factors, len(subjects), visits, nature)
    latent = draw_markers(design.markers, subjects, visits, factors, nature)[attended]
    analytes, counts, fractions, outcomes = np.split(
        latent, np.cumsum([len(design.analytes), len(design.counts), len(design.fractions)]), axis=1
    )

    placed = _place(design, subjects, attended, names)
    wells, limits = {}, pd.DataFrame()
    raw, defects = {}, pd.DataFrame(columns=DEFECT_COLUMNS)
    if design.assay is None:
        limits = draw_limits(design, laboratory)
        wells = measure_plates(design, placed, analytes, limits, laboratory)
    else:
        measured = measure_raw(design, design.assay, placed, analytes, laboratory)
        raw, defects, analytes = measured.plates, measured.defects, measured.concentrations
    count_table, total = count_cells(design.counts, design.total, names, counts)
    clotted = laboratory.permutation(len(names))[: design.lost_counts]
    fraction_table, logits = gate_fractions(design.fractions, names, fractions)
    visit_of = samples.loc[samples["type"] == "sample", ["patient", "visit"]].reset_index(drop=True)

    values = pd.DataFrame(
        np.hstack([analytes, counts, logits, outcomes]), index=names, columns=[m.feature for m in design.markers]
    )
    if design.total is not None:
        values[design.total.feature] = total
    return SimulatedStudy(
        design=design,
        seed=seed,
        samples=samples,
        wells=wells,
        limits=limits,
        raw=raw,
        defects=defects,
        plates=_plate_sheet(design),
        counts=count_table[~np.isin(np.arange(len(names)), clotted)].reset_index(drop=True),
        fractions=fraction_table,
        outcomes=pd.concat([visit_of, score_outcomes(design.outcomes, outcomes)], axis=1),
        truth=true_differences(design),
        values=values,
    )


def true_differences(design: StudyDesign) -> pd.DataFrame:
    """State what an estimate of each contrast with baseline should come to.

    Each arm's own change has an empty `against`; with a control arm, the difference of changes names it there.

    Parameters: `design`. Returns columns layer, feature, as_written, scale (log2, logit or identity), reference,
    target, arm, against, true_difference (on `scale`, target − reference; for scores before they become whole numbers).
    """
    control = next((arm.id for arm in design.arms if arm.control), "")
    reference = design.visits[0].id
    rows = []
    for layer, feature, written, marker in _named_markers(design):
        for v, visit in enumerate(design.visits[1:], start=1):
            for arm in design.arms:
                change = marker.effect(arm.id, v)
                rows.append((layer, feature, written, marker.scale, reference, visit.id, arm.id, "", change))
                if control and arm.id != control:
                    difference = change - marker.effect(control, v)
                    rows.append(
                        (layer, feature, written, marker.scale, reference, visit.id, arm.id, control, difference)
                    )
    columns = ["layer", "feature", "as_written", "scale", "reference", "target", "arm", "against", "true_difference"]
    return pd.DataFrame(rows, columns=columns)


def _place(design: StudyDesign, subjects: pd.DataFrame, attended: np.ndarray, names: list[str]) -> pd.DataFrame:
    """One row per sample: whose it is, from when, and on which plate it goes."""
    person, visit = np.nonzero(attended)
    seen = subjects.iloc[person]
    visits = [design.visits[v].id for v in visit]
    columns = {"plate": seen["plate"], "patient": seen["subject"], "arm": seen["arm"]}
    return pd.DataFrame({"sample": names, **{k: c.to_numpy() for k, c in columns.items()}, "visit": visits})


def _plate_sheet(design: StudyDesign) -> pd.DataFrame:
    rows = [(plate.file, plate.id, plate.lot, plate.run_date) for plate in design.plates]
    return pd.DataFrame(rows, columns=["file", "plate", "lot", "run_date"])


def _named_markers(design: StudyDesign) -> Iterator[tuple[str, str, str, Marker]]:
    """Each feature with its layer; the total count shares the effects of its parts (`design_problems` sees to that)."""
    for analyte in design.analytes:
        yield "cytokine", analyte.feature, analyte.written, analyte
    parts: list[Count] = [count for count in design.counts if count.in_total]
    if design.total is not None and parts:
        yield "cell", design.total.feature, design.total.written, parts[0]
    for cell in (*design.counts, *design.fractions):
        yield "cell", cell.feature, cell.written, cell
    for outcome in design.outcomes:
        yield "outcome", outcome.feature, outcome.written, outcome
