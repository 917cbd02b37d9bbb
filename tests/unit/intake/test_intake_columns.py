"""Columns as labs name them, against patterns as a person writes them."""

import pytest

from cytoshift.intake.columns import align, find_column, wide_columns
from cytoshift.intake.names import NameBook
from cytoshift.intake.tabular import read_grid
from cytoshift.study.problem import Problems


def _grid(header):
    line = ",".join(f'"{name}"' for name in header)
    return read_grid("t.csv", content=f"{line}\n{','.join('1' * len(header))}\n".encode())


def test_whitespace_matters_nowhere_in_a_pattern():
    header = ["GM-CSFCalc. Concentration (pg/mL)", "IL-8  Calc. Concentration (pg/mL)", "IL-8 calc. concentration"]
    found = wide_columns(_grid(header), "{analyte} Calc. Concentration (pg/mL)", (), "value")
    assert [column.feature for column in found] == ["GM-CSF", "IL-8"]


def test_a_bare_pattern_leaves_named_columns_alone():
    found = wide_columns(_grid(["sample", "age", "IL-6"]), "{analyte}", ["sample", "age"], "value")
    assert [column.feature for column in found] == ["IL-6"]


def test_companions_are_found_under_another_spelling():
    header = ["VGEF Conc", "VEGF CV", "IL-17A Conc", "IL-17 A CV", "odd one Conc", "Odd-one CV", "IL-8 Conc"]
    grid = _grid(header)
    values = wide_columns(grid, "{analyte} Conc", (), "value")
    names = NameBook([])
    found = align(grid, "{analyte} CV", values, lambda name: names.companion_key(name, "cytokine"), "cv")
    assert found == ["VEGF CV", "IL-17 A CV", "Odd-one CV", None]


@pytest.mark.parametrize(
    ("named", "message"),
    [
        ("Sampel", r"column 'Sampel' is missing; the header has 'Sample', 'IL-6 Conc'; did you mean 'Sample'\?"),
        ("{analyte} conc", "no column matches .* 'IL-6 Conc' differs in upper and lower case"),
    ],
)
def test_a_missing_column_shows_what_there_is(named, message):
    grid = _grid(["Sample", "IL-6 Conc"])
    with pytest.raises(Problems, match=message):
        wide_columns(grid, named, (), "value") if "{" in named else find_column(grid, named, "sample")
