"""The likelihood of pairs of two arms with non-detects, and its derivatives."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from arm_pair_draws import DrawnArms, draw_arms
from cytoshift.shift.censoring.arm_pair_design import arm_design
from cytoshift.shift.censoring.arm_pair_likelihood import ArmPairData
from cytoshift.shift.censoring.pair_bounds import PairBounds, pair_bounds

MIXED = {"below": 0.3, "above": 0.1, "differ": 0.3}


def data_of(study: DrawnArms) -> ArmPairData:
    return arm_design(pair_bounds(*study.limits), study.arm, study.age, ()).data()


def by_hand(bounds: PairBounds, means: np.ndarray, s: tuple[float, float], rho: float) -> float:
    """One analyte, subject by subject, through scipy's distributions; `means` (subjects, 2)."""
    covariance = np.array([[s[0] ** 2, rho * s[0] * s[1]], [rho * s[0] * s[1], s[1] ** 2]])
    rest, total = np.sqrt(1 - rho**2), 0.0
    for lower, upper, m in zip(bounds.lower[:, :, 0].T, bounds.upper[:, :, 0].T, means, strict=True):
        if np.isnan(lower[0]):
            continue
        joint, known = stats.multivariate_normal(m, covariance), lower == upper
        if known.all():
            total += joint.logpdf(lower)
        elif known.any():
            a, b = (0, 1) if known[0] else (1, 0)
            other = stats.norm(m[b] + rho * s[b] / s[a] * (lower[a] - m[a]), s[b] * rest)
            total += stats.norm(m[a], s[a]).logpdf(lower[a]) + np.log(other.cdf(upper[b]) - other.cdf(lower[b]))
        else:
            far = m + 12 * np.array(s)
            total += np.log(joint.cdf(np.minimum(upper, far), lower_limit=np.maximum(lower, 2 * m - far)))
    return total


def test_likelihood_is_the_sum_over_subjects_with_their_own_means() -> None:
    study = draw_arms(16, 3, **MIXED, missing=0.05, seed=4)
    bounds, data = pair_bounds(*study.limits), data_of(study)
    s, rho = (0.9, 1.3), 0.45
    # Coefficients of orthogonal columns, as the fit has them: any will do.
    parameters = np.tile([0.1, 0.2, -0.3, 0.4, -0.1, 0.5, np.log(s[0]), np.log(s[1]), np.arctanh(rho)], (3, 1))
    parameters[:, 6:8] -= np.log(data.scale)[:, None]
    found = data.likelihood(parameters).value - data.known_values * np.log(data.scale)
    for j in range(3):
        before, after = data.columns[j] @ [0.1, 0.2, -0.3], data.columns[j] @ [0.4, -0.1, 0.5 - 0.3]
        means = data.centre[j] + data.scale[j] * np.column_stack([before, after])
        np.testing.assert_allclose(found[j], by_hand(bounds.take(np.array([j])), means, s, rho), atol=1e-5)


def test_columns_are_orthogonal_and_one_unit_of_exposure_is_what_it_says() -> None:
    study = draw_arms(12, 4, missing=0.1, seed=2)
    data = data_of(study)
    product = np.einsum("asc,asd->acd", data.columns, data.columns) / data.pairs[:, None, None]
    np.testing.assert_allclose(product, np.tile(np.eye(3), (4, 1, 1)), atol=1e-12)
    # The arm is a sum of the columns, the last of them `exposure_unit` times.
    for column, unit, present in zip(
        data.columns, data.exposure_unit, pair_bounds(*study.limits).present.T, strict=True
    ):
        weights = np.linalg.lstsq(column[present], study.arm[present], rcond=None)[0]
        np.testing.assert_allclose(weights[-1], unit, rtol=1e-10)


@settings(max_examples=8, deadline=None)
@given(st.lists(st.floats(-1, 1), min_size=9, max_size=9), st.integers(0, 1000))
def test_derivatives_are_those_of_the_likelihood(parameters: list[float], seed: int) -> None:
    data = data_of(draw_arms(9, 3, **MIXED, seed=seed))
    at = np.tile(np.array(parameters) * [1, 1, 1, 1, 1, 1, 0.5, 0.5, 0.9] + [0, 0, 0, 0, 0, 0, 0, 0, 0.5], (3, 1))
    here = data.likelihood(at)
    size = np.abs(here.hessian).max()
    for number, step in enumerate(1e-5 * np.eye(data.parameters)):
        up, down = data.likelihood(at + step), data.likelihood(at - step)
        np.testing.assert_allclose(here.gradient[:, number], (up.value - down.value) / 2e-5, atol=1e-7 * size)
        np.testing.assert_allclose(here.hessian[:, number], (up.gradient - down.gradient) / 2e-5, atol=1e-7 * size)
