"""A shift known from one side only has a direction and an interval, wherever the page speaks of it."""

from typing import Any

import pytest

from cytoshift.report.answer import answer
from cytoshift.report.endpoints import endpoint_views
from cytoshift.report.formats import direction, effect, effect_parts
from cytoshift.report.grids import records
from cytoshift.report.methods import methods_used
from cytoshift.report.reliability import without_flagged_grid
from cytoshift.report.sentences import mixed_directions
from report_tables import (
    AT_START,
    PRIMARY,
    decision_row,
    family_row,
    make_study,
    make_tables,
    plan_of,
    shift_row,
    single_arm,
)  # fmt: skip

INF, NAN = float("inf"), float("nan")
EACH = PRIMARY | {"test": "each", "features": ["il6", "tnf", "il10"]}
OPEN: dict[str, Any] = {"estimate": NAN, "ratio": NAN, "method": "censored_pairs", "p_method": "sign_flip"}
ROSE = OPEN | {"ci_low": 0.36, "ci_high": INF, "ratio_low": 1.28, "ratio_high": INF, "statistic": 6.45}
FELL = OPEN | {"ci_low": -INF, "ci_high": -1.0, "ratio_low": 0.0, "ratio_high": 0.5, "statistic": -4.1}
UNKNOWN = OPEN | {"ci_low": -INF, "ci_high": INF, "ratio_low": 0.0, "ratio_high": INF, "statistic": -2.6}
WIDE = OPEN | {"ci_low": -0.3, "ci_high": INF, "ratio_low": 0.81, "ratio_high": INF, "statistic": -1.0}
SCORE = FELL | {"scale": "identity", "ratio_low": NAN, "ratio_high": NAN}
DETECTED = OPEN | {"ci_low": NAN, "ci_high": NAN, "ratio_low": NAN, "ratio_high": NAN, "statistic": NAN,
                   "method": "detection_paired", "p_method": "exact_mcnemar", "ci_method": "", "effect_size": INF,
                   "effect_low": 0.18, "effect_high": INF, "effect_size_kind": "odds_ratio_of_detection"}  # fmt: skip

ROWS = {
    "rose": (ROSE, 1, "ratio above 1.28"),
    "fell": (FELL, -1, "ratio below 0.50"),
    "fell in odds": (FELL | {"scale": "logit"}, -1, "odds ratio below 0.50"),
    "fell in points": (SCORE, -1, "difference below −1.00"),
    "nothing known but the statistic": (UNKNOWN, -1, "no estimate"),
    "an end on the far side of no shift": (WIDE, -1, "ratio above 0.81"),
    "seen more often": (DETECTED, 1, "odds ratio of detection ∞ (0.18 to ∞)"),
    "an estimate": ({}, -1, "ratio 0.72 (0.55 to 0.94)"),
}  # fmt: skip


@pytest.mark.parametrize(("changes", "way", "words"), ROWS.values(), ids=ROWS)
def test_a_row_says_its_direction_and_the_end_that_is_known(changes: dict[str, Any], way: int, words: str) -> None:
    row = next(records(make_tables(shifts=[shift_row(**changes)]).shifts))
    assert direction(row) == way
    assert effect(row) == words


def told(study: Any, *changes: dict[str, Any]) -> str:
    names = ("il6", "tnf", "il10")[: len(changes)]
    tables = make_tables(
        shifts=[shift_row(name, **change) for name, change in zip(names, changes, strict=True)],
        families=[family_row(test="each", features=",".join(names), n_features=len(names))],
        decisions=[decision_row(name, p_kind="max_t", p_adjusted=0.01) for name in names],
    )
    return answer(tables, study, plan_of(study)).sentence


def test_the_headline_never_turns_a_rise_into_a_fall() -> None:
    alone = told(single_arm(endpoints=[EACH]), {}, ROSE, FELL)
    assert "associated with shifts (1 up, 2 down) in 3 of the 3 markers" in alone
    assert "TNF-α ratio above 1.28" in alone
    assert "IL-10 ratio below 0.50" in alone
    assert "downward" not in alone
    assert "shifted (1 up, 2 down) with LDN relative to placebo" in told(make_study(endpoints=[EACH]), {}, ROSE, FELL)
    assert "a downward shift in 2 of the 2 markers" in told(single_arm(endpoints=[EACH]), {}, FELL)


def test_arms_at_one_visit_are_higher_and_lower() -> None:
    from cytoshift.report.sentences import describe, shifted

    study = make_study(contrasts=[AT_START], randomised=False)
    setting = describe("at_start", study, plan_of(study))
    mixed = mixed_directions(setting, [1, -1, -1, 0])
    assert mixed == "1 higher, 2 lower, 1 without a direction"
    assert "associated with differences (1 higher, 2 lower, 1 without a direction) in x" in shifted(
        setting, "x", 0, mixed
    )
    assert mixed_directions(setting, [1, 1]) == ""


def test_a_global_test_counts_only_the_markers_that_entered_it() -> None:
    study = make_study(endpoints=[PRIMARY | {"features": ["il6", "tnf", "il10"]}])
    decisions = [decision_row("il6", statistic=-3.0), decision_row("tnf", statistic=-2.0), decision_row("il10")]
    rows = [
        shift_row("il6", p_value=0.001, statistic=-3.0), shift_row("tnf", p_value=0.001, statistic=-5.0),
        shift_row("il10", p_value=NAN, statistic=NAN),
    ]  # fmt: skip
    family = family_row(features="il6,tnf,il10", n_features=3)
    found = answer(make_tables(families=[family], decisions=decisions, shifts=rows), study, plan_of(study)).sentence
    assert "Inflammation (2 of 3 markers, the ones that say anything, taken together)" in found
    assert "clearest for TNF-α" in found


def test_tables_show_the_known_end_and_the_odds_ratio_of_detection() -> None:
    study = single_arm(endpoints=[EACH])
    tables = make_tables(
        shifts=[shift_row("il6", **FELL), shift_row("tnf", **ROSE), shift_row("il10", **DETECTED)],
        families=[family_row(test="each", features="il6,tnf,il10", n_features=3)],
    )
    cells = [[cell.text for cell in row] for row in endpoint_views(tables, study, plan_of(study))[0].grid.rows]
    assert [row[2] for row in cells] == ["below 0.50", "above 1.28", "∞ (0.18 to ∞)"]
    assert cells[2][3] == "odds ratio of detection"
    intervals = {row[2].text: row[3].text for row in methods_used(tables, plan_of(study)).rows}
    assert intervals["exact McNemar"] == "exact"


def test_what_changes_without_flagged_samples_stands_first() -> None:
    with_all = [shift_row("il6"), shift_row("tnf"), shift_row("il10", **ROSE)]
    without = [shift_row("il6"), shift_row("tnf", estimate=-0.9, ratio=0.54), shift_row("il10", **FELL)]
    study = make_study()
    grid = without_flagged_grid(make_tables(shifts=with_all, without_flagged=without), plan_of(study), study)
    assert [row[0].text for row in grid.rows] == ["IL-10", "TNF-α", "IL-6"]
    assert [row[-1].text for row in grid.rows] == ["changes sign", "", ""]


def test_names_and_values_of_a_shift_stay_apart() -> None:
    row = next(records(make_tables(shifts=[shift_row(**DETECTED)]).shifts))
    assert effect_parts(row) == ("odds ratio of detection", "∞ (0.18 to ∞)")
