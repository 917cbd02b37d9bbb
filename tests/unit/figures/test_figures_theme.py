"""Text from data is only ever text; groups keep their order and colours."""

from __future__ import annotations

import matplotlib as mpl
import pytest

from cytoshift.figures import theme

CLEANED = {
    "an ordinary label": ("TNF-α", "TNF-α"),
    "line breaks and tabs": ("IL-6\n(serum)\t1", "IL-6 (serum) 1"),
    "control characters": ("IL\x00-\x1b[31m6\x7f", "IL-[31m6"),
    "text direction overrides": ("\u202eIL-6\u2066", "IL-6"),
    "glyphs the font lacks": ("因子 1", "\ufffd\ufffd 1"),
    "mathematics stays as written": (r"$\frac{1}{2}$_x^2", r"$\frac{1}{2}$_x^2"),
}


@pytest.mark.parametrize(("written", "drawn"), CLEANED.values(), ids=CLEANED)
def test_text_is_made_fit_to_draw(written: str, drawn: str) -> None:
    assert theme.clean(written) == drawn


def test_long_text_is_cut_with_an_ellipsis_and_fits() -> None:
    assert theme.clean("x" * 500, longest=10) == "x" * 9 + "…"
    cut = theme.fit("a very long name of a marker " * 9, 1.0)
    assert cut.endswith("…")
    assert theme.text_width(cut) <= 1.0


def test_wrapped_lines_fit_and_lose_no_word_when_there_is_room() -> None:
    lines = theme.wrap("one two three four five six seven", 0.8, lines=9)
    assert " ".join(lines) == "one two three four five six seven"
    assert len(lines) > 1
    assert all(theme.text_width(line) <= 0.8 for line in lines)
    assert theme.wrap("one two three four five six seven", 0.8, lines=1)[0].endswith("…")


def test_style_ignores_the_users_settings_and_gives_them_back() -> None:
    with mpl.rc_context({"font.size": 31, "axes.grid": True}):
        with theme.style():
            assert mpl.rcParams["font.size"] == theme.SMALL
            assert not mpl.rcParams["axes.grid"]
            assert not mpl.rcParams["text.parse_math"]
        assert mpl.rcParams["font.size"] == 31


@pytest.mark.parametrize(
    ("layer", "roles", "role"),
    [
        ("cytokine", "th17,pro_inflammatory", "pro_inflammatory"),
        ("cytokine", "", "cytokine"),
        ("cytokine", "a_role_of_tomorrow", "cytokine"),
        ("cell", "pro_inflammatory", "cell"),
        ("index", "", "index"),
    ],
)
def test_a_feature_belongs_to_one_group(layer: str, roles: str, role: str) -> None:
    assert theme.role_of(layer, roles) == role


def test_arms_differ_in_colour_and_marker_and_the_control_is_grey() -> None:
    looks = theme.cycle(["placebo", "a", "b", "c"], muted=["placebo"])
    assert looks["placebo"][0] == theme.GREY
    assert len({colour for colour, _ in looks.values()}) == len({marker for _, marker in looks.values()}) == 4


def test_role_colours_can_be_written_with() -> None:
    for _, colour in theme.ROLES.values():
        red, green, blue = (int(theme.ink(colour)[i : i + 2], 16) / 255 for i in (1, 3, 5))
        assert 0.299 * red + 0.587 * green + 0.114 * blue < 0.45
