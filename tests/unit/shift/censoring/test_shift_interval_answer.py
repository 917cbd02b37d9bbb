"""What counts as evidence in a censored linear model, and what is certain in any case."""

import numpy as np

from cytoshift.shift.censoring.interval_answer import CERTAIN, NUMBERS, ONE_SIDED, design_rows

INF = np.inf
DESIGN = np.column_stack([np.ones(8), np.repeat([1.0, 0.0], 4)])


def column(limits: list[tuple[float, float]]) -> tuple[np.ndarray, np.ndarray]:
    low, high = np.array(limits, dtype=float).T[:, :, None]
    return low, high


def test_a_non_detect_far_above_everything_else_counts_as_missing() -> None:
    known = [(3, 3), (4, 4), (5, 5), (-INF, 3.5), (2.5, 2.5), (3.7, 3.7), (2.9, 2.9)]
    low, high = column([*known, (-INF, 60)])
    found = design_rows(low, high, DESIGN, [], 0.95)
    alone = design_rows(low[:7], high[:7], DESIGN[:7], [], 0.95)
    for name in NUMBERS:
        np.testing.assert_allclose(found[name], alone[name], rtol=1e-7, err_msg=name)
    assert found["df"].tolist() == [5]
    assert found["note"].tolist() == [f"{CERTAIN} 1"]
    # A limit among the values is evidence.
    near = design_rows(*column([*known, (-INF, 4)]), DESIGN, [], 0.95)
    assert near["df"].tolist() == [6]
    assert near["note"].tolist() == [""]


def test_what_is_certain_stays_where_nothing_else_is_left_to_compare_with() -> None:
    found = design_rows(*column([(3, 3), (4, 4), (5, 5), (3.5, 3.5), *[(-INF, 9)] * 4]), DESIGN, [], 0.95)
    assert found["note"].tolist() == [ONE_SIDED[1]]
    assert found["p_value"][0] > 0.999
    assert found["ci_high"][0] == INF
