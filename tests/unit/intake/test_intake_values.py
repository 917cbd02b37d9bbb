"""What the text of a cell means."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cytoshift.intake.values import find_decimal, parse_cells
from cytoshift.tables import STATUS

NAN, INF = math.nan, math.inf
READ_AS = {
    "12.5": ("observed", 12.5, 12.5, 12.5),
    " 1.5e-3 ": ("observed", 0.0015, 0.0015, 0.0015),
    "-0.5": ("observed", -0.5, -0.5, -0.5),
    "\u22120.5": ("observed", -0.5, -0.5, -0.5),  # typographic minus
    ".5": ("observed", 0.5, 0.5, 0.5),
    "<3.2": ("below", NAN, 0, 3.2),
    "< 3.2": ("below", NAN, 0, 3.2),
    "<\u00a03.2": ("below", NAN, 0, 3.2),
    "≤3.2": ("below", NAN, 0, 3.2),
    "<=3.2": ("below", NAN, 0, 3.2),
    ">1000": ("above", NAN, 1000, INF),
    "≥ 1e3": ("above", NAN, 1000, INF),
    "OOR <": ("below", NAN, 0, NAN),
    "OOR<": ("below", NAN, 0, NAN),
    "oor >": ("above", NAN, NAN, INF),
    "<LLOQ": ("below", NAN, 0, NAN),
    "*1.23": ("extrapolated", 1.23, 1.23, 1.23),
    **dict.fromkeys(["", " ", "***", "---", "NaN", "NA", "n.a.", "nd", "N/A", "-"], ("missing", NAN, NAN, NAN)),
}
WRONG = {
    "1O.5": "letter O stands where a digit belongs; write 10.5",
    "l2.5": "letter l stands where a digit belongs; write 12.5",
    "<1O": "letter O",
    "2,O4": "letter O stands where a digit belongs; write 2,04",
    "1,234": "may mean 1234 or 1.234",
    "1,234.5": "thousands separators",
    "1 234": "thousands separators",
    "1.2.3": "more than one decimal sign",
    "12 pg/mL": "a unit as well",
    "2024-01-05": "date",
    "OOR": "on which side",
    "high": "is not a number",
    "1e999": "exponent",
}


@pytest.mark.parametrize(("text", "expected"), READ_AS.items())
def test_a_cell_is_read_as_an_interval(text, expected):
    parsed = parse_cells([text])
    assert parsed.status[0] == expected[0]
    np.testing.assert_array_equal([parsed.value[0], parsed.lower[0], parsed.upper[0]], expected[1:])
    assert parsed.mistakes == {}
    assert parsed.open_limit[0] == (expected[0] in ("below", "above") and bool(np.isnan(expected[2] + expected[3])))


@pytest.mark.parametrize(("text", "advice"), WRONG.items())
def test_what_is_no_value_comes_with_advice(text, advice):
    parsed = parse_cells(["1.5", text])
    assert advice in parsed.mistakes[1]
    assert list(parsed.status) == ["observed", "missing"]


def test_a_logarithm_has_no_lower_end():
    assert parse_cells(["<1.2"], floor=-math.inf).lower[0] == -math.inf


DECIMALS = [
    (["1,5", "0,123", "1,234"], None, ","),  # 1,5 shows what the comma is
    (["1234,567"], None, ","),
    (["<0,5", "12"], None, ","),
    (["1,234", "5,678"], None, "."),  # may all be thousands
    (["1,5", "1.5"], None, "."),  # mixed: every comma is then a mistake
    (["1,234"], ",", ","),
    (["1.5", "2"], None, "."),
]


@pytest.mark.parametrize(("texts", "declared", "sign"), DECIMALS)
def test_a_comma_is_a_decimal_sign_only_where_it_cannot_mean_thousands(texts, declared, sign):
    assert find_decimal(texts, declared) == sign


def test_decimal_commas_are_read_and_full_stops_among_them_refused():
    parsed = parse_cells(["1,5", "<0,25", "1.234", "1.5"], ",")
    np.testing.assert_array_equal(parsed.value, [1.5, NAN, NAN, NAN])
    assert parsed.upper[1] == 0.25
    assert sorted(parsed.mistakes) == [2, 3]
    assert "has a decimal comma where" in parse_cells(["1,5", "1.5"], ".").mistakes[0]


def test_numbers_of_a_workbook_keep_their_full_stop_beside_text_with_commas():
    parsed = parse_cells(["1,5", "2.5"], ",", np.array([False, True]))
    np.testing.assert_array_equal(parsed.value, [1.5, 2.5])


@given(st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1), st.sampled_from([".", ","]))
def test_every_number_comes_back_exactly(numbers, sign):
    texts = [repr(number).replace(".", sign) for number in numbers]
    np.testing.assert_array_equal(parse_cells(texts, sign).value, numbers)


@given(st.lists(st.text(max_size=12)))
def test_any_text_is_a_legal_status_or_a_mistake(texts):
    parsed = parse_cells(texts)
    assert set(parsed.status) <= set(STATUS)
    assert all(parsed.status[place] == "missing" for place in parsed.mistakes)
    numeric = np.isin(parsed.status, ["observed", "extrapolated"])
    assert np.isfinite(parsed.value[numeric]).all()
    assert np.isnan(parsed.value[~numeric]).all()


@given(st.floats(min_value=0, exclude_min=True, max_value=1e12), st.sampled_from(["<", "< ", "≤", "<= "]))
def test_a_bound_written_in_the_cell_is_the_bound(limit, sign):
    parsed = parse_cells([f"{sign}{limit!r}"])
    assert (parsed.status[0], parsed.lower[0], parsed.upper[0]) == ("below", 0, limit)
