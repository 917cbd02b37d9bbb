"""What may be said of variation within subjects, and what is refused."""

import pytest

from cytoshift.study.problems import problems
from report_tables import make_study

GOOD = [
    {"features": ["role:pro_inflammatory", "il6"], "within_subject_cv": 0.3, "source": "Ridker 1999"},
    {"features": ["all"], "visits": ["baseline", "week_16"], "analytical_cv": 0.1, "source": "kit leaflet"},
    {"features": ["layer:cytokine"], "visits": ["baseline", "week_16"]},
]
MISTAKES = {
    "says nothing": ({"features": ["all"]}, "says nothing of how far values vary"),
    "two answers": (
        {"features": ["all"], "within_subject_cv": 0.2, "visits": ["baseline", "week_16"], "source": "x"},
        "answers the same; leave one out",
    ),
    "one visit": ({"features": ["all"], "visits": ["baseline"]}, "names 1 visit; variation shows between two or more"),
    "unknown visit": ({"features": ["all"], "visits": ["baseline", "week_61"]}, "did you mean 'week_16'"),
    "no source": ({"features": ["all"], "within_subject_cv": 0.2}, "where was the CV taken from?"),
    "unknown role": ({"features": ["role:inflamed"], "visits": ["baseline", "week_16"]}, "is not a role"),
}
CYTOKINES = [{"id": "msd", "files": ["a.csv"], "columns": {"sample": "S", "value": "{analyte}"}, "unit": "pg/mL"}]


def found(entry):
    study = make_study(variation=[entry], cytokines=CYTOKINES)
    return [problem for problem in problems(study, {}, "plan.yaml") if "variation" in problem.key]


@pytest.mark.parametrize("entry", GOOD)
def test_variation_can_be_cited_or_pointed_at(entry):
    assert found(entry) == []


@pytest.mark.parametrize(("entry", "message"), MISTAKES.values(), ids=MISTAKES.keys())
def test_each_mistake_is_one_line(entry, message):
    lines = found(entry)
    assert len(lines) == 1
    assert message in lines[0].message
    assert lines[0].key.startswith("variation[1]")


@pytest.mark.parametrize("cv", [0, -0.2, 25])
def test_a_cv_is_a_share_and_not_per_cent(cv):
    with pytest.raises(ValueError, match="within_subject_cv"):
        make_study(variation=[{"features": ["all"], "within_subject_cv": cv, "source": "x"}])
