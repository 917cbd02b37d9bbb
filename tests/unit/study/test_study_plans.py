"""Studies that must be sayable: each has a plan that loads without a mistake."""

from pathlib import Path

import pytest

from cytoshift.study.contrasts import concerned, expand
from cytoshift.study.loading import load_study
from cytoshift.study.problems import problems

ROOT = Path(__file__).parents[3]
PLANS = sorted((ROOT / "tests" / "workflow" / "plans").glob("*.yaml"))
EVERY = [*PLANS, *sorted((ROOT / "config" / "studies").glob("*.yaml"))]


def test_there_is_a_plan_for_each_kind_of_study() -> None:
    assert {
        "crossover_five_conditions",
        "flow_alone",
        "healthy_controls_once",
        "olink_cohorts",
        "open_label_msd",
        "plates_with_layouts",
    } <= {plan.stem for plan in PLANS}


@pytest.mark.parametrize("plan", EVERY, ids=lambda plan: plan.stem)
def test_the_plan_loads_without_a_mistake(plan: Path) -> None:
    loaded = load_study(plan)
    assert problems(loaded.study, loaded.lines, loaded.path) == []


def test_five_conditions_expand_to_a_contrast_each() -> None:
    study = load_study(ROOT / "tests" / "workflow" / "plans" / "crossover_five_conditions.yaml").study
    ids = [contrast.id for contrast in expand(study.contrasts)]
    assert len(ids) == 10
    assert ids[0] == "load.h1.easy"
    inflammation = next(endpoint for endpoint in study.endpoints if endpoint.id == "inflammation")
    assert len(concerned(inflammation, study.contrasts)) == 8


def test_a_year_written_as_a_number_selects_a_cohort() -> None:
    study = load_study(ROOT / "tests" / "workflow" / "plans" / "olink_cohorts.yaml").study
    assert [contrast.where["cohort"] for contrast in study.contrasts] == [["2021"], ["2022"], ["2023"]]
