"""Single guesses: patterns of headers, order of visits, units by size, quoting."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cytoshift.drafting.occasions import find_arms, find_visits
from cytoshift.drafting.patterns import find_affixes
from cytoshift.drafting.quoting import printable, quoted
from cytoshift.drafting.units import cell_unit, concentration_unit, guess_cell_unit
from cytoshift.study.yaml_text import read_yaml


@pytest.mark.parametrize(
    ("headers", "pattern", "names"),
    [
        (["IL-6 Calc. Conc", "GM-CSFCalc. Conc", "FOO Calc. Conc", "TNF Calc. Conc"], "{analyte} Calc. Conc",
         ["IL-6", "GM-CSF", "FOO", "TNF"]),
        (["IL_12p70_Conc_Mean", "IL6_Conc_Mean", "TNF_alpha_Conc_Mean"], "{analyte}_Conc_Mean",
         ["IL_12p70", "IL6", "TNF_alpha"]),
        (["IL-6 (pg/mL)"], "{analyte} (pg/mL)", ["IL-6"]),
        (["IL-12p70Calc. Conc. Mean (pg/mL)"], "{analyte}Calc. Conc. Mean (pg/mL)", ["IL-12p70"]),
        (["conc_IL6", "conc_TNF", "conc_zzz"], "conc_{analyte}", ["IL6", "TNF", "zzz"]),
        (["IL-6", "TNF-α", "age"], "{analyte}", ["IL-6", "TNF-α"]),
    ],
)  # fmt: skip
def test_the_pattern_that_headers_share_is_found(headers: list[str], pattern: str, names: list[str]) -> None:
    affix = find_affixes(headers, "cytokine")[0]
    assert affix.pattern("cytokine") == pattern
    assert list(affix.names.values()) == names


def test_the_last_gate_of_a_path_is_not_taken_for_the_population() -> None:
    assert find_affixes(["Singlets/Live/CD4+", "Singlets/Live/CD8+"], "cell") == []


@pytest.mark.parametrize(
    ("texts", "header", "ids"),
    [
        (["V10", "V2", "V1"], "Visit", ["v1", "v2", "v10"]),
        (["Week 16", "Baseline", "Week 4"], "Timepoint", ["baseline", "week_4", "week_16"]),
        (["post", "follow-up", "pre"], "phase", ["pre", "post", "follow_up"]),
        (["1.0", "0.0", "0.5"], "time", ["t_0", "t_0_5", "t_1"]),
        (["-6", "0", "13", "-3"], "week", ["week_minus_6", "week_minus_3", "week_0", "week_13"]),
        (["M6", "W4", "D1"], "visit", ["d1", "w4", "m6"]),
        (["Pre", "PRE ", "Post"], "visit", ["pre", "post"]),
        (["c", "a", "b"], "Visit", ["a", "b", "c"]),
    ],
)
def test_visits_come_in_their_natural_order(texts: list[str], header: str, ids: list[str]) -> None:
    visits = find_visits(texts, header).items
    assert [visit.id for visit in visits] == ids
    assert {form for visit in visits for form in visit.written} >= {text for text in texts if text.islower()}


def test_times_are_read_where_the_files_say_them() -> None:
    visits = find_visits(["Baseline", "Week 8", "Week 16"], "Visit")
    assert ([visit.time for visit in visits.items], visits.time_unit) == ([0, 8, 16], "week")
    assert find_visits(["V1", "V2"], "Visit").time_unit is None


@pytest.mark.parametrize(
    ("texts", "control"),
    [(["LDN", "Placebo"], "placebo"), (["case", "control"], "control"), (["rest", "P70"], "rest"), (["A", "B"], None)],
)
def test_the_control_is_known_by_its_name_only(texts: list[str], control: str | None) -> None:
    arms, place = find_arms(texts)
    assert (None if place is None else arms[place].id) == control


@pytest.mark.parametrize(
    ("text", "unit"),
    [("IL-6 (pg/ml)", "pg/mL"), ("CRP [mg/L]", "mg/L"), ("TNF_pg_ml", "pg/mL"), ("NPX", "NPX"), ("IL-6", None)],
)
def test_concentration_units_in_headers(text: str, unit: str | None) -> None:
    assert concentration_unit(text) == unit


@pytest.mark.parametrize(
    ("text", "unit"),
    [
        ("Neutrophils (10^9/L)", "10^9/L"),
        ("WBC x10^3/µL", "10^3/uL"),
        ("CD4 cells/mm3", "cells/uL"),
        ("Treg %", "%"),
        ("Neutrophils", None),
    ],
)
def test_cell_units_in_headers(text: str, unit: str | None) -> None:
    assert cell_unit(text) == unit


@pytest.mark.parametrize(
    ("medians", "unit"),
    [
        ({"neutrophils": 4.1, "lymphocytes": 2.0, "platelets": 250.0}, "10^9/L"),
        ({"neutrophils": 4100.0, "lymphocytes": 2000.0}, "cells/uL"),
        ({"neutrophils": 60.0, "lymphocytes": 30.0, "monocytes": 7.0, "eosinophils": 2.0}, "%"),
        ({"treg": 4.0, "th17": 1.5}, "%"),
        ({"treg": 0.04, "th17": 0.015}, "fraction"),
        ({"cd4_t_cells": 800.0}, "cells/uL"),
    ],
)
def test_cell_units_by_size(medians: dict[str, float], unit: str) -> None:
    numbers = {name: np.array([0.9, 1.0, 1.05]) * median for name, median in medians.items()}
    assert guess_cell_unit(numbers)[0] == unit


@given(st.text(st.characters(exclude_categories=["Cc", "Cs", "Zl", "Zp", "Cn"]), max_size=40))
def test_quoted_text_reads_back_as_it_was(text: str) -> None:
    assert str(read_yaml(f"key: {quoted(text)}\n").data["key"]) == text
    assert read_yaml(f"key: [{quoted(text)}, {{a: {quoted(text)}}}]\n").data["key"] == [text, {"a": text}]


@given(st.text(max_size=80))
def test_a_comment_never_ends_its_line(text: str) -> None:
    content = read_yaml(f"key: value   # {printable(text, 60)}\nother: 1\n")
    assert content.data == {"key": "value", "other": 1}
