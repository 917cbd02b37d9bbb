"""Every kind of figure: legible, stamped, honest about what it cannot show, and deaf to hostile names."""

from __future__ import annotations

from xml.etree import ElementTree

import pandas as pd
import pytest

import figure_frames as frames
from cytoshift.figures.saving import svg_text
from cytoshift.figures.theme import SMALL
from cytoshift.frames import empty
from cytoshift.tables import TABLES
from figure_checks import drawn, overlaps_and_overflows, visible_texts, words

KINDS = (
    "forest", "volcano", "pvalues", "slopes", "trajectories", "heatmap", "missingness", "cells", "sample_map", "flow",
    "curves", "plate_map", "controls", "ranges",
)  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
def test_every_figure_says_simulated(demo, kind: str) -> None:
    figures = demo[2][kind]
    assert figures
    assert all("SIMULATED DATA" in words(figure) for figure in figures.values())


@pytest.mark.parametrize("kind", KINDS)
def test_figures_of_observed_data_name_their_condition_instead(ride, kind: str) -> None:
    for figure in ride[2][kind].values():
        assert "SIMULATED DATA" not in words(figure)
        assert "healthy men · one hour of cycling" in words(figure)


@pytest.mark.parametrize("study", ["demo", "ride"])
@pytest.mark.parametrize("kind", KINDS)
def test_nothing_overlaps_or_leaves_the_page(request: pytest.FixtureRequest, study: str, kind: str) -> None:
    for name, figure in request.getfixturevalue(study)[2][kind].items():
        assert (name, overlaps_and_overflows(figure)) == (name, [])


@pytest.mark.parametrize("kind", KINDS)
def test_text_is_legible_and_figures_fit_a_page(demo, kind: str) -> None:
    for figure in demo[2][kind].values():
        assert min(text.get_fontsize() for text in visible_texts(figure)) >= SMALL
        assert figure.get_size_inches()[0] <= 7.4


def test_files_stay_small(demo) -> None:
    limits = {"slopes": 40, "trajectories": 100, "sample_map": 100, "plate_map": 120}
    for kind in KINDS:
        for name, figure in demo[2][kind].items():
            assert len(svg_text(figure)) < 1000 * limits.get(kind, 80), (kind, name)


def test_a_study_with_nothing_in_it_gives_figures_that_say_so() -> None:
    study = frames.plan()
    t = {name: empty(table) for name, table in TABLES.items()}
    for kind, figures in drawn(study, t).items():
        assert figures, kind
        for figure in figures.values():
            assert any(text.startswith(("No ", "This study", "The study", "Too few")) for text in words(figure)), kind
            assert "SIMULATED DATA" in words(figure)


def hostile(t: dict[str, pd.DataFrame]) -> tuple[dict[str, pd.DataFrame], list[str]]:
    names = ["<script>alert(1)</script>", "=cmd|' /C calc'!A0", "$\\frac{1}{0", "a_b^{c}$", "\x07\u202e因子", "W" * 400]
    renamed = {key: table.copy() for key, table in t.items()}
    features = list(dict.fromkeys(t["shifts"]["feature"]))[: len(names)]
    for key in ("shifts", "panel", "values"):
        labels = dict(zip(features, names, strict=True))
        renamed[key]["label"] = renamed[key]["feature"].map(labels).fillna(renamed[key]["label"])
    for key in ("samples", "pairs", "sample_map"):
        renamed[key]["subject"] = renamed[key]["subject"].replace({"L01": names[0], "L02": names[2], "L03": names[5]})
    renamed["pairs"]["reason"] = renamed["pairs"]["reason"].replace({"no target": names[0] + names[2]})
    renamed["sample_map"]["plate"] = renamed["sample_map"]["plate"].replace({"plate1": names[0], "plate2": names[5]})
    renamed["shifts"]["note"] = renamed["shifts"]["note"].replace(
        {"no value above the limit at either visit": names[2] * 9}
    )
    return renamed, names


def test_hostile_names_are_drawn_as_they_are_written(demo) -> None:
    study = frames.plan(
        arms=[{"id": "placebo", "control": True, "label": "<img src=x onerror=1>"}, {"id": "ldn", "label": "$x_1$"}],
        disease="</text><script>1</script>", intervention="=1+1",
    )  # fmt: skip
    t, names = hostile(demo[1])
    seen = ""
    for figures in drawn(study, t, slopes_limit=6).values():
        for figure in figures.values():
            root = ElementTree.fromstring(svg_text(figure))
            assert not [node.tag for node in root.iter() if node.tag.endswith(("script", "foreignObject"))]
            assert all(not key.lower().startswith("on") for node in root.iter() for key in node.attrib)
            seen += "\n".join(root.itertext())
    for literal in [*names[:4], "<img src=x", "$x_1$", "</text><script>1</script>"]:
        assert literal in seen
    assert "\x07" not in seen and "\u202e" not in seen and "W" * 100 not in seen
