"""Figures inside the page, and what happens when there are too many."""

import base64
from pathlib import Path

from cytoshift.report.embed import Album


def folder_of(tmp_path: Path, names: list[str], size: int = 100) -> Path:
    for name in names:
        (tmp_path / f"{name}.svg").write_text("<svg>" + "x" * size + "</svg>")
    return tmp_path


def test_a_figure_is_embedded_once(tmp_path: Path) -> None:
    album = Album({"forest": folder_of(tmp_path, ["week_16"])})
    picture = album.take("forest", "week_16")
    assert picture is not None
    kind, _, content = picture.source.partition(",")
    assert kind == "data:image/svg+xml;base64"
    assert base64.b64decode(content).startswith(b"<svg>xx")
    assert album.take("forest", "week_16") is None
    assert album.take("volcano", "week_16") is None


def test_what_does_not_fit_is_named_instead(tmp_path: Path) -> None:
    album = Album({"slopes": folder_of(tmp_path, ["il6", "tnf"], 1000)}, budget=2000)
    first, second = album.take("slopes", "il6"), album.take("slopes", "tnf")
    assert first is not None
    assert first.source
    assert second is not None
    assert (second.source, second.file) == ("", "report/figures/slopes/tnf.svg")


def test_pages_of_a_kind_come_in_order_and_a_large_svg_as_its_png(tmp_path: Path) -> None:
    album = Album({"cells": folder_of(tmp_path, ["counts", "counts-10", "counts-2", "composition"])})
    assert [picture.name for picture in album.rest("cells", 3)] == ["composition", "counts", "counts-2"]
    assert album.names("cells") == ["counts-10"]
    folder_of(tmp_path, ["counts-10"], 500_000)
    (tmp_path / "counts-10.png").write_bytes(b"png")
    assert album.rest("cells")[0].source == "data:image/png;base64,cG5n"


def test_a_missing_folder_holds_no_figures(tmp_path: Path) -> None:
    assert Album({"forest": tmp_path / "none"}).rest("forest") == []
