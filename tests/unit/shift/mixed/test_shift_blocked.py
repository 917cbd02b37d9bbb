"""One correlation for all features: hand-computed effects, the size of the test, and reasons where there is nothing."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cytoshift.shift.classical.arms import arm_effect
from cytoshift.shift.classical.moderation import fit_prior, moderate
from cytoshift.shift.mixed.blocked import blocked_effects, consensus_correlation
from cytoshift.shift.mixed.mixed_design import cell_contrast, repeated_design

VISITS = ["before", "after", "late"]


def study(subjects, visits=2, arms=("",)):
    """Every subject at every visit, arms in turn."""
    subject = np.repeat(np.arange(subjects), visits)
    arm = np.array(arms)[subject % len(arms)]
    return repeated_design(subject, np.tile(VISITS[:visits], subjects), arm, visits=VISITS[:visits], arms=list(arms))


def correlated(generator, design, features, share):
    """Values of which `share` of the variance is the subject's."""
    levels = generator.normal(size=(design.subjects, features)) * np.sqrt(share)
    return levels[design.subject] + generator.normal(size=(len(design.subject), features)) * np.sqrt(1 - share)


def test_the_correlation_of_complete_pairs_is_the_one_of_the_analysis_of_variance():
    design = study(10)
    values = correlated(np.random.default_rng(1), design, 7, 0.6)
    pairs = values.reshape(10, 2, 7)
    centred = pairs - pairs.mean(axis=0)
    between = 2 * (centred.mean(axis=1) ** 2).sum(axis=0) / 9
    within = ((centred[:, 1] - centred[:, 0]) ** 2).sum(axis=0) / 2 / 9
    found = consensus_correlation(values, design.columns, design.subject)
    np.testing.assert_allclose(found.own, (between - within) / (between + within), rtol=1e-10)
    # Of seven, 15 % cut off one at each end.
    middle = np.sort(np.arctanh(found.own))[1:-1]
    assert found.value == pytest.approx(np.tanh(middle.mean()))
    assert found.features == 7


def test_correlation_may_be_negative_but_not_beyond_what_blocks_allow():
    design = study(8)
    values = np.tile([[1.0], [-1.0]], (8, 1)) * np.random.default_rng(2).normal(1, 0.1, size=(8, 1)).repeat(2, axis=0)
    values += np.random.default_rng(3).normal(0, 1e-3, size=values.shape)
    assert consensus_correlation(values, design.columns[:, :0], design.subject).value == pytest.approx(-0.99)


def test_the_change_of_complete_pairs_by_hand():
    design = study(9)
    values = correlated(np.random.default_rng(4), design, 3, 0.5)
    (found,) = blocked_effects(values, design, [cell_contrast(design, "after", "before")], 0.4)
    pairs = values.reshape(9, 2, 3)
    change, mean = pairs[:, 1] - pairs[:, 0], pairs.mean(axis=1)
    # Half the change and the mean are independent: their variances are (1 − ρ)/2 and (1 + ρ)/2 of the residual one.
    squares = change.var(axis=0, ddof=1) / 2 / 0.6 + mean.var(axis=0, ddof=1) * 2 / 1.4
    np.testing.assert_allclose(found.estimate, change.mean(axis=0))
    np.testing.assert_allclose(found.residual_variance, squares * 8 / 16)
    np.testing.assert_allclose(found.se, np.sqrt(2 * 0.6 * squares * 8 / 16 / 9))
    assert found.df.tolist() == [16, 16, 16]
    assert (found.n_reference.tolist(), found.n_target.tolist(), found.n.tolist()) == ([9] * 3, [9] * 3, [9] * 3)


def test_without_correlation_samples_are_independent():
    design = study(12, arms=("placebo", "treated"))
    values = correlated(np.random.default_rng(5), design, 4, 0.0)
    values[3, 1] = np.nan
    (found,) = blocked_effects(
        values, design, [cell_contrast(design, ["before", "after"], arm="treated", against="placebo")], 0.0
    )
    visit = (design.visit == 1).astype(float)
    # With the interaction coded ±1/2, the arm's coefficient is its mean effect over both visits.
    arm = design.arm.astype(float)
    plain = arm_effect(values, arm, np.column_stack([visit, (visit - 0.5) * (arm - 0.5)]))
    for field in ("estimate", "se", "df", "p_value", "residual_variance"):
        np.testing.assert_allclose(getattr(found, field), getattr(plain, field), rtol=1e-10, err_msg=field)


@pytest.mark.parametrize("share", [0.0, 0.7])
def test_size_of_the_moderated_test_is_nominal_within_and_between_subjects(share):
    generator = np.random.default_rng(6)
    design = study(14, 3, ("placebo", "treated"))
    asked = [
        cell_contrast(design, "late", "before", arm="treated"),
        cell_contrast(design, "late", arm="treated", against="placebo"),
    ]
    rejected = []
    for _ in range(20):
        spread = np.sqrt(8 / generator.chisquare(8, 200))
        values = correlated(generator, design, 200, share) * spread
        values[generator.random(values.shape) < 0.03] = np.nan
        correlation = consensus_correlation(values, design.columns, design.subject).value
        found = blocked_effects(values, design, asked, correlation)
        rejected.append([moderate(one, fit_prior(one.residual_variance, one.df)).p_value < 0.05 for one in found])
    # 4,000 tests each: 3 binomial SE are 0.0103.
    for place in range(2):
        assert np.mean([study[place] for study in rejected]) == pytest.approx(0.05, abs=0.0103)


@given(scale=st.floats(0.01, 100), shift=st.floats(-50, 50), seed=st.integers(0, 50))
@settings(max_examples=20, deadline=None)
def test_units_and_the_order_of_samples_change_nothing(scale, shift, seed):
    generator = np.random.default_rng(seed)
    subject, visit = np.repeat(np.arange(9), 3), np.tile(VISITS, 9)
    values = correlated(generator, study(9, 3), 3, 0.4)
    values[generator.random(values.shape) < 0.1] = np.nan
    answers = []
    for order, panel in ((slice(None), values), (generator.permutation(27), scale * values + shift)):
        design = repeated_design(subject[order], visit[order], visits=VISITS)
        correlation = consensus_correlation(panel[order], design.columns, design.subject)
        (found,) = blocked_effects(panel[order], design, [cell_contrast(design, "late", "before")], correlation.value)
        answers.append((correlation.value, correlation.own, found))
    assert answers[1][0] == pytest.approx(answers[0][0], abs=1e-5)
    np.testing.assert_allclose(answers[1][2].estimate, scale * answers[0][2].estimate, rtol=1e-4, atol=1e-4 * scale)
    np.testing.assert_allclose(answers[1][2].p_value, answers[0][2].p_value, atol=1e-4)


def test_a_feature_has_the_same_bits_alone():
    design = study(11, 3, ("placebo", "treated"))
    values = correlated(np.random.default_rng(7), design, 40, 0.5)
    values[np.random.default_rng(8).random(values.shape) < 0.04] = np.nan
    asked = [cell_contrast(design, "late", "before", arm="treated", against="placebo")]
    together, alone = (
        blocked_effects(values, design, asked, 0.3)[0],
        blocked_effects(values[:, [5]], design, asked, 0.3)[0],
    )
    assert (together.estimate[5], together.se[5]) == (alone.estimate[0], alone.se[0])
    own = consensus_correlation(values, design.columns, design.subject).own[5]
    assert consensus_correlation(values[:, [5]], design.columns, design.subject).own[0] == own


def test_features_left_out_of_the_consensus_still_have_their_own():
    design = study(10)
    values = correlated(np.random.default_rng(9), design, 20, 0.2)
    values[:, :5] = correlated(np.random.default_rng(10), design, 5, 0.95)
    trusted = np.arange(20) >= 5
    found = consensus_correlation(values, design.columns, design.subject, use=trusted)
    assert found.value == consensus_correlation(values[:, 5:], design.columns, design.subject).value
    assert found.features == 15
    assert (found.own[:5] > 0.7).all()


def test_nothing_to_learn_from_is_said():
    design = study(6)
    values = correlated(np.random.default_rng(11), design, 2, 0.5)
    single = consensus_correlation(values, design.columns, np.arange(12))
    assert (single.value, single.reason) == (0.0, "no block has two samples: correlation within blocks taken as 0")
    columns = (design.subject[:, None] == np.arange(6)).astype(float)
    held = consensus_correlation(values, columns, design.subject)
    assert (held.value, held.reason) == (0.0, "the design holds the blocks: correlation within blocks taken as 0")
    flat = consensus_correlation(np.ones((12, 2)), design.columns, design.subject)
    assert (np.isnan(flat.value), flat.reason) == (True, "no feature has a correlation within blocks")
    (lost,) = blocked_effects(np.ones((12, 2)), design, [cell_contrast(design, "after", "before")], flat.value)
    assert np.isnan(lost.estimate).all()
    assert set(lost.note) == {"no feature has a correlation within blocks: no estimate"}


def test_features_without_an_answer_say_why():
    design = study(6)
    values = correlated(np.random.default_rng(12), design, 4, 0.5)
    values[design.visit == 1, 0] = np.nan
    values[:, 1] = 2.5
    values[2:, 2] = np.nan
    (found,) = blocked_effects(values, design, [cell_contrast(design, "after", "before")], 0.5)
    assert np.isnan(found.p_value).tolist() == [True, True, True, False]
    assert found.note.tolist() == [
        "no value at after: no estimate",
        "the model leaves no spread: no interval and no p-value",
        "no residual degrees of freedom: as many coefficients as values",
        "",
    ]
    assert np.isnan(found.estimate).tolist() == [True, False, False, False]


def test_a_covariate_that_is_the_visit_leaves_no_contrast():
    design = repeated_design(
        np.repeat(np.arange(6), 2),
        np.tile(VISITS[:2], 6),
        visits=VISITS[:2],
        covariates=np.tile([[0.0], [1.0]], (6, 1)),
    )
    values = np.random.default_rng(13).normal(size=(12, 2))
    (found,) = blocked_effects(values, design, [cell_contrast(design, "after", "before")], 0.2)
    assert set(found.note) == {"the contrast cannot be told from the covariates: no estimate"}
    assert np.isnan(found.estimate).all()


@pytest.mark.parametrize(("visits", "correlation"), [(2, 1.0), (3, -0.5)])
def test_a_correlation_no_subject_could_have_is_refused(visits, correlation):
    design = study(5, visits)
    with pytest.raises(ValueError, match=f"{visits} samples of one subject cannot have the correlation"):
        blocked_effects(np.zeros((5 * visits, 1)), design, [cell_contrast(design, "after", "before")], correlation)


def test_blocks_of_another_length_are_refused():
    design = study(5)
    with pytest.raises(ValueError, match="do not fit"):
        consensus_correlation(np.zeros((10, 2)), design.columns, design.subject[:-1])
