"""Rows that say the same sample and feature twice."""

import numpy as np
import pytest

from cytoshift.quality.duplicates import settle_duplicates
from cytoshift.study.problem import Problems
from quality_tables import checks, exercise, make_cells, make_measurements, make_rows, numbers_of
from shared_data import requires_shared

COLUMNS = ("sample", "analyte", "value", "plate", "well")
CONFLICT = [("s1", "il6", 2.0), ("s1", "il6", 4.0), ("s2", "il6", 3.0), ("s2", "il6", 3.0)]


def settled(rows, rule="error", columns=("sample", "analyte", "value")):
    return settle_duplicates(make_rows(make_measurements(rows, columns)), rule)


def test_distinct_wells_are_replicates_not_duplicates():
    result = settled([("s1", "il6", 2.0, "p1", "A1"), ("s1", "il6", 4.0, "p1", "A2")], columns=COLUMNS)
    assert len(result.rows) == 2
    assert result.findings == []


@pytest.mark.parametrize("well", ["", "A1"])
def test_the_same_well_or_none_is_a_duplicate(well):
    with pytest.raises(Problems, match=r"conflicting values of 'il6': 2 and 4"):
        settled([("s1", "il6", 2.0, "p1", well), ("s1", "il6", 4.0, "p1", well)], columns=COLUMNS)


def test_a_bridge_sample_on_two_plates_is_no_duplicate():
    assert len(settled([("b", "il6", 2.0, "p1", ""), ("b", "il6", 4.0, "p2", "")], columns=COLUMNS).rows) == 2


def test_identical_copies_are_counted_and_one_is_kept():
    result = settled([("s1", "il6", 3.0)] * 3)
    assert result.rows["value"].tolist() == [3.0]
    assert numbers_of(result.findings[0]) == {"surplus_rows": "2", "conflicting": "0", "samples": "1"}


@pytest.mark.parametrize(("rule", "value", "status"), [
    ("drop", np.nan, "missing"), ("mean", np.sqrt(8.0), "observed"),
    ("first", 2.0, "observed"), ("last", 4.0, "observed"),
])  # fmt: skip
def test_a_conflict_follows_the_plan(rule, value, status):
    result = settled(CONFLICT, rule)
    row = result.rows[result.rows["sample"] == "s1"].iloc[0]
    assert row["value"] == pytest.approx(value, nan_ok=True)
    assert (row["status"], row["excluded"]) == (status, rule == "drop")
    conflict = next(f for f in result.findings if f["check"] == "duplicate_conflict")
    assert (conflict["sample"], conflict["feature"]) == ("s1", "il6")
    assert numbers_of(conflict)["values"] == "2 | 4"


@pytest.mark.parametrize(("unit", "mean"), [("pg/mL", 10.0), ("NPX", 50.5)])
def test_conflicting_amounts_are_averaged_as_logarithms_and_logarithms_as_they_are(unit, mean):
    rows = make_rows(make_measurements([("s1", "il6", 1.0), ("s1", "il6", 100.0)], unit=unit))
    assert settle_duplicates(rows, "mean").rows["value"].tolist() == pytest.approx([mean])


def test_the_mean_of_counts_is_geometric_and_that_of_fractions_is_not():
    rows = [("s1", "nk_cells", 100.0), ("s1", "nk_cells", 400.0), ("s2", "nk_cells", 0.0), ("s2", "nk_cells", 9.0)]
    counts = make_cells(rows)
    assert settle_duplicates(make_rows(cells=counts), "mean").rows["value"].tolist() == pytest.approx([200.0, 0.0])
    rows = [("s1", "nk_cells", 0.0), ("s1", "nk_cells", 0.2)]
    fractions = make_cells(rows, measure="fraction_of_parent", unit="fraction")
    assert settle_duplicates(make_rows(cells=fractions), "mean").rows["value"].tolist() == pytest.approx([0.1])


def test_error_lists_every_conflict_with_its_rows_and_the_way_out():
    with pytest.raises(Problems) as raised:
        settled([*CONFLICT, ("s3", "tnf", "<1"), ("s3", "tnf", 5.0)])
    lines = str(raised.value).splitlines()
    assert len(lines) == 2
    assert lines[0].startswith("plate.csv: row 2 and 3: sample 's1'")
    assert "below 1 and 5" in lines[1]
    assert all("duplicates:" in line for line in lines)


def test_a_blank_beside_a_value_is_no_conflict():
    result = settled([("s1", "il6", None), ("s1", "il6", 4.0)])
    assert result.rows["value"].tolist() == [4.0]


def test_the_mean_with_a_non_detect_stays_an_interval():
    row = settled([("s1", "il6", "<2"), ("s1", "il6", 4.0)], "mean").rows.iloc[0]
    assert (row["status"], row["lower"], row["upper"]) == ("below", 0.0, pytest.approx(np.sqrt(8.0)))
    row = settled([("s1", "il6", "<2"), ("s1", "il6", ">400")], "mean").rows.iloc[0]
    assert row["status"] == "missing"


@requires_shared
def test_exercise_has_four_samples_entered_twice():
    _, cytokines, cells = exercise()
    with pytest.raises(Problems) as raised:
        settle_duplicates(make_rows(cytokines, cells), "error")
    assert len(raised.value.problems) == 23
    result = settle_duplicates(make_rows(cytokines, cells), "drop")
    assert numbers_of(result.findings[0]) == {"surplus_rows": "28", "conflicting": "23", "samples": "4"}
    conflicts = [f for f in result.findings if f["check"] == "duplicate_conflict"]
    assert {f["sample"] for f in conflicts} == {"5|h0_5|P2", "6|h0_5|P5", "14|h1|P3", "14|h24|P4"}
    platelets = next(f for f in conflicts if (f["sample"], f["feature"]) == ("5|h0_5|P2", "platelets"))
    assert numbers_of(platelets)["values"] == "414000 | 367000"
    assert checks(result.findings).count("duplicate_conflict") == 23
