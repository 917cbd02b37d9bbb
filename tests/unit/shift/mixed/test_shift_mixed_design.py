"""Designs of repeated visits: their means, contrasts of them, and what cannot be asked."""

import numpy as np
import pytest

from cytoshift.shift.mixed.mixed_design import cell_contrast, changes_from_baseline, repeated_design, weighted_contrast

VISITS = ["baseline", "week_8", "week_16"]
SUBJECT = np.repeat(["s1", "s2", "s3", "s4"], 3)
VISIT = np.tile(VISITS, 4)
ARM = np.repeat(["ldn", "ldn", "placebo", "placebo"], 3)


def study(**options):
    return repeated_design(SUBJECT, VISIT, ARM, visits=VISITS, arms=["ldn", "placebo"], **options)


def test_a_change_against_another_arm_is_target_minus_reference() -> None:
    contrast = cell_contrast(study(), "week_16", "baseline", arm="ldn", against="placebo")
    assert contrast.weights.tolist() == [[-1, 1], [0, 0], [1, -1]]
    # On data that are their own cell means, the contrast is the difference of differences of those means.
    design = study()
    means = design.columns @ np.array([1.0, 2, 4, 8, 16, 32])
    cells = {(visit, arm): mean for visit, arm, mean in zip(VISIT, ARM, means, strict=True)}
    asked = contrast.vector @ np.array([1.0, 2, 4, 8, 16, 32])
    ldn = cells["week_16", "ldn"] - cells["baseline", "ldn"]
    assert asked == ldn - (cells["week_16", "placebo"] - cells["baseline", "placebo"])


def test_several_visits_on_one_side_are_averaged() -> None:
    contrast = cell_contrast(study(), ["week_8", "week_16"], "baseline", arm="placebo")
    assert contrast.weights.tolist() == [[0, -1], [0, 0.5], [0, 0.5]]


def test_randomised_arms_share_one_baseline_and_others_keep_their_own() -> None:
    arm = np.repeat(["ldn", "placebo", "healthy", "healthy"], 3)
    design = repeated_design(
        SUBJECT, VISIT, arm, visits=VISITS, arms=["ldn", "placebo", "healthy"], common_baseline=["ldn", "placebo"]
    )
    assert design.names[:2] == ["baseline in ldn and placebo", "baseline in healthy"]
    assert design.columns.shape[1] == 8
    assert design.columns[VISIT == "baseline", 0].tolist() == [1, 1, 0, 0]
    with pytest.raises(ValueError, match="zero by construction"):
        cell_contrast(design, "baseline", arm="ldn", against="placebo")
    assert cell_contrast(design, "baseline", arm="ldn", against="healthy").vector.tolist()[:2] == [1, -1]


def test_the_rows_of_an_f_test_are_the_changes_from_the_first_visit() -> None:
    rows = changes_from_baseline(study(), arm="ldn")
    assert [row.weights[:, 0].tolist() for row in rows] == [[-1, 1, 0], [-1, 0, 1]]


def test_a_study_with_one_arm_needs_no_name_for_it() -> None:
    design = repeated_design(SUBJECT, VISIT, visits=VISITS)
    assert design.names == VISITS
    assert cell_contrast(design, "week_8", "baseline").vector.tolist() == [-1, 1, 0]


def test_covariates_and_plates_are_centred_and_named() -> None:
    age = np.repeat([30.0, 40, 50, 60], 3)
    plate = np.tile(["p1", "p2", "p2"], 4)
    design = study(covariates=age[:, None], covariate_names=["age"], plate=plate)
    assert design.names[-2:] == ["age", "plate p2"]
    np.testing.assert_allclose(design.columns[:, -2:].mean(axis=0), 0, atol=1e-12)
    assert design.grouping.size == 0


def test_a_random_plate_is_a_grouping_and_a_period_one_within_the_subject() -> None:
    assert study(plate=np.tile(["p1", "p2", "p2"], 4), plate_effect="random").grouping.tolist() == [0, 1, 1] * 4
    within = study(within=np.tile(["one", "one", "two"], 4)).grouping
    assert len(set(within.tolist())) == 8


@pytest.mark.parametrize(
    ("mistake", "told"),
    [
        (lambda: repeated_design(SUBJECT, VISIT, ARM, visits=VISITS[:2], arms=["ldn", "placebo"]), "visit 'week_16'"),
        (lambda: repeated_design(SUBJECT, VISIT, ARM, visits=VISITS, arms=["ldn"]), "arm 'placebo' is not in"),
        (lambda: repeated_design(SUBJECT, VISIT[1:], visits=VISITS), r"visit has the shape \(11,\)"),
        (lambda: study(common_baseline=["healthy"]), "common_baseline names 'healthy'"),
        (lambda: study(covariates=np.zeros(12)), "covariates have the shape"),
        (lambda: study(covariates=np.full((12, 1), np.inf)), "infinite"),
        (lambda: study(covariates=np.zeros((12, 1)), covariate_names=["age", "sex"]), "2 covariate names for 1"),
        (lambda: study(plate=VISIT, plate_effect="random", within=VISIT), "make the plate fixed"),
        (lambda: cell_contrast(study(), "week_8", "baseline"), "several arms"),
        (lambda: cell_contrast(study(), "week_9", "baseline", arm="ldn"), "visit 'week_9'"),
        (lambda: cell_contrast(study(), "week_8", "baseline", arm="ldn", against="none"), "arm 'none'"),
        (lambda: cell_contrast(study(), "week_8", "week_8", arm="ldn"), "zero by construction"),
        (lambda: weighted_contrast(study(), np.ones((2, 2))), r"\(3, 2\) is needed"),
    ],
)
def test_what_cannot_be_asked_is_refused_by_name(mistake, told) -> None:
    with pytest.raises(ValueError, match=told):
        mistake()
