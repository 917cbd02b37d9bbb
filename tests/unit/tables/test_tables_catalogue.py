"""The tables as their own catalogue: one definition each, every column explained, every table written somewhere."""

from __future__ import annotations

import pytest

from cytoshift.study.results_documentation import OUTPUTS
from cytoshift.tables import STATUS, TABLES


@pytest.mark.parametrize("name", sorted(TABLES))
def test_columns_are_unique_and_explained(name: str) -> None:
    names = TABLES[name].names()
    assert len(names) == len(set(names))
    assert [column.name for column in TABLES[name].columns if len(column.meaning.split()) < 1] == []


def test_every_table_is_the_content_of_a_file_and_every_file_names_a_known_one() -> None:
    written = {output.table for output in OUTPUTS if output.table}
    assert written == set(TABLES)


def test_every_status_column_allows_the_same_words() -> None:
    allowed = {
        column.allowed for table in TABLES.values() for column in table.columns if column.name.endswith("status")
    }
    assert allowed == {STATUS}


def test_a_wells_interval_has_the_columns_a_measurement_has() -> None:
    shared = {"value", "lower", "upper", "status", "unit", "signal", "beads", "dilution"}
    assert shared <= set(TABLES["wells"].names()) & set(TABLES["measurements"].names())
