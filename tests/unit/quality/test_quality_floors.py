"""Numbers that stand for non-detects: zeros, floors, ceilings, other constants; and rounding, which does not."""

import numpy as np
import pytest

from cytoshift.quality.floors import find_floors
from cytoshift.quality.spikes import find_spikes
from cytoshift.quality.zeros import censor_nonpositive
from quality_tables import checks, exercise, make_cells, make_measurements, make_rows, numbers_of, periodontitis_export
from shared_data import requires_shared

SPREAD = [round(5 + 0.37 * k, 2) for k in range(40)]


def panel(values, plate="p1", analyte="il6"):
    rows = [(f"s{k}", analyte, value, plate) for k, value in enumerate(values)]
    return make_rows(make_measurements(rows, ("sample", "analyte", "value", "plate")))


def test_a_repeated_minimum_becomes_a_non_detect_below_the_next_value():
    rows = panel([1.5] * 6 + SPREAD)
    found = find_floors(rows)
    assert checks(found) == ["substituted_floor"]
    floor = rows[rows["written"] == 1.5]
    assert (floor["status"] == "below").all()
    assert floor["value"].isna().all()
    assert (floor["upper"] == 5.0).all()
    assert (floor["lower"] == 0.0).all()
    assert (floor["limit_source"] == "floor").all()
    assert numbers_of(found[0]) == {
        "value": "1.5",
        "times": "6",
        "values": "46",
        "limit": "5",
        "next_values_at_most": "1",
    }


def test_a_repeated_maximum_becomes_a_value_above():
    rows = panel([*SPREAD, *[900.0] * 6])
    assert checks(find_floors(rows)) == ["substituted_ceiling"]
    ceiling = rows[rows["written"] == 900]
    assert (ceiling["status"] == "above").all()
    assert (ceiling["lower"] == max(SPREAD)).all()
    assert np.isinf(ceiling["upper"]).all()


NO_FLOOR = {
    "twice only": [1.5] * 2 + SPREAD,
    "less than 5 %": [1.5] * 3 + [round(5 + 0.11 * k, 2) for k in range(80)],
    "neighbours repeat as well": [1.5] * 4 + [1.6] * 2 + SPREAD,
    "fewer than 12 values": [1.5] * 4 + SPREAD[:5],
    "one number only": [1.5] * 20,
}


@pytest.mark.parametrize("values", NO_FLOOR.values(), ids=NO_FLOOR.keys())
def test_what_is_no_floor(values):
    rows = panel(values)
    assert "substituted_floor" not in checks(find_floors(rows))
    assert (rows["status"] == "observed").all()


def test_each_plate_has_its_own_floor_and_small_plates_are_pooled():
    parts = [
        ("p1", [1.0] * 4 + SPREAD[:20]),
        ("p2", [2.0] * 4 + SPREAD[20:]),
        ("p3", [3.0, 3.0, 7.0]),
        ("p4", [3.0, *SPREAD[:9]]),
    ]
    rows = [(f"{plate}-{k}", "il6", value, plate) for plate, values in parts for k, value in enumerate(values)]
    frame = make_rows(make_measurements(rows, ("sample", "analyte", "value", "plate")))
    found = find_floors(frame)
    assert [(f["plate"], numbers_of(f)["value"]) for f in found] == [("", "3"), ("p1", "1"), ("p2", "2")]
    assert (frame["status"] == "below").sum() == 11


def test_a_file_that_writes_its_non_detects_has_no_floor_on_that_plate():
    values = ["<1.5", *[1.5] * 6, *SPREAD]
    rows = panel(values)
    assert find_floors(rows) == []
    both = [(f"{plate}-{k}", "il6", v, plate) for plate in ("p1", "p2") for k, v in enumerate(values[plate == "p2" :])]
    rows = make_rows(make_measurements(both, ("sample", "analyte", "value", "plate")))
    assert [f["plate"] for f in find_floors(rows)] == ["p2"]


def test_coarse_rounding_is_resolution():
    rows = panel(sorted([0.1] * 9 + [0.2] * 8 + [0.3] * 7 + [0.4] * 6))
    found = find_floors(rows)
    assert checks(found) == ["coarse_resolution"]
    assert numbers_of(found[0])["step"] == "0.1"
    assert (rows["status"] == "observed").all()


def test_a_constant_within_the_range_is_found_and_its_doubt_stated():
    rows = panel([*SPREAD, *[9.0] * 12])
    found = find_spikes(rows)
    assert checks(found) == ["substituted_constant"]
    assert numbers_of(found[0])["values_below_it"] == str(sum(value < 9 for value in SPREAD))
    assert "no detection limit" in found[0]["message"]
    assert (rows.loc[rows["written"] == 9.0, "upper"] == min(value for value in SPREAD if value > 9)).all()
    assert (rows["status"] == "below").sum() == 12


def test_several_piles_are_reported_and_left_alone():
    rows = panel([*SPREAD, *[9.0] * 12, *[11.0] * 10])
    assert checks(find_spikes(rows)) == ["repeated_values"]
    assert (rows["status"] == "observed").all()


def test_zero_and_negative_concentrations_are_non_detects():
    rows = panel([0.0, -0.2, 0.4, 3.0])
    found = censor_nonpositive(rows)
    assert checks(found) == ["zero_concentration"]
    assert rows["status"].tolist() == ["below", "below", "observed", "observed"]
    assert rows["upper"].tolist()[:2] == [0.4, 0.4]
    assert rows["limit_source"].tolist()[:2] == ["lowest_observed"] * 2


def test_a_negative_npx_is_a_number():
    rows = make_rows(make_measurements([("s1", "il6", -0.5)], unit="NPX"))
    assert censor_nonpositive(rows) == []
    assert rows["status"].tolist() == ["observed"]


def test_a_zero_count_lies_below_half_the_step():
    rows = make_rows(cells=make_cells([("s1", "basophils", 0.0), ("s2", "basophils", 100.0)], resolution=100.0))
    censor_nonpositive(rows)
    assert rows[["status", "upper"]].to_numpy().tolist() == [["below", 50.0], ["observed", 100.0]]


@requires_shared
def test_periodontitis_constants():
    samples, measurements = periodontitis_export()
    real = samples.loc[samples["visit"] != "v0", "sample"]
    rows = make_rows(measurements[measurements["sample"].isin(real)])
    zeros, found = censor_nonpositive(rows), find_spikes(rows)
    assert {f["feature"]: numbers_of(f)["values"] for f in zeros} == {"il1alpha": "1", "rankl": "63"}
    constants = {f["feature"]: (numbers_of(f)["value"], numbers_of(f)["times"]) for f in found}
    assert constants == {
        "gmcsf": ("0.04", "52"), "il1alpha": ("0.03", "239"), "mip1alpha": ("6.1", "39"), "il17a": ("0.05", "11")
    }  # fmt: skip
    below = {f["feature"]: numbers_of(f)["values_below_it"] for f in found}
    assert (below["gmcsf"], below["mip1alpha"]) == ("36", "17")


@requires_shared
def test_exercise_has_piles_but_no_floor_and_no_count_is_touched():
    _, cytokines, cells = exercise()
    rows = make_rows(cytokines, cells)
    found = find_spikes(rows) + find_floors(rows)
    assert checks(found) == ["repeated_values"] * 3
    piles = next(f for f in found if f["feature"] == "ifny")["message"]
    assert all(pile in piles for pile in ("2.14 (25 times)", "1.61 (23 times)", "1.32 (20 times)"))
    assert set(rows["status"]) == {"observed", "missing"}
