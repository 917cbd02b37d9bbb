"""Medians with gaps, and the analysis scale."""

import numpy as np
import pandas as pd
import pytest

from cytoshift.quality.robust import column_mad, column_median, column_middle
from cytoshift.quality.scale import SCALE_OF_MEASURE, points, to_matrix, to_scale


@pytest.mark.parametrize("rows", [1, 2, 5, 8])
def test_medians_agree_with_numpy_where_it_has_numbers(rows):
    numbers = np.random.default_rng(rows).normal(size=(rows, 40))
    numbers[np.random.default_rng(1).random(numbers.shape) < 0.3] = np.nan
    numbers[0] = np.where(np.isnan(numbers).all(axis=0), 0.0, numbers[0])
    np.testing.assert_allclose(column_median(numbers), np.nanmedian(numbers, axis=0))
    expected = 1.4826 * np.nanmedian(np.abs(numbers - np.nanmedian(numbers, axis=0)), axis=0)
    np.testing.assert_allclose(column_mad(numbers), expected)


def test_a_column_without_numbers_has_no_median():
    low, high = column_middle(np.array([[1.0, np.nan], [4.0, np.nan], [np.nan, np.nan]]))
    assert (low[0], high[0]) == (1.0, 4.0)
    assert np.isnan([low[1], high[1]]).all()


def test_every_measure_has_a_scale():
    ones = to_scale(np.full(len(SCALE_OF_MEASURE), 0.5), pd.Series(list(SCALE_OF_MEASURE)))
    assert ones.tolist() == [-1.0, 0.5, -1.0, -1.0, 0.0, 0.5]


def test_a_matrix_has_non_detects_at_their_limit_and_gaps_as_gaps():
    values = pd.DataFrame(
        {
            "sample": ["s2", "s1", "s1"],
            "feature": ["b", "a", "b"],
            "measure": "concentration",
            "value": [8.0, np.nan, np.nan],
            "lower": [8.0, 0.0, np.nan],
            "upper": [8.0, 2.0, np.nan],
            "status": ["observed", "below", "missing"],
        }
    )
    matrix = to_matrix(values, points(values))
    assert (list(matrix.samples), list(matrix.features)) == (["s1", "s2"], ["a", "b"])
    np.testing.assert_allclose(matrix.numbers, [[1.0, np.nan], [np.nan, 3.0]])
