"""What does each figure's caption say? The .rst captions of `snakemake --report`, as plain paragraphs."""

from __future__ import annotations

import re
from collections.abc import Mapping

# Order matters: literals before roles, roles before emphasis.
_MARKUP = (
    (re.compile(r"``(.+?)``"), r"\1"),
    (re.compile(r":[a-z-]+:`(.+?)`"), r"\1"),
    (re.compile(r"`([^`<]+?)\s*<[^`>]+>`__?"), r"\1"),
    (re.compile(r"`([^`]+?)`_{0,2}"), r"\1"),
    (re.compile(r"\*\*(.+?)\*\*"), r"\1"),
    (re.compile(r"(?<![\w*])\*(?!\s)(.+?)(?<!\s)\*(?![\w*])"), r"\1"),
    (re.compile(r"\\(.)"), r"\1"),
)
_TEMPLATE = re.compile(r"\{\{.*?\}\}|\{%.*?%\}", re.DOTALL)


def caption_paragraphs(rst: str) -> list[str]:
    """Paragraphs of a caption without its markup; titles, directives and template tags are left out."""
    paragraphs = []
    for block in re.split(r"\n\s*\n", _TEMPLATE.sub("", rst.replace("\r\n", "\n"))):
        lines = [line.strip() for line in block.splitlines() if line.strip()]
        if not lines or lines[0].startswith(".."):
            continue
        if len(lines) == 2 and re.fullmatch(r"([=\-~^\"#*+])\1{2,}", lines[1]):
            continue
        text = " ".join(re.sub(r"^[-*]\s+", "", line) for line in lines)
        for pattern, replacement in _MARKUP:
            text = pattern.sub(replacement, text)
        paragraphs.append(text)
    return paragraphs


def read_captions(captions: Mapping[str, str]) -> dict[str, list[str]]:
    """Paragraphs by kind of figure, from the text of each .rst file."""
    return {kind: caption_paragraphs(text) for kind, text in captions.items()}
