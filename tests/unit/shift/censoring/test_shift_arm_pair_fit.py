"""The maximum of the likelihood of two arms' pairs with non-detects."""

import numpy as np
import pytest

from arm_pair_draws import DrawnArms, draw_arms
from cytoshift.shift.censoring.arm_pair_design import arm_design
from cytoshift.shift.censoring.arm_pair_fit import ArmPairFit, fit_arm_pairs, fixed_parameters, starting_values
from cytoshift.shift.censoring.arm_pair_likelihood import ArmPairData
from cytoshift.shift.censoring.pair_bounds import pair_bounds


def fitted(study: DrawnArms, *, alike: bool, zeta: float | None = None) -> tuple[ArmPairData, ArmPairFit]:
    data = arm_design(pair_bounds(*study.limits), study.arm, study.age, ()).data()
    nowhere = np.zeros((2, len(data.pairs)))
    fixed = fixed_parameters(data, nowhere != 0, arms_alike_before=alike)
    start = starting_values(data, fixed, nowhere)
    if zeta is not None:
        start[:, -1] = zeta
    return data, fit_arm_pairs(data, start, fixed)


@pytest.mark.parametrize("alike", [True, False])
def test_the_maximum_is_one(alike: bool) -> None:
    study = draw_arms(16, 40, below=0.35, differ=0.3, seed=8)
    _, fit = fitted(study, alike=alike)
    sound = fit.settled & (fit.still.sum(axis=1) == alike)
    assert sound.mean() > 0.9
    assert np.abs(np.where(fit.still, 0, fit.gradient)[sound]).max() < 1e-6
    free = np.flatnonzero(~fit.still[sound][0])
    assert (np.linalg.eigvalsh(fit.hessian[sound][:, free][:, :, free]) < 0).all()
    for zeta in (-1.5, 2.5):
        _, again = fitted(study, alike=alike, zeta=zeta)
        np.testing.assert_allclose(again.log_likelihood[sound], fit.log_likelihood[sound], atol=1e-9)


def test_arms_free_before_fit_no_worse_than_arms_alike() -> None:
    study = draw_arms(16, 30, before=1.0, seed=5)
    (data, alike), (_, free) = fitted(study, alike=True), fitted(study, alike=False)
    assert (alike.parameters[:, data.alpha] == 0).all()
    assert (free.log_likelihood > alike.log_likelihood - 1e-9).all()
    assert np.median(free.parameters[:, data.alpha] * data.scale / data.exposure_unit) == pytest.approx(1, abs=0.3)


def test_known_pairs_have_the_textbook_maximum() -> None:
    study = draw_arms(14, 5, below=0.0, effect=0.7, rho=0.9, seed=3)
    data, fit = fitted(study, alike=True)
    x, y = study.limits[0], study.limits[2]
    for j in range(5):
        design = np.column_stack([np.ones(14), study.age, x[:, j], study.arm])
        coefficients = np.linalg.lstsq(design, y[:, j], rcond=None)[0]
        spread = np.sqrt(np.mean((y[:, j] - design @ coefficients) ** 2))
        delta = fit.parameters[j, data.delta] * data.scale[j] / data.exposure_unit[j]
        np.testing.assert_allclose(delta, coefficients[-1], rtol=1e-9)
        given = np.exp(fit.parameters[j, -2]) / np.cosh(fit.parameters[j, -1]) * data.scale[j]
        np.testing.assert_allclose(given, spread, rtol=1e-9)


def test_an_analyte_does_not_depend_on_its_neighbours() -> None:
    study = draw_arms(12, 40, below=0.4, missing=0.05, seed=3)
    _, fit = fitted(study, alike=False)
    _, alone = fitted(study.take(np.array([17])), alike=False)
    np.testing.assert_array_equal(fit.parameters[17], alone.parameters[0])
    assert fit.log_likelihood[17] == alone.log_likelihood[0]
