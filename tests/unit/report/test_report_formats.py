"""Numbers and texts as a reader sees them."""

import math

import pytest

from cytoshift.report.formats import listing, number, p_equals, p_words, parse_numbers, percent, plain_text, plural

NUMBERS = {
    0.72: "0.72", 0.0: "0.00", 9.994: "9.99", -3.2: "−3.20", 12.34: "12.3", 123.4: "123", 45678.9: "45,700",
    0.034: "0.034", 0.00001234: "1.2e−05", math.inf: "∞", -math.inf: "−∞", math.nan: "–",
}  # fmt: skip
P_VALUES = {
    0.5: "0.50", 0.1: "0.10", 0.0497: "0.0497", 0.012: "0.0120", 0.00123: "0.0012", 0.0001: "0.0001",
    0.00009: "< 0.0001", 0.0: "< 0.0001", 1.0: "1.00", math.nan: "–",
}  # fmt: skip


@pytest.mark.parametrize(("value", "words"), NUMBERS.items())
def test_numbers(value: float, words: str) -> None:
    assert number(value) == words


@pytest.mark.parametrize(("value", "words"), P_VALUES.items())
def test_p_values_never_round_across_a_threshold(value: float, words: str) -> None:
    assert p_words(value) == words


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
