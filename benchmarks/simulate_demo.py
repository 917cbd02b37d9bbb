"""How often do the demo's intervals hold the planted truth, and how often are its endpoints decided rightly?

Run in the repository: `PYTHONPATH=workflow/scripts .venv/bin/python benchmarks/simulate_demo.py`; about 20 minutes on
two cores. Simulates the demo study again and again with its own plan: 200 times as planted, 200 times without any
effect, and 20 times from raw signals. Writes docs/demo_truth.md, the same bytes at each run.
"""

import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # two studies at a time, one thread each

import contextlib
import tempfile
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TypeVar

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
from cytoshift.simulate.design import Marker, StudyDesign
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

ROOT = Path(__file__).resolve().parent.parent
PLAN = ROOT / "config/studies/ldn-ms-demo.yaml"
STUDIES, RAW_STUDIES = 200, 20
FIRST_SEED = 1
PROCESSES = 2
LAYERS = ("cytokine", "cell", "outcome")
PREFACE = """\
# Do the demo's intervals hold the planted truth?

Written by `benchmarks/simulate_demo.py`; simulated data throughout.

The demo study ships with the differences that were planted in it (`data/ldn-ms-demo/truth.tsv`). One study says little
about its intervals, so here it is simulated {studies} times with new patients, and each is analysed as the demo's
study file plans. A planted difference is the mean over the patients one could have recruited, on the scale of the
analysis: patients respond unequally (SD 40 % of the effect), and the interval is about their mean. Features tested on
detection have an odds ratio and no difference, indices no stated truth; neither is counted.

Cytokines are drawn as tables of concentrations: duplicate wells, a detection limit, a plate that reads 1.4 times too
high and two bridge samples that betray it. Replicates are averaged, plates aligned, contrasts estimated and endpoints
decided by the functions the workflow calls. Standard curves, defects and checks of quality are left out, as they take
most of the time; {raw} studies with all of them, from raw signals on, stand beside.

"""


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

    def still(markers: Iterable[Marker]) -> tuple[Marker, ...]:
        return tuple(replace(marker, effects={}) for marker in markers)

    groups = ("analytes", "counts", "fractions", "outcomes")
    return replace(design, **{name: still(getattr(design, name)) for name in groups})


def answer_study(seed: int, *, plan: Study, effects: bool = True, raw: bool = False) -> Answers:
    """Simulate the demo with one seed, analyse it by `plan`, and set its estimates beside the truth.

    `effects`: as planted, or none at all; `raw`: from the instrument's files on, through every stage.
    """
    design = ldn_ms_demo() if effects else without_effects(ldn_ms_demo())
    study = simulate_study(design if raw else replace(design, assay=None), seed)
    panel, samples = _raw_panel(study, plan) if raw else _table_panel(study, plan)
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


def _raw_panel(study: SimulatedStudy, plan: Study) -> tuple[pd.DataFrame, pd.DataFrame]:
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


def _table_panel(study: SimulatedStudy, plan: Study) -> tuple[pd.DataFrame, pd.DataFrame]:
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


def coverage_table(studies: Sequence[Answers], plan: Study) -> str:
    """How often intervals hold the truth, by contrast and layer and in all."""
    rows = pd.concat([one.rows.assign(seed=one.seed) for one in studies])
    lines = [
        ("contrast", "layer", "features", "intervals", "hold the truth", "± 2 SE", "single features", "mean error, SE"),
        ("---",) * 8,
    ]
    for contrast in plan.contrasts:
        for layer in LAYERS:
            chosen = rows[(rows["contrast"] == contrast.id) & (rows["layer"] == layer)]
            lines.append((contrast.id, layer, *_coverage(chosen)))
    return _lines([*lines, ("**all**", "", *_coverage(rows))])


def method_table(studies: Sequence[Answers]) -> str:
    """The same by what estimated the row and gave its interval."""
    rows = pd.concat([one.rows.assign(seed=one.seed) for one in studies]).dropna(subset=["held"])
    lines = [("method", "non-detects", "intervals", "hold the truth", "± 2 SE", "mean error, SE"), ("---",) * 6]
    share = (rows["below_reference"] + rows["below_target"]) / rows[["n_reference", "n_target"]].sum(axis=1)
    band = pd.cut(share.astype(float), [-1, 0, 0.2, 0.4, 1], labels=["none", "to 20 %", "to 40 %", "above 40 %"])
    for method in sorted(rows["method"].unique()):
        for label in band.cat.categories:
            chosen = rows[(rows["method"] == method) & (band == label)]
            if len(chosen):
                _, intervals, held, error, _, bias = _coverage(chosen)
                lines.append((method, label, intervals, held, error, bias))
    return _lines(lines)


def _coverage(rows: pd.DataFrame) -> tuple[str, ...]:
    known = rows.dropna(subset=["held"])
    # Features of one study share its patients: the error is that of the mean of the studies.
    per_study = known.groupby("seed")["held"].agg(["sum", "size"])
    held = per_study["sum"].sum() / per_study["size"].sum()
    residual = per_study["sum"] - held * per_study["size"]
    error = np.sqrt((residual**2).sum()) / per_study["size"].sum()
    single = known.groupby(["contrast", "feature"])["held"].agg(["mean", "size"])
    single = single.loc[single["size"] >= 0.9 * single["size"].max(), "mean"]
    with np.errstate(divide="ignore", invalid="ignore"):
        off = ((known["estimate"] - known["true_difference"]) / known["se"]).replace([np.inf, -np.inf], np.nan)
    return (
        str(known["feature"].nunique()),
        f"{len(known):,}",
        f"{100 * held:.1f} %",
        f"{200 * error:.1f}",
        f"{100 * single.min():.0f}–{100 * single.max():.0f} %",
        f"{off.mean() + 0.0:+.2f}",
    )


def decision_table(planted: Sequence[Answers], nothing: Sequence[Answers]) -> str:
    """How often each planned family is rejected, and by itself, as if no gate stood before it."""
    header = (
        "endpoint",
        "tier",
        "test",
        "planted: rejected",
        "planted: by itself",
        "none: rejected",
        "none: by itself",
    )
    lines = [header, ("---",) * 7]
    families = planted[0].families
    for endpoint in families.loc[families["tier"] != "exploratory", "endpoint"]:
        shares = [cell for studies in (planted, nothing) for cell in _rejections(studies, endpoint)]
        about = families[families["endpoint"] == endpoint].iloc[0]
        lines.append((endpoint, about["tier"], about["correction"].split(" by ")[0], *shares))
    return _lines(lines)


def _rejections(studies: Sequence[Answers], endpoint: str) -> tuple[str, str]:
    rows = [one.families.set_index("endpoint").loc[endpoint] for one in studies]
    return (
        _share([row["decision"] == "rejected" for row in rows]),
        _share([row["p_value"] <= 0.05 for row in rows]),
    )


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


def _share(held: Sequence[bool]) -> str:
    share = float(np.mean(held))
    return f"{100 * share:.1f} % ± {200 * np.sqrt(share * (1 - share) / len(held)):.1f}"


def _lines(cells: Iterable[Sequence[str]]) -> str:
    return "\n".join("| " + " | ".join(row) + " |" for row in cells) + "\n"


Answer = TypeVar("Answer")


def _map(function: Callable[[int], Answer], seeds: Iterable[int], words: str) -> list[Answer]:
    answers: list[Answer] = []
    with ProcessPoolExecutor(PROCESSES) as pool:
        for answer in pool.map(function, seeds):
            answers.append(answer)
            if len(answers) % 10 == 0:
                print(words, len(answers), flush=True)
    return answers


def main() -> None:
    """Simulate, count, and write docs/demo_truth.md."""
    plan = demo_plan()
    seeds = range(FIRST_SEED, FIRST_SEED + STUDIES)
    raw = _map(partial(answer_study, plan=plan, raw=True), seeds[:RAW_STUDIES], "raw")
    planted = _map(partial(answer_study, plan=plan), seeds, "planted")
    others = range(FIRST_SEED + STUDIES, FIRST_SEED + 2 * STUDIES)
    nothing = _map(partial(answer_study, plan=only_planned(plan), effects=False), others, "none")
    text = describe(plan, planted, nothing, raw)
    (ROOT / "docs" / "demo_truth.md").write_text(text, encoding="utf-8")


def describe(plan: Study, planted: Sequence[Answers], nothing: Sequence[Answers], raw: Sequence[Answers]) -> str:
    """The whole page."""
    false, _, found = wrong_claims(planted)
    false_without, decided, _ = wrong_claims(nothing)
    parts = [
        PREFACE.format(studies=len(planted), raw=len(raw)),
        coverage_table(planted, plan),
        COVERAGE_WORDS,
        method_table(planted),
        DECISIONS_WORDS.format(studies=len(nothing)),
        decision_table(planted, nothing),
        CLAIMS_WORDS.format(
            error=_share(decided), false=_share(false), found=f"{100 * found:.0f} %",
            agree="the same" if false_without == decided else "more",
        ),
        RAW_WORDS.format(raw=len(raw)),
        coverage_table(raw, plan),
    ]  # fmt: skip
    return "\n".join(part.rstrip("\n") + "\n" for part in parts)


COVERAGE_WORDS = """
*Hold the truth*: share of 95 % intervals; *± 2 SE* is the Monte Carlo error in percentage points, from the spread
between studies, because the features of a study share its patients. *Single features*: the lowest and the highest
share of any one feature (of 200, by chance alone, one in forty lies outside 92–98 %). *Mean error*: estimate less
truth in standard errors, averaged.

By estimator and share of non-detects in the row:
"""
DECISIONS_WORDS = """
## How often is something decided?

The plan tests one primary endpoint and, where it is rejected, two secondary families in order. *Planted*: the studies
above; *none*: {studies} further studies in which nothing happens to any marker in any arm. *By itself*: p ≤ 0.05 in
the family, whatever the gate says.
"""
CLAIMS_WORDS = """
Without any effect, something planned is decided in {error} of studies: the family-wise error, planned at 5 %. With the
planted effects, a feature without a true difference, or with one of the other sign, is claimed in {false} of studies;
of the planned differences that are real, {found} are claimed in the mean study.
"""
RAW_WORDS = """
## From raw signals

{raw} studies from simulated exports of the plates on, with standard curves fitted, defects planted (a swap, wells with
few beads, a hook, a saturated sample, a lost decimal point) and every check run. Two standard errors are large here.
"""


if __name__ == "__main__":
    main()
