"""All checks of plates on simulated plates: quiet where nothing is wrong, and each defect found."""

from functools import cache

import numpy as np
import pandas as pd
import pytest

from cytoshift.frames import conform, empty
from cytoshift.quality.plate_checks import curve_shifts, find_few_standards, find_odd_blanks, find_outside_range
from cytoshift.quality.plate_review import review_plates, run_order, undated_sources
from cytoshift.tables import CONTROLS, CURVES, MEASUREMENTS, PLATE_MAP, PLATE_REVIEW, PLATES, STANDARDS, WELLS
from plate_quality_tables import Plates, simulate_plates
from quality_tables import checks, make_measurements, make_plan, make_samples


@cache
def clean() -> Plates:
    return simulate_plates(seed=7)


@cache
def clean_review():
    return clean().review()


def test_clean_plates_have_no_finding_and_whole_tables():
    result = clean_review()
    assert result.findings["message"].tolist() == []
    for frame, table in (
        (result.plate_review, PLATE_REVIEW),
        (result.controls, CONTROLS),
        (result.plate_map, PLATE_MAP),
    ):
        pd.testing.assert_frame_equal(frame, conform(frame, table))
    assert len(result.plate_review) == 4 * 12
    assert len(result.controls) == 3 * 4 * 12
    assert len(result.plate_map) == 4 * (16 + 2 * 21)


def test_the_plate_review_is_what_the_wells_say():
    tables, table = clean().tables, clean_review().plate_review
    wells, measured = tables["wells"], tables["measurements"]
    row = table[(table["plate"] == "p2") & (table["analyte"] == "a04")].iloc[0]
    here = wells[(wells["plate"] == "p2") & (wells["analyte"] == "a04")]
    blanks = here[here["type"] == "blank"]
    assert (row["wells"], row["blanks"], row["beads_median"], row["low_bead_wells"]) == (36, 2, 80, 0)
    assert row["blank_median"] == pytest.approx(blanks["signal"].median())
    of_samples = measured[
        (measured["plate"] == "p2") & (measured["analyte"] == "a04") & (measured["sample"] != "BRIDGE")
    ]
    assert row["below_share"] == pytest.approx((of_samples["status"] == "below").mean())
    cvs = [part.std() / part.mean() for _, part in of_samples.groupby("sample")["value"] if part.notna().sum() > 1]
    assert row["replicate_cv_median"] == pytest.approx(np.median(cvs))


DEFECTS = {
    "a plate whose controls read twice": ({"control_shift": ("p3", 1.0)}, {"control_out_of_control": {"p3"}}),
    "a pipette that missed": ({"missed_volume": -1.0}, {"well_off_its_replicate": {"p2"}}),
    "a dirty blank": ({"dirty_blank": 1.5}, {"outlying_blank": {"p2"}}),
    "a plate that loses an analyte": ({"censored_plate": "p3"}, {"plate_censors_more": {"p3"}}),
    "evaporation at the edge": ({"edge_shift": 0.3}, {"edge_effect": {""}}),
}


@pytest.mark.parametrize(("case", "expected"), DEFECTS.values(), ids=DEFECTS.keys())
def test_each_defect_is_found_and_nothing_else(case, expected):
    found = simulate_plates(seed=7, **case).review().findings
    assert {check: set(part["plate"]) for check, part in found.groupby("check")} == expected
    assert set(found["stage"]) == {"quality"}


def test_a_gain_that_all_signals_share_shows_in_curves_and_blanks_and_not_in_controls():
    found = simulate_plates(seed=7, gain=("p3", 1.3)).review().findings
    assert found.loc[found["check"] == "plate_shift", "plate"].tolist() == ["p3"]
    assert set(found["check"]) <= {"plate_shift", "outlying_blank"}
    assert "in 100% of 12 analytes" in found.loc[found["check"] == "plate_shift", "message"].iloc[0]


def test_a_blank_in_place_of_a_standard_is_found():
    wells = clean().tables["wells"].copy()
    blank = (wells["plate"] == "p1") & (wells["type"] == "blank") & (wells["well"] == "H1")
    standard = (wells["plate"] == "p1") & (wells["well"] == "D1")
    wells.loc[blank, "signal"] = wells.loc[standard, "signal"].to_numpy()
    assert checks(find_odd_blanks(wells)) == ["outlying_blank", "blank_above_standards"]


def test_low_standards_in_the_background_do_not_make_a_blank_dirty():
    wells = clean().tables["wells"].copy()
    low = wells["level"].isin(["S5", "S6", "S7"]) | (wells["type"] == "blank")
    wells.loc[low, "signal"] = 20.0 + np.arange(low.sum()) % 3
    assert find_odd_blanks(wells) == []


def test_one_analyte_of_a_blank_is_found_by_name():
    wells = clean().tables["wells"].copy()
    odd = (wells["plate"] == "p1") & (wells["well"] == "H1") & (wells["analyte"] == "a09")
    wells.loc[odd, "signal"] *= 8
    found = find_odd_blanks(wells)
    assert checks(found) == ["outlying_blank"]
    assert "A09 " in found[0]["message"]


def test_three_blanks_have_no_usual_level():
    wells = clean().tables["wells"]
    few = wells[(wells["plate"] == "p1") & (wells["type"] == "blank")].assign(signal=lambda w: w["signal"] * 9)
    assert find_odd_blanks(few) == []


def test_curve_shift_is_the_log_ratio_at_the_middle_of_the_standards():
    curve = {"source": "lx", "analyte": "a", "b": 1.0, "c": 100.0, "g": 1.0}
    curves = pd.DataFrame([{**curve, "plate": f"p{k}", "a": 0.0, "d": d} for k, d in enumerate((1000, 1000, 4000))])
    curves = conform(curves.assign(lowest_standard=1.0, highest_standard=10_000.0), CURVES)
    assert curve_shifts(curves).tolist() == pytest.approx([0.0, 0.0, 2.0])


def test_plates_with_few_standards_are_named():
    tables = clean().tables
    dropped = (tables["standards"]["plate"] == "p4") & tables["standards"]["level"].isin(["S1", "S2", "S3"])
    standards = tables["standards"].assign(used=tables["standards"]["used"] & ~dropped)
    found = find_few_standards(tables["curves"], standards)
    assert [(one["check"], one["plate"]) for one in found] == [("few_standards", "p4")]
    assert find_few_standards(tables["curves"], empty(STANDARDS)) == []


def test_analytes_mostly_outside_their_range_are_told_once():
    rows = [
        (f"s{k}", a, "<2" if k < low else 5.0) for a, low in (("il2", 9), ("il4", 6), ("il6", 5)) for k in range(10)
    ]
    rows += [(f"s{k}", "crp", ">9") for k in range(10)]
    sheet = make_samples([(f"s{k}", f"s{k}", "v1", "") for k in range(10)])
    found = find_outside_range(make_measurements(rows), sheet)
    assert [(one["check"], one["severity"]) for one in found] == [
        ("outside_range", "note"),
        ("outside_range", "warning"),
    ]
    assert "2 of 4 analytes: il2 90%, il4 60%" in found[0]["message"]
    assert "crp 100%" in found[1]["message"]


RUNS = {
    "by date": (["2025-03-12", "2025-03-10", "2025-03-11"], {"p1": 3, "p2": 1, "p3": 2}),
    "one date missing: by the files": (["2025-03-12", "", "2025-03-11"], {"p1": 1, "p2": 2, "p3": 3}),
    "dates that do not sort: by the files": (
        ["3 May 2025", "10 April 2025", "1 June 2025"],
        {"p1": 1, "p2": 2, "p3": 3},
    ),
}


@pytest.mark.parametrize(("dates", "expected"), RUNS.values(), ids=RUNS.keys())
def test_the_order_of_running(dates, expected):
    plates = conform(pd.DataFrame({"source": "msd", "plate": ["p1", "p2", "p3"], "run_date": dates}), PLATES)
    order = run_order(empty(MEASUREMENTS), empty(WELLS), plates)
    assert undated_sources(empty(MEASUREMENTS), empty(WELLS), plates) == (set() if expected["p2"] == 1 else {"msd"})
    assert order == {("msd", plate): place for plate, place in expected.items()}


def test_a_study_of_plain_tables_without_wells_has_tables_and_no_finding():
    rows = [(f"s{k}", a, 5.0 + k, f"p{k % 2}") for k in range(8) for a in ("il6", "tnf")]
    tables = clean().tables
    result = review_plates(
        make_measurements(rows, ("sample", "analyte", "value", "plate")),
        *(tables[name].iloc[:0] for name in ("concentrations", "curves", "standards", "wells")),
        make_samples([(f"s{k}", f"s{k}", "v1", "") for k in range(8)]),
        tables["plates"].iloc[:0],
        make_plan(["v1"]),
    )
    assert result.plate_review["wells"].tolist() == [4] * 4
    assert len(result.findings) == len(result.controls) == len(result.plate_map) == 0


def test_a_study_without_cytokines_has_empty_tables():
    tables = {name: frame.iloc[:0] for name, frame in clean().tables.items()}
    result = review_plates(**tables, plan=make_plan(["v1"]))
    assert [len(part) for part in (result.plate_review, result.controls, result.plate_map, result.findings)] == [0] * 4


def test_the_order_of_rows_does_not_matter():
    tables = {
        name: frame.sample(frac=1, random_state=2).reset_index(drop=True) if name != "plates" else frame
        for name, frame in simulate_plates(seed=7, missed_volume=-1.0, plates=3).tables.items()
    }
    one, other = simulate_plates(seed=7, missed_volume=-1.0, plates=3).review(), Plates(tables).review()
    pd.testing.assert_frame_equal(one.controls, other.controls)
    assert one.findings["message"].tolist() == other.findings["message"].tolist()
