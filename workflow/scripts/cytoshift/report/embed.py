"""Figures inside the page: SVG as data addresses, within a budget so that the page stays light."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from markupsafe import Markup

# With the text of the page this stays under 5 MB.
BUDGET_BYTES = 4_000_000
LARGEST_SVG = 400_000


@dataclass(frozen=True)
class Picture:
    """One figure; `source` is empty where the budget was spent, `file` then says where it is."""

    kind: str
    name: str
    source: Markup
    file: str


class Album:
    """The figures of a study, by kind and name; each is embedded once, in the order it is asked for."""

    def __init__(self, folders: Mapping[str, Path | str], budget: int = BUDGET_BYTES) -> None:
        """folders: of SVG (and PNG) files by kind of figure; budget: bytes of embedded text."""
        self._files = {kind: _svg_files(Path(folder)) for kind, folder in folders.items()}
        self._left = budget
        self._shown: set[tuple[str, str]] = set()

    def left_out(self) -> dict[str, int]:
        """How many figures of each kind are not on the page, where there are any."""
        return {kind: len(self.names(kind)) for kind in self._files if self.names(kind)}

    def names(self, kind: str) -> list[str]:
        """Names of the figures of a kind that have not been shown yet, as their files are called."""
        return [name for name in self._files.get(kind, {}) if (kind, name) not in self._shown]

    def take(self, kind: str, name: str) -> Picture | None:
        """A figure by its file's name; None where there is no such figure or it stands on the page already."""
        path = self._files.get(kind, {}).get(name)
        if path is None or (kind, name) in self._shown:
            return None
        self._shown.add((kind, name))
        source = _data_address(path)
        if len(source) > self._left:
            return Picture(kind, name, Markup(""), f"report/figures/{kind}/{path.name}")
        self._left -= len(source)
        return Picture(kind, name, source, "")

    def those(self, kind: str, names: Sequence[str], most: int = 12) -> list[Picture]:
        """The named figures of a kind that are not shown yet, in the order given, `most` at most."""
        there = set(self.names(kind))
        taken = (self.take(kind, name) for name in [name for name in names if name in there][:most])
        return [picture for picture in taken if picture is not None]

    def rest(self, kind: str, most: int = 12) -> list[Picture]:
        """The figures of a kind not shown yet, `most` at most."""
        taken = (self.take(kind, name) for name in self.names(kind)[:most])
        return [picture for picture in taken if picture is not None]


def _svg_files(folder: Path) -> dict[str, Path]:
    return {path.stem: path for path in sorted(folder.glob("*.svg"), key=_place)} if folder.is_dir() else {}


def _place(path: Path) -> tuple[str, int, str]:
    """`counts`, `counts-2`, …, `counts-10` in that order."""
    start, _, number = path.stem.rpartition("-")
    return (start, int(number), "") if start and number.isdigit() else (path.stem, 1, "")


def _data_address(path: Path) -> Markup:
    """The SVG, or its PNG where that is much smaller."""
    png = path.with_suffix(".png")
    kind, content = "svg+xml", path.read_bytes()
    if len(content) > LARGEST_SVG and png.is_file() and png.stat().st_size < len(content):
        kind, content = "png", png.read_bytes()
    # Base64 holds nothing that could end an attribute: the only text here that is trusted as it is.
    return Markup(f"data:image/{kind};base64,{base64.b64encode(content).decode('ascii')}")
