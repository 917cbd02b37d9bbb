"""The demo simulated again: intervals that hold the planted truth, by the functions that count them for the page.

The counts of hundreds of studies are in docs/demo_truth.md; this asks the same of a few.
"""

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pandas as pd
import pytest

from cytoshift.shift.study import estimate_shifts
from cytoshift.study.study import ShiftPlan, Study

SCRIPT = Path(__file__).resolve().parents[3] / "benchmarks" / "demo_studies.py"
SEEDS = range(900, 905)


@pytest.fixture(scope="module")
def benchmark() -> ModuleType:
    """What the script that writes docs/demo_truth.md asks of each study."""
    spec = importlib.util.spec_from_file_location("demo_studies", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["demo_studies"] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def plan(benchmark: ModuleType) -> Study:
    """The demo's plan, cut to the contrast that its planned endpoints name."""
    return benchmark.only_planned(benchmark.demo_plan())


@pytest.fixture(scope="module")
def planted(benchmark: ModuleType, plan: Study) -> list:
    return [benchmark.answer_study(seed, plan=plan) for seed in SEEDS]


def test_intervals_hold_the_planted_differences(planted: list) -> None:
    rows = pd.concat([one.rows for one in planted]).dropna(subset=["held"])
    assert rows["contrast"].unique().tolist() == ["week_16"]
    assert len(rows) > 5 * 38
    # 200 intervals whose features go together: two standard errors are about 4 points.
    assert 0.85 < rows["held"].mean() <= 1
    off = (rows["estimate"] - rows["true_difference"]) / rows["se"]
    assert abs(off.mean()) < 0.5


def test_censored_rows_hold_it_too(planted: list) -> None:
    rows = pd.concat([one.rows for one in planted]).dropna(subset=["held"])
    censored = rows[rows["method"].str.contains("censored")]
    assert len(censored) > 10
    assert censored["held"].mean() > 0.7


def test_the_planted_fall_is_decided_and_nothing_without_it(benchmark: ModuleType, plan: Study, planted: list) -> None:
    decisions = [one.families.set_index("endpoint")["decision"]["inflammation"] for one in planted]
    assert decisions.count("rejected") >= 4
    _, claimed, found = benchmark.wrong_claims(planted)
    assert sum(claimed) >= 4
    assert 0.2 < found < 1
    nothing = benchmark.answer_study(SEEDS[0], plan=plan, effects=False)
    assert (nothing.rows["true_difference"] == 0).all()
    false, _, _ = benchmark.wrong_claims([nothing])
    assert false == [(nothing.families["decision"] == "rejected").any()]


def test_what_is_counted_is_what_the_workflow_estimates(benchmark: ModuleType, plan: Study) -> None:
    study = benchmark.simulate_study(benchmark.replace(benchmark.ldn_ms_demo(), assay=None), SEEDS[0])
    panel, samples = benchmark.table_panel(study, plan)
    shift_plan = benchmark.sections(plan, ShiftPlan)
    pd.testing.assert_frame_equal(
        benchmark.estimate(panel, samples, shift_plan), estimate_shifts(panel, samples, shift_plan).shifts
    )
    # The plate that reads too high is aligned by its bridges: subjects of other plates are no different.
    cytokines = panel[(panel["layer"] == "cytokine") & (panel["status"] == "observed")]
    rows, columns = (
        axis.get_indexer(cytokines[name]) for axis, name in zip(study.values.axes, ("sample", "feature"), strict=True)
    )
    off = (cytokines["value"] - study.values.to_numpy()[rows, columns]).groupby(cytokines["plate"]).median()
    assert study.design.plates[3].shift == pytest.approx(0.5)
    assert len(off) == 5
    assert off.max() - off.min() < 0.15
