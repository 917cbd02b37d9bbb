"""The demo simulated again: intervals that hold the planted truth, by the functions that count them for the page.

The counts of hundreds of studies are in docs/demo_truth.md; this asks the same of a few.
"""

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pandas as pd
import pytest

from cytoshift.shift.study import estimate_shifts
from cytoshift.study.study import ShiftPlan, Study

SCRIPT = Path(__file__).resolve().parents[3] / "benchmarks" / "simulate_demo.py"
SEEDS = range(900, 905)


@pytest.fixture(scope="module")
def benchmark() -> ModuleType:
    """The script that writes docs/demo_truth.md."""
    spec = importlib.util.spec_from_file_location("simulate_demo", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["simulate_demo"] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def plan(benchmark: ModuleType) -> Study:
    """The demo's plan with the contrasts of its arms."""
    whole = benchmark.demo_plan()
    return whole.model_copy(update={"contrasts": [c for c in whole.contrasts if c.id in ("week_16", "within_ldn")]})


@pytest.fixture(scope="module")
def planted(benchmark: ModuleType, plan: Study) -> list:
    return [benchmark.answer_study(seed, plan=plan) for seed in SEEDS]


def test_intervals_hold_the_planted_differences(planted: list) -> None:
    rows = pd.concat([one.rows for one in planted]).dropna(subset=["held"])
    assert len(rows) > 5 * 2 * 38
    # 400 intervals whose features go together: two standard errors are about 4 points.
    assert 0.88 < rows["held"].mean() <= 1
    off = (rows["estimate"] - rows["true_difference"]) / rows["se"]
    assert abs(off.mean()) < 0.5


def test_censored_rows_hold_it_too(planted: list) -> None:
    rows = pd.concat([one.rows for one in planted]).dropna(subset=["held"])
    censored = rows[rows["method"].str.contains("censored")]
    assert len(censored) > 20
    assert censored["held"].mean() > 0.75


def test_the_planted_fall_is_decided_and_nothing_without_it(benchmark: ModuleType, plan: Study, planted: list) -> None:
    decisions = [one.families.set_index("endpoint")["decision"]["inflammation"] for one in planted]
    assert decisions.count("rejected") >= 4
    _, claimed, found = benchmark.wrong_claims(planted)
    assert sum(claimed) >= 4
    assert 0.2 < found < 1
    nothing = benchmark.answer_study(SEEDS[0], plan=benchmark.only_planned(plan), effects=False)
    assert (nothing.rows["true_difference"] == 0).all()
    false, _, _ = benchmark.wrong_claims([nothing])
    assert false == [(nothing.families["decision"] == "rejected").any()]


def test_what_is_counted_is_what_the_workflow_estimates(benchmark: ModuleType, plan: Study) -> None:
    study = benchmark.simulate_study(benchmark.replace(benchmark.ldn_ms_demo(), assay=None), SEEDS[0])
    panel, samples = benchmark._table_panel(study, plan)
    shift_plan = benchmark.sections(plan, ShiftPlan)
    pd.testing.assert_frame_equal(
        benchmark.estimate(panel, samples, shift_plan), estimate_shifts(panel, samples, shift_plan).shifts
    )
    # The plate that reads too high is aligned by its bridges: subjects of other plates are no different.
    cytokines = panel[(panel["layer"] == "cytokine") & (panel["status"] == "observed")]
    truth = study.values.stack().rename("true")
    joined = cytokines.join(truth, on=["sample", "feature"])
    off = (joined["value"] - joined["true"]).groupby(joined["plate"]).median()
    assert off.max() - off.min() < 0.15
    assert study.design.plates[3].shift == pytest.approx(0.5)
    assert np.isfinite(off).all()
