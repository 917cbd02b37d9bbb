"""Numbers and texts as a reader sees them."""

import math

import pytest

from cytoshift.report.formats import (
    capital,
    difference,
    listing,
    number,
    numbers_words,
    p_equals,
    p_words,
    parse_numbers,
    percent,
    plain_text,
    plural,
)  # fmt: skip

NUMBERS = {
    0.72: "0.72", 0.0: "0.00", 9.994: "9.99", -3.2: "−3.20", 12.34: "12.3", 123.4: "123", 45678.9: "45,700",
    0.034: "0.034", 0.00001234: "1.2e−05", math.inf: "∞", -math.inf: "−∞", math.nan: "–",
}  # fmt: skip
P_VALUES = {
    0.5: "0.50", 0.1: "0.10", 0.0497: "0.0497", 0.012: "0.0120", 0.00123: "0.0012", 0.0001: "0.0001",
    2 / 1024: "0.0020", 0.04996: "0.04996", 0.050004: "0.050004", 0.05: "0.0500", 0.049999999: "0.049999999",
    0.09996: "0.10", 0.00996: "0.00996", 0.00995: "0.00995", 0.0099: "0.0099", 0.00009: "< 0.0001",
    0.0: "< 0.0001", 1.0: "1.00", math.nan: "–",
}  # fmt: skip


@pytest.mark.parametrize(("value", "words"), NUMBERS.items())
def test_numbers(value: float, words: str) -> None:
    assert number(value) == words


@pytest.mark.parametrize(("value", "words"), P_VALUES.items())
def test_p_values_never_round_across_a_threshold(value: float, words: str) -> None:
    assert p_words(value) == words


@pytest.mark.parametrize("p", [0.0499999, 0.05, 0.0500001, 0.02499, 0.025001, 0.00999999])
def test_a_printed_p_is_on_its_side_of_alpha(p: float) -> None:
    for alpha in (0.05, 0.025, 0.01):
        assert (float(p_words(p)) <= alpha) == (p <= alpha)


DIFFERENCES = {
    (-0.0058, -0.83, 0.81): "−0.01 (−0.83 to 0.81)", (-0.001, -0.5, 0.5): "0.00 (−0.50 to 0.50)",
    (12.34, 9.5, 15.1): "12.3 (9.5 to 15.1)", (1.0, -math.inf, 2.0): "1.00 (−∞ to 2.00)",
    (0.004, 0.001, 0.007): "0.004 (0.001 to 0.007)", (1.5, math.nan, math.nan): "1.50",
}  # fmt: skip


@pytest.mark.parametrize(("ends", "words"), DIFFERENCES.items())
def test_a_difference_and_its_interval_have_the_same_decimals(ends: tuple[float, float, float], words: str) -> None:
    assert difference(*ends) == words


def test_numbers_of_a_finding_are_rounded_for_a_reader() -> None:
    written = "share=0.857143; far=8; smallest_p=9.18495e-05; largest_cv=1.36188; values=10500 | 11900"
    assert numbers_words(written) == "share 0.86, far 8, smallest p < 0.0001, largest CV 1.36, values 10500 | 11900"


def test_a_greek_letter_is_not_made_large() -> None:
    assert capital("β-Endorphin fell") == "β-Endorphin fell"
    assert capital("inflammation") == "Inflammation"


def test_p_with_its_sign() -> None:
    assert p_equals(0.03) == "p = 0.0300"
    assert p_equals(0.00001, "q") == "q < 0.0001"


def test_words() -> None:
    assert percent(0.95) == "95\u00a0%"
    assert (plural(1, "index", "indices"), plural(2000, "index", "indices")) == ("1 index", "2,000 indices")
    assert listing(["a", "b", "c"]) == "a, b and c"
    assert listing(["a", "b", "c"], most=2) == "a, b and 1 more"
    assert listing([]) == ""
    assert parse_numbers("share=0.5; limit=0.4") == {"share": "0.5", "limit": "0.4"}
    assert parse_numbers("") == {}


def test_text_cannot_hide_characters_or_turn_its_surroundings_round() -> None:
    assert plain_text("two\nlines\x00\x1b[31m") == "two lines��[31m"
    assert plain_text("abc\u202ecba") == "\u2068abc\u202ecba\u2069"
    assert plain_text("IL-6 β é 素") == "IL-6 β é 素"
