"""The one sentence: every way a study can end has its own, and none of them says more than it may."""

from dataclasses import dataclass, field
from typing import Any

import pytest

from cytoshift.report.answer import answer
from cytoshift.study.study import Study
from report_tables import (
    AT_START,
    BETWEEN,
    PRIMARY,
    WITHIN,
    decision_row,
    family_row,
    finding_row,
    make_study,
    make_tables,
    plan_of,
    shift_row,
    single_arm,
)  # fmt: skip

EXPLORATORY = {"id": "everything", "tier": "exploratory", "features": ["all"]}
EACH = PRIMARY | {"test": "each"}
EACH_DECISIONS = [
    decision_row("il6", p_kind="max_t", p_adjusted=0.031),
    decision_row("tnf", p_kind="max_t", p_adjusted=0.4, decision="not_rejected"),
]
ONE_PLATE = "cramers_v=0.9; subjects_on_one_plate={}; subjects=20"


@dataclass
class Case:
    """A study and its tables; what its sentence must and must not say."""

    study: Study
    verdict: str
    says: list[str]
    never: list[str] = field(default_factory=list)
    tables: dict[str, Any] = field(default_factory=dict)


CASES = {
    "randomised and rejected as a whole": Case(
        make_study(),
        "shown",
        ["Inflammation (2 markers taken together) shifted downwards with LDN relative to placebo", "p = 0.0123",
         "from baseline to week 16", "IL-6, ratio 0.72, 95\u00a0% interval 0.55 to 0.94"],
        ["associated"],
    ),
    "rejected against the planned direction": Case(
        make_study(), "shown", ["shifted upwards", "against the planned direction"], ["downwards"],
        {"families": [family_row(statistic=-5.1)]},
    ),
    "open-label single arm": Case(
        single_arm(), "shown",
        ["Low-dose naltrexone was associated with a downward shift in inflammation", "from baseline to week 16"],
        ["relative to", "because of", "lowered"],
    ),
    "arms not randomised": Case(
        make_study(randomised=False), "shown", ["LDN, compared with placebo, was associated with a downward shift"],
        ["shifted downwards"],
    ),
    "arms at one visit, not randomised": Case(
        make_study(randomised=False, contrasts=[AT_START]), "shown",
        ["LDN, compared with placebo, was associated with lower inflammation", "at baseline"], ["shift"],
        {"families": [family_row(contrast="at_start")], "shifts": [shift_row("il6", contrast="at_start")]},
    ),
    "the control arm alone": Case(
        make_study(contrasts=[WITHIN | {"arm": "placebo"}]), "shown",
        ["Time under placebo was associated with"], ["naltrexone was"],
    ),
    "not rejected": Case(
        make_study(), "not_shown",
        ["was not shown (p = 0.21)", "does not show that there was none",
         "ratios from 0.55 to 0.94 agree with the data"],
        ["no effect", "unchanged"],
        {"families": [family_row(decision="not_rejected", p_value=0.21, p_adjusted=0.21)]},
    ),
    "each marker, one rejected": Case(
        make_study(endpoints=[EACH]), "shown",
        ["1 of the 2 markers planned as inflammation shifted downwards with LDN relative to placebo",
         "IL-6 ratio 0.72 (0.55 to 0.94), adjusted p = 0.031", "one marker at a time"],
        ["TNF", "taken together"],
        {"families": [family_row(test="each", p_adjusted=0.031)], "decisions": EACH_DECISIONS},
    ),
    "a single planned marker": Case(
        make_study(endpoints=[EACH | {"features": ["il6"]}]), "shown", ["IL-6 shifted downwards"], ["1 of the"],
        {"families": [family_row(test="each", features="il6", n_features=1)], "decisions": EACH_DECISIONS[:1]},
    ),
    "each marker, none rejected": Case(
        make_study(endpoints=[EACH]), "not_shown", ["(smallest adjusted p = 0.40)"], ["IL-6 shifted"],
        {"families": [family_row(test="each", decision="not_rejected", p_adjusted=0.4)]},
    ),
    "too few subjects to reject anything": Case(
        single_arm(), "no_claim",
        ["cannot answer whether inflammation", "with 5 subjects", "0.0625", "above the planned 0.05"],
        ["associated", "not shown"],
        {"families": [family_row(smallest_p=0.0625, decision="not_rejected", p_value=0.0625, p_adjusted=0.0625)],
         "shifts": [shift_row(name, n_pairs=5) for name in ("il6", "tnf")]},
    ),
    "closed gate": Case(
        make_study(), "no_claim", ["was not tested: primary: not tested, because"], ["shifted"],
        {"families": [family_row(decision="not_tested", decided_by="primary: not tested, because x was not rejected")]},
    ),
    "nothing measured": Case(
        make_study(), "no_claim", ["could not be tested", "no feature of this endpoint was measured"], ["p ="],
        {"families": [family_row(features="", n_features=0, p_value=float("nan"), p_adjusted=float("nan"),
                                 smallest_p=float("nan"), decision="not_rejected",
                                 decided_by="no feature of this endpoint was measured")]},
    ),
    "no primary endpoint": Case(
        make_study(endpoints=[EXPLORATORY]), "no_claim",
        ["This is an exploratory study", "no primary endpoint was planned", "nothing is claimed"],
        ["p =", "0.72", "shown"],
        {"families": [family_row(endpoint="everything", tier="exploratory", decision="none")]},
    ),
    "exploratory and confounded": Case(
        make_study(endpoints=[EXPLORATORY], contrasts=[AT_START]), "no_claim",
        ["nothing is claimed", "plate and arm go together"], [],
        {"families": [family_row(endpoint="everything", tier="exploratory", decision="none", contrast="at_start")],
         "findings": [finding_row("plate_confounded_with_arm", numbers=ONE_PLATE.format(20))]},
    ),
    "visits on different plates": Case(
        single_arm(), "no_claim",
        ["Nothing is claimed about inflammation (2 markers): plate and visit go together",
         "cannot be told from a difference between plates"], ["associated"],
        {"findings": [finding_row("plate_confounded_with_visit")]},
    ),
    "arms in different batches, at one visit": Case(
        make_study(contrasts=[AT_START], randomised=False), "no_claim", ["a difference between batches"],
        ["associated"],
        {"families": [family_row(contrast="at_start")], "shifts": [shift_row("il6", contrast="at_start")],
         "findings": [finding_row("batch_confounded_with_arm", numbers=ONE_PLATE.format(20))]},
    ),
    "arms on different plates, but each subject on one": Case(
        make_study(), "shown", ["shifted downwards"], ["Nothing is claimed"],
        {"findings": [finding_row("plate_confounded_with_arm", numbers=ONE_PLATE.format(20))]},
    ),
    "arms on different plates, and subjects torn apart": Case(
        make_study(), "no_claim", ["Nothing is claimed"], ["shifted downwards"],
        {"findings": [finding_row("plate_confounded_with_arm", numbers=ONE_PLATE.format(12))]},
    ),
    "a weak association of plates is only a note": Case(
        single_arm(), "shown", ["associated"], ["Nothing is claimed"],
        {"findings": [finding_row("plate_confounded_with_visit", severity="note")]},
    ),
    "crossover in an order that was not randomised": Case(
        make_study(design="crossover", randomised=False), "no_claim",
        ["is described, not decided", "the order of conditions was not randomised", "p = 0.0123"],
        ["shifted downwards"],
    ),
    "a score": Case(
        make_study(endpoints=[EACH | {"features": ["fatigue"], "label": "Fatigue"}]), "shown",
        ["fatigue difference −3.20 (−5.10 to −1.30)"], ["ratio"],
        {"families": [family_row(test="each", features="fatigue")],
         "decisions": [decision_row("fatigue", p_kind="max_t")],
         "shifts": [shift_row("fatigue", layer="outcome", scale="identity", estimate=-3.2, ci_low=-5.1, ci_high=-1.3,
                              ratio=float("nan"), ratio_low=float("nan"), ratio_high=float("nan"))]},
    ),
    "two primaries, one rejected": Case(
        make_study(endpoints=[PRIMARY, EACH | {"id": "regulation", "features": ["il10"]}]), "shown",
        ["Inflammation (2 markers taken together) shifted downwards", "; a shift in IL-10 with LDN",
         "not shown"],
        [], {"families": [family_row(), family_row(endpoint="regulation", features="il10", decision="not_rejected")]},
    ),
    "simulated": Case(
        make_study(origin="simulated"), "shown", ["In these simulated data: inflammation"], [],
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
def test_every_outcome_has_its_sentence(case: Case) -> None:
    found = answer(make_tables(**case.tables), case.study, plan_of(case.study))
    assert [words for words in case.says if words not in found.sentence] == [], found.sentence
    assert [words for words in case.never if words in found.sentence] == [], found.sentence
    assert found.verdict == case.verdict
    assert found.sentence.endswith(".")
    assert not found.sentence[0].islower()


QUESTIONS = {
    "between": (make_study(), "Did inflammation (2 markers) fall more with LDN than with placebo, from baseline to "
                              "week 16, in multiple sclerosis?"),
    "within": (single_arm(), "Did inflammation (2 markers) fall from baseline to week 16, before and after low-dose "
                             "naltrexone, in multiple sclerosis?"),
    "any direction": (make_study(contrasts=[BETWEEN], disease=None), "shift differently with LDN than with placebo"),
}  # fmt: skip


@pytest.mark.parametrize(("study", "words"), QUESTIONS.values(), ids=QUESTIONS.keys())
def test_the_question_is_that_of_the_plan(study: Study, words: str) -> None:
    direction = "any" if "shift" in words else "decrease"
    found = answer(make_tables(families=[family_row(direction=direction)]), study, plan_of(study))
    assert words in found.question
    assert found.contrast == "week_16"


def test_an_endpoint_of_one_feature_without_a_label_is_called_by_that_feature() -> None:
    study = make_study(endpoints=[EACH | {"id": "main_q", "features": ["tnf"]}])
    family = family_row(endpoint="main_q", test="each", features="tnf", n_features=1, decision="not_rejected")
    found = answer(make_tables(families=[family]), study, plan_of(study))
    assert found.question.startswith("Did TNF-α fall more with LDN than with placebo")
    assert "shift in TNF-α with LDN" in found.sentence
    assert "main" not in found.question + found.sentence
    labelled = make_study(endpoints=[EACH | {"id": "main_q", "label": "the main cytokine", "features": ["tnf"]}])
    asked = answer(make_tables(families=[family]), labelled, plan_of(labelled)).question
    assert "Did the main cytokine (1 marker) fall" in asked


def test_healthy_people_are_not_called_none() -> None:
    study = make_study(disease="none (healthy men)")
    assert answer(make_tables(), study, plan_of(study)).question.endswith("in healthy men?")
