"""How does a figure become the same file everywhere: SVG and PNG without dates, versions or machine settings."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from hashlib import sha256
from io import StringIO
from pathlib import Path

from matplotlib.figure import Figure

from cytoshift.figures.theme import style

DPI = 200  # of what an SVG holds as pixels
PNG_DPI = 150  # the PNG is for slides; print uses the SVG
# Half the time of the usual level, for files of the same size.
PNG = {"compress_level": 3}
_COORDINATES = re.compile(r'<path d="[^"]*"|<use xlink:href="#\w+" x="[^"]*" y="[^"]*"')
_LONG = re.compile(r"(\d+\.\d\d)\d+")
_LEGAL = re.compile(r"[a-z0-9_.@-]+")


def safe_name(name: str) -> str:
    """A name that is a harmless file name everywhere.

    Ids pass unchanged ('@' becomes '_at_'); whatever else is in the name becomes '_' and a digest of the original
    keeps two such names apart. At most 100 characters, never starting with a dot.
    """
    plain = name.replace("@", "_at_")
    if _LEGAL.fullmatch(name) and len(plain) <= 100 and ".." not in name and not name.startswith("."):
        return plain
    digest = sha256(name.encode("utf-8", "surrogatepass")).hexdigest()[:8]
    return re.sub(r"[^a-z0-9_-]+", "_", plain.lower()).strip("_")[:80] + f"-{digest}"


def shorten_numbers(svg: str) -> str:
    """The SVG with path and marker coordinates to a hundredth of a point, about a third smaller.

    Only attributes directly after '<path' or '<use' are touched: '<' is escaped inside text, so no words can match.
    """
    return _COORDINATES.sub(lambda tag: _LONG.sub(r"\1", tag.group()), svg)


@style()
def svg_text(figure: Figure) -> str:
    """The figure as SVG, the same text wherever and whenever it is made."""
    drawn = StringIO()
    figure.savefig(drawn, format="svg", dpi=DPI, metadata={"Date": None, "Creator": None})
    return shorten_numbers(drawn.getvalue())


def save_figures(figures: Mapping[str, Figure] | Iterable[tuple[str, Figure]], folder: Path | str) -> list[str]:
    """Write each figure as <name>.svg and <name>.png, byte-stable, one at a time.

    figures: by name, or an iterator of (name, figure), which is drawn as it is written and then let go.
    Returns the names as used for files.
    Raises ValueError when two figures would share a file.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    written: list[str] = []
    pairs = figures.items() if isinstance(figures, Mapping) else figures
    for name, figure in pairs:
        file = safe_name(name)
        if file in written:
            raise ValueError(f"two figures are called {file!r}")
        with style():
            (folder / f"{file}.svg").write_text(svg_text(figure), encoding="utf-8", newline="\n")
            figure.savefig(folder / f"{file}.png", dpi=PNG_DPI, metadata={"Software": None}, pil_kwargs=PNG)
        written.append(file)
    return written
