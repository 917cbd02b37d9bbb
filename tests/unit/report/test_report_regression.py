"""What a page says about regression to the mean, and about a contrast that is a trend over doses."""

from typing import Any

import pytest

from cytoshift.figures.words import contrast_label, effect_label
from cytoshift.report.answer import answer
from cytoshift.report.formats import effect
from cytoshift.report.grids import records
from cytoshift.report.limits import limits
from cytoshift.report.markers import control_grid
from cytoshift.report.methods import method_paragraphs
from cytoshift.report.regression import regression_words
from cytoshift.report.sentences import describe, not_shown, question, shifted
from report_tables import WITHIN, make_study, make_tables, plan_of, shift_row, single_arm

RULE = {"rule": "IL-6 above 3 pg/mL at baseline.", "visits": "baseline"}
ARMS = [{"id": "placebo", "dose_mg": 0}, {"id": "low", "dose_mg": 1.5}, {"id": "ldn", "label": "LDN", "dose_mg": 4.5}]
TREND = {"id": "week_16", "reference": "baseline", "target": "week_16", "trend": "dose_mg"}
AT = {"id": "week_16", "at": "week_16", "trend": "dose_mg"}


def expected_row(feature: str = "il6", **changes: Any) -> dict[str, Any]:
    row: dict[str, Any] = {
        "contrast": "week_16", "feature": feature, "label": feature, "scale": "log2", "expected": -0.25,
        "ci_low": -0.43, "ci_high": -0.07, "expected_ratio": 0.84, "ratio_low": 0.74, "ratio_high": 0.95,
        "share_of_change": 0.6012, "correlation": 0.6, "deciding": "baseline", "basis": "cited",
        "source": "Smith 2020", "note": "holds if subjects come from the cited population",
    }  # fmt: skip
    return row | changes


def said(rows: list[dict[str, Any]], **changes: Any) -> str:
    study = single_arm(**changes)
    return " ".join(limits("week_16", make_tables(regression_to_mean=rows), study, plan_of(study)))


def test_what_selection_alone_would_have_done_is_said_in_numbers_with_its_source() -> None:
    text = said([expected_row()], selection=RULE)
    assert (
        "Regression to the mean alone would have lowered IL-6 to ratio 0.84 (0.74 to 0.95), 60 % of the change seen; "
        "source: Smith 2020." in text.replace("\N{NO-BREAK SPACE}", " ")
    )
    assert "not quantifiable" not in text


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"share_of_change": 0.0}, "none of the change seen"),
        ({"share_of_change": 1.0}, "all of the change seen"),
        ({"share_of_change": 0.004}, "less than 1 % of the change seen"),
        (
            {"expected": 0.1, "expected_ratio": 1.07, "ratio_low": None, "ratio_high": None},
            "raised IL-6 to ratio 1.07,",
        ),
        ({"basis": "baselines", "source": ""}, "; seen between two baselines."),
        ({"scale": "logit"}, "lowered IL-6 to odds ratio 0.84"),
        ({"scale": "identity", "expected": -2.1, "ci_low": -3.0, "ci_high": -1.2}, "by −2.10 (−3.00 to −1.20)"),
    ],
)
def test_how_it_is_worded(changes: dict[str, Any], words: str) -> None:
    assert words in said([expected_row(**changes)], selection=RULE).replace("\N{NO-BREAK SPACE}", " ")


def test_planned_features_come_first_and_the_rest_is_counted() -> None:
    rows = [expected_row(name) for name in ("il10", "x1", "x2", "tnf", "il6")]
    text = said(rows, selection=RULE)
    assert text.index("lowered IL-6") < text.index("lowered IL-10")
    assert "2 more features in tables.xlsx" in text


def test_where_it_cannot_be_quantified_the_reason_is_given() -> None:
    assert "not quantifiable here: the plan gives no rule by which subjects were selected" in said([])
    elsewhere = said([], selection=RULE, contrasts=[WITHIN | {"reference": "week_16", "target": "baseline"}])
    assert "not quantifiable here: it ends with a visit that decided who entered." in elsewhere
    uncited = said([], selection=RULE)
    assert "neither two baselines nor a source" in uncited


def test_the_rule_and_what_the_number_supposes_stand_on_the_page() -> None:
    study = single_arm(selection=RULE)
    tables = make_tables(regression_to_mean=[expected_row()])
    text = regression_words(tables, study, plan_of(study))
    assert text.startswith("Subjects entered by this rule: IL-6 above 3 pg/mL at baseline (decided at baseline).")
    assert "The number holds if subjects come from the cited population." in text
    assert "Davis" in dict(method_paragraphs(tables, study))["Regression to the mean"]


def test_a_trend_is_called_per_mg() -> None:
    study = make_study(arms=ARMS, contrasts=[TREND])
    assert contrast_label(plan_of(study), "week_16") == "week 16 vs baseline, per mg of dose"
    assert effect_label(plan_of(study), "week_16") == "ratio of the changes per mg of dose"
    labelled = make_study(arms=ARMS, contrasts=[AT | {"label": "Dose response"}])
    assert contrast_label(plan_of(labelled), "week_16") == "Dose response (per mg)"
    row = next(records(make_tables(shifts=[shift_row(method="dose_trend")]).shifts))
    assert effect(row) == "ratio per mg 0.72 (0.55 to 0.94)"


@pytest.mark.parametrize(
    ("contrast", "randomised", "sentences"),
    [
        (TREND, True, (
            "IL-6 shifted downwards with a higher dose relative to a lower one, from baseline to week 16",
            "A shift in IL-6 with a higher dose relative to a lower one, from baseline to week 16 was not shown",
            "Did IL-6 fall more with a higher dose than with a lower one, from baseline to week 16, in multiple "
            "sclerosis?",
        )),
        (AT, False, (
            "A higher dose, compared with a lower one, was associated with lower IL-6 at week 16",
            "An association of a higher dose, compared with a lower one with a difference in IL-6 at week 16 was not "
            "shown",
            "At week 16, was IL-6 lower with a higher dose than with a lower one, in multiple sclerosis?",
        )),
    ],
)  # fmt: skip
def test_sentences_about_a_trend_read_as_sentences(
    contrast: dict[str, Any], randomised: bool, sentences: tuple[str, str, str]
) -> None:
    study = make_study(arms=ARMS, contrasts=[contrast], randomised=randomised)
    setting = describe("week_16", study, plan_of(study))
    found = (
        shifted(setting, "IL-6", -1),
        not_shown(setting, "IL-6"),
        question(study, plan_of(study), "week_16", "IL-6", "decrease"),
    )
    assert found == sentences


def test_the_page_of_a_trend_shows_the_outer_doses_beside_the_slope() -> None:
    study = make_study(arms=ARMS, contrasts=[TREND])
    tables = make_tables(shifts=[shift_row(method="dose_trend_given_baseline")])
    reply = answer(tables, study, plan_of(study))
    assert "ratio per mg 0.72" in reply.sentence
    cells = [cell.text for cell in control_grid(tables, plan_of(study)).rows[0]]
    assert "LDN | placebo" in cells
    assert cells[-1] == "0.72 (0.55 to 0.94) per mg"


def test_an_arm_outside_the_randomisation_is_compared_by_association() -> None:
    arms = [{"id": "placebo"}, {"id": "ldn"}, {"id": "healthy", "visits": ["baseline"]}]
    contrast = {"id": "week_16", "at": "baseline", "arm": "ldn", "against": "healthy"}
    study = make_study(arms=arms, contrasts=[contrast])
    assert not describe("week_16", study, plan_of(study)).randomised
