"""Controls and reference samples across plates."""

import numpy as np
import pandas as pd
import pytest

from cytoshift.frames import conform, empty
from cytoshift.quality.controls import review_controls
from cytoshift.tables import CONCENTRATIONS, CONTROLS, CURVES, WELLS
from quality_tables import make_measurements, make_samples, numbers_of

ANALYTES = 12


def levels(plates=6, controls=2, seed=1):
    """log2 levels (controls, plates, analytes) with a plate's own error and noise."""
    generator = np.random.default_rng(seed)
    shared = generator.normal(0, 0.08, (1, plates, 1))
    return 7 + shared + generator.normal(0, 0.1, (controls, plates, ANALYTES)) + np.arange(ANALYTES)


def bridges(numbers):
    """The levels as reference samples in a plain table, in two wells each; and their sample sheet."""
    rows = [
        (f"C{c}", f"a{a:02d}", 2 ** numbers[c, p, a], f"p{p + 1}", f"{row}{c + 1}")
        for c in range(numbers.shape[0])
        for p in range(numbers.shape[1])
        for a in range(ANALYTES)
        for row in "AB"
    ]
    measured = make_measurements(rows, ("sample", "analyte", "value", "plate", "well"))
    sheet = make_samples([(f"C{c}", "", "", "", "bridge") for c in range(numbers.shape[0])], SHEET)
    return measured, sheet


SHEET = ("sample", "subject", "visit", "arm", "type")


def run(measured, sheet, order=None, undated=()):
    runs = {("msd", plate): place for place, plate in enumerate(order or sorted(measured["plate"].unique()), start=1)}
    return review_controls(measured, empty(CONCENTRATIONS), empty(CURVES), empty(WELLS), sheet, runs, undated)


def test_controls_that_agree_are_no_finding():
    table, found = run(*bridges(levels()))
    assert found == []
    assert len(table) == 2 * 6 * ANALYTES
    assert set(table["wells"]) == {2}
    pd.testing.assert_frame_equal(table, conform(table, CONTROLS))
    centre = table.groupby(["control", "analyte"])["value"].transform("mean")
    np.testing.assert_allclose(table["centre"], centre)


def test_a_plate_that_reads_high_is_found():
    numbers = levels()
    numbers[:, 3] += 1.2
    table, found = run(*bridges(numbers))
    assert [(one["check"], one["plate"]) for one in found] == [("control_out_of_control", "p4")]
    assert float(numbers_of(found[0])["largest_z"]) > 3
    assert float(numbers_of(found[0])["log2_shift"]) == pytest.approx(1.2, abs=0.3)
    out = table[table["rules"].str.contains("1-3s")]
    assert set(out["plate"]) == {"p4"}


def test_one_analyte_that_goes_its_own_way_is_found_alone():
    numbers = levels(plates=10)
    numbers[1, 4, 7] += 2.0
    _, found = run(*bridges(numbers))
    assert [(one["check"], one["feature"], one["plate"]) for one in found] == [("control_analyte_off", "a07", "p5")]


def test_two_plates_cannot_be_judged_and_that_is_said():
    table, found = run(*bridges(levels(plates=2)))
    assert [one["check"] for one in found] == ["controls_not_assessable"]
    assert table["z"].isna().all()
    assert table["centre"].notna().all()


def test_one_plate_has_points_only():
    table, found = run(*bridges(levels(plates=1)))
    assert found == []
    assert table["value"].notna().all()


def test_the_order_of_runs_decides_what_follows_what():
    numbers = np.zeros((1, 9, ANALYTES))
    numbers[0, [1, 6], 0] = 0.6
    measured, sheet = bridges(numbers)
    apart = run(measured, sheet)[0]
    together = run(measured, sheet, order=["p1", "p2", "p7", "p3", "p4", "p5", "p6", "p8", "p9"])[0]
    assert apart[apart["rules"] != ""].set_index("plate")["rules"].to_dict() == {"p2": "1-2s", "p7": "1-2s"}
    assert together[together["rules"] != ""].set_index("plate")["rules"].to_dict() == {"p2": "1-2s", "p7": "1-2s,2-2s"}


def test_rules_on_successive_plates_need_run_dates():
    numbers = np.zeros((1, 9, ANALYTES))
    numbers[0, [1, 2], 0] = 0.6
    measured, sheet = bridges(numbers)
    assert run(measured, sheet)[0]["rules"].str.contains("2-2s").any()
    table, found = run(measured, sheet, undated=["msd"])
    assert set(table.loc[table["rules"] != "", "rules"]) == {"1-2s"}
    note = next(one for one in found if one["check"] == "run_order_unknown")
    assert note["severity"] == "note"
    assert "in the order of the files and the rules on successive plates (2-2s, 4-1s, 10-x) are not" in note["message"]
    numbers = levels()
    numbers[:, 3] += 1.2
    _, found = run(*bridges(numbers), undated=["msd"])
    assert [one["check"] for one in found] == ["control_out_of_control", "run_order_unknown"]


def kit(chosen):
    """Control wells of an instrument's file that the refit and the instrument read differently."""
    rows = [
        {"source": "lx", "plate": f"p{p}", "analyte": f"a{a}", "well": well, "type": "control", "level": "C1",
         "written": "Control 1", "signal": 1000.0 + p, "expected": 64.0, "unit": "pg/mL", "value": 32.0}
        for p in range(3)
        for a in range(5)
        for well in ("A1", "A2")
    ]  # fmt: skip
    wells = pd.DataFrame(rows)
    read = wells.drop(columns=["expected", "value", "unit"]).assign(concentration=128.0, instrument=32.0)
    curves = wells.drop_duplicates(["plate", "analyte"])[["source", "plate", "analyte"]].assign(concentration=chosen)
    return conform(wells, WELLS), conform(read, CONCENTRATIONS), conform(curves, CURVES)


@pytest.mark.parametrize(
    ("chosen", "value"), [("refit", 7.0), ("instrument", 5.0), ("signal", np.log2(1000.0))], ids=str
)
def test_kit_controls_are_read_as_the_panel_is(chosen, value):
    wells, read, curves = kit(chosen)
    nobody = make_samples([("s1", "s1", "v1", "", "sample")], SHEET)
    runs = {("lx", f"p{p}"): p + 1 for p in range(3)}
    table, _ = review_controls(make_measurements([("s1", "a1", 2.0)]), read, curves, wells, nobody, runs)
    first = table[table["run"] == 1]
    assert first["value"].tolist() == pytest.approx([value] * 5)
    assert set(table["control"]) == {"C1"}
    assert set(table["expected"]) == {6.0}


def test_non_detects_and_excluded_wells_are_no_points():
    measured, sheet = bridges(levels())
    first = (measured["sample"] == "C0") & (measured["plate"] == "p1") & (measured["analyte"] == "a00")
    measured.loc[first, "value"], measured.loc[first, "status"] = np.nan, "below"
    second = (measured["plate"] == "p2") & (measured["analyte"] == "a01") & (measured["well"].str[0] == "A")
    measured.loc[second, "value"], measured.loc[second, "excluded"] = 1e9, True
    table, found = run(measured, sheet)
    assert found == []
    of = table.set_index(["control", "analyte", "plate"])
    assert np.isnan(of.loc[("C0", "a00", "p1"), "value"])
    assert of.loc[("C0", "a01", "p2"), "wells"] == 1


def test_a_study_without_controls_has_an_empty_table():
    table, found = run(make_measurements([("s1", "il6", 2.0, "p1")], ("sample", "analyte", "value", "plate")),
                       make_samples([("s1", "s1", "v1", "", "sample")], SHEET))  # fmt: skip
    assert (len(table), found) == (0, [])
