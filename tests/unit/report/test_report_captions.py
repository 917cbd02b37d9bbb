"""The shipped captions, as the page shows them."""

from pathlib import Path

import pytest

from cytoshift.report.captions import caption_paragraphs

CAPTIONS = sorted((Path(__file__).resolve().parents[3] / "workflow" / "report").glob("*.rst"))


@pytest.mark.parametrize("path", CAPTIONS, ids=[path.stem for path in CAPTIONS])
def test_shipped_captions_are_paragraphs_without_markup(path: Path) -> None:
    paragraphs = caption_paragraphs(path.read_text(encoding="utf-8"))
    assert paragraphs
    for paragraph in paragraphs:
        assert not any(mark in paragraph for mark in ("**", "``", "{{", "`_", ".. "))
        assert "\n" not in paragraph


def test_markup_is_dropped_and_words_stay() -> None:
    rst = (
        "Title\n=====\n\n**Read** it *so*: ``p`` is 2 * 3 * 4, see `here <https://example.org>`__.\n\n"
        ".. note:: no\n\n- one\n"
    )
    assert caption_paragraphs(rst) == ["Read it so: p is 2 * 3 * 4, see here.", "one"]
    assert caption_paragraphs("{{ snakemake.wildcards.study }} only") == ["only"]
    assert caption_paragraphs("") == []
