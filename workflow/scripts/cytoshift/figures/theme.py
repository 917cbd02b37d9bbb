"""What does every figure have in common: colours, sizes, fonts, and text that can only ever be text."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.colors import to_hex, to_rgb
from matplotlib.font_manager import FontProperties
from matplotlib.ft2font import FT2Font
from matplotlib.textpath import TextToPath

SINGLE, DOUBLE = 3.35, 7.0  # inches: one and two columns of a journal page
TITLE, LABEL, SMALL = 9.0, 8.0, 7.0  # points

# Okabe and Ito's palette, which the common forms of colour blindness keep apart; yellow is too light for lines.
BLUE, VERMILLION, GREEN, PURPLE = "#0072B2", "#D55E00", "#009E73", "#CC79A7"
ORANGE, SKY, BLACK = "#E69F00", "#56B4E9", "#000000"
INK, GREY, LIGHT, PALE = "#222222", "#666666", "#B5B5B5", "#EDEDED"
CYCLE = (BLUE, VERMILLION, GREEN, PURPLE, ORANGE, SKY, "#7A4D9F", "#8C6D1F")
MARKERS = ("o", "s", "D", "^", "P", "X", "v", "*")

# The order in which groups are shown, and the colour each keeps on every figure.
ROLES = {
    "pro_inflammatory": ("Pro-inflammatory", VERMILLION),
    "anti_inflammatory": ("Anti-inflammatory", BLUE),
    "th1": ("Th1", "#A63D00"),
    "th2": ("Th2", "#004D7A"),
    "th17": ("Th17", "#B8860B"),
    "treg": ("Treg", "#3C8DBC"),
    "chemokine": ("Chemokines", ORANGE),
    "growth_factor": ("Growth factors", GREEN),
    "acute_phase": ("Acute phase", PURPLE),
    "opioid_peptide": ("Opioid peptides", "#7A4D9F"),
    "soluble_receptor": ("Soluble receptors", "#8C6D1F"),
    "cytokine": ("Other markers", GREY),
    "cell": ("Cells", "#3D3D3D"),
    "index": ("Indices", SKY),
    "outcome": ("Clinical scores", BLACK),
}
STATUS_COLOURS = {
    "observed": ("observed", "#E3E8EC"),
    "extrapolated": ("extrapolated", SKY),
    "below": ("below the limit", BLUE),
    "above": ("above the limit", VERMILLION),
    "missing": ("missing", "#444444"),
    "excluded": ("excluded", ORANGE),
}


@contextmanager
def style() -> Iterator[None]:
    """Matplotlib's defaults plus the house style, whatever the user's own settings are; also usable as a decorator.

    Names from data files are drawn literally (`text.parse_math`), SVG text stays text in DejaVu Sans with the
    reader's own sans-serif behind it (small files, searchable, no wider in the common fallbacks), ids are fixed.
    """
    with mpl.rc_context():
        # Checked once, then copied: every figure enters here several times.
        dict.update(mpl.rcParams, _settings())  # type: ignore[misc]
        yield


@lru_cache(maxsize=1)
def _settings() -> dict[str, Any]:
    """Matplotlib's settings under the house style; which window system draws is not one of them."""
    with mpl.rc_context():
        mpl.rcdefaults()
        mpl.rcParams.update(
            {
                "text.parse_math": False,
                "text.hinting": "no_hinting",  # so that a text is as wide as measured, at every resolution
                "axes.formatter.use_mathtext": False,
                "font.family": "sans-serif",
                "font.sans-serif": ["DejaVu Sans"],
                "font.size": SMALL,
                "axes.labelsize": LABEL,
                "axes.titlesize": LABEL,
                "xtick.labelsize": SMALL,
                "ytick.labelsize": SMALL,
                "axes.spines.top": False,
                "axes.spines.right": False,
                "axes.edgecolor": GREY,
                "axes.labelcolor": INK,
                "axes.linewidth": 0.7,
                "axes.unicode_minus": True,
                "text.color": INK,
                "xtick.color": GREY,
                "ytick.color": GREY,
                "xtick.labelcolor": INK,
                "ytick.labelcolor": INK,
                "xtick.major.width": 0.7,
                "ytick.major.width": 0.7,
                "xtick.major.size": 2.5,
                "ytick.major.size": 2.5,
                "hatch.linewidth": 0.5,
                "hatch.color": LIGHT,
                "svg.fonttype": "none",
                "svg.hashsalt": "cytoshift",
                "path.simplify": False,
            }
        )
        return {name: value for name, value in dict.items(mpl.rcParams.copy()) if not name.startswith("backend")}


@lru_cache(maxsize=1)
def _drawable() -> frozenset[int]:
    """Characters that both weights in use can draw."""
    folder = Path(mpl.get_data_path()) / "fonts" / "ttf"
    maps = [set(FT2Font(folder / name).get_charmap()) for name in ("DejaVuSans.ttf", "DejaVuSans-Bold.ttf")]
    return frozenset(maps[0] & maps[1])


def clean(text: object, longest: int = 120) -> str:
    """Text from data made fit to draw: one line, no control characters, unknown glyphs as '�', cut with '…'."""
    line = " ".join(str(text).split())
    kept = (char for char in line if not unicodedata.category(char).startswith("C"))
    drawn = "".join(char if ord(char) in _drawable() else "\N{REPLACEMENT CHARACTER}" for char in kept)
    return drawn if len(drawn) <= longest else drawn[: longest - 1].rstrip() + "…"


@lru_cache(maxsize=8)
def _font(size: float, bold: bool) -> FontProperties:
    # By file name, so that measuring does not depend on the fonts of the machine.
    name = "DejaVuSans-Bold.ttf" if bold else "DejaVuSans.ttf"
    return FontProperties(fname=str(Path(mpl.get_data_path()) / "fonts" / "ttf" / name), size=size)


@lru_cache(maxsize=8192)
def text_width(text: str, size: float = SMALL, bold: bool = False) -> float:
    """Width of one line of text in inches, `size` in points."""
    width, _, _ = TextToPath().get_text_width_height_descent(text, _font(size, bold), ismath=False)
    return float(width) / 72


def fit(text: object, inches: float, size: float = SMALL, bold: bool = False) -> str:
    """Cleaned text, shortened with '…' until it is no wider than `inches`."""
    line = clean(text)
    if text_width(line, size, bold) <= inches:
        return line
    keep = len(line)
    while keep > 1 and text_width(line[:keep].rstrip() + "…", size, bold) > inches:
        keep -= 1
    return line[:keep].rstrip() + "…"


def wrap(text: object, inches: float, size: float = SMALL, bold: bool = False, lines: int = 4) -> list[str]:
    """Cleaned text as at most `lines` lines no wider than `inches`; what does not fit ends in '…'."""
    words, wrapped = clean(text, 1000).split(" "), [""]
    for position, word in enumerate(words):
        longer = f"{wrapped[-1]} {word}".strip()
        if text_width(longer, size, bold) <= inches or not wrapped[-1]:
            wrapped[-1] = longer
        elif len(wrapped) < lines:
            wrapped.append(word)
        else:
            wrapped[-1] = " ".join([wrapped[-1], *words[position:]])
            break
    return [fit_long(line, inches, size, bold) for line in wrapped]


def fit_long(line: str, inches: float, size: float, bold: bool) -> str:
    """A line already cleaned, shortened only where it is too wide."""
    return line if text_width(line, size, bold) <= inches else fit(line, inches, size, bold)


def ink(colour: str) -> str:
    """A darker shade of a colour, dark enough to write with."""
    red, green, blue = to_rgb(colour)
    share = min(1.0, 0.42 / max(0.299 * red + 0.587 * green + 0.114 * blue, 1e-9))
    return to_hex((red * share, green * share, blue * share))


def role_of(layer: str, roles: str) -> str:
    """The one role a feature is grouped by: its layer for cells, indices and scores, else its first role in ROLES."""
    if layer in ("cell", "index", "outcome"):
        return layer
    held = [role.strip() for role in roles.split(",")]
    return next((role for role in ROLES if role in held), "cytokine")


def cycle(items: Sequence[str], muted: Sequence[str] = ()) -> dict[str, tuple[str, str]]:
    """Colour and marker for each item, in order; items in `muted` (a control arm) are grey with a circle.

    Markers differ as well as colours, so that a figure survives a black-and-white printer.
    """
    chosen, rest = {}, 0
    for item in items:
        if item in muted:
            chosen[item] = (GREY, "o")
        else:
            chosen[item] = (CYCLE[rest % len(CYCLE)], MARKERS[(rest + bool(muted)) % len(MARKERS)])
            rest += 1
    return chosen
