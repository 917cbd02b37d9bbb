"""Single values written in another unit."""

import numpy as np
import pytest

from cytoshift.quality.duplicates import settle_duplicates
from cytoshift.quality.replicates import collapse_replicates
from cytoshift.quality.slips import find_slips
from cytoshift.quality.zeros import censor_nonpositive
from cytoshift.study.settings import MaxReplicateCv, UnitSlip
from quality_tables import exercise, make_cells, make_measurements, make_rows, numbers_of, periodontitis_wells
from shared_data import requires_shared


def values_of(rows):
    return collapse_replicates(rows, set(), MaxReplicateCv()).values


def study(**changed):
    """Five subjects × four samples of about 100 to 300, some replaced."""
    numbers = np.random.default_rng(3).uniform(100, 300, 20).round(1)
    rows = [(f"s{k // 4}-{k % 4}", "il6", changed.get(f"s{k // 4}_{k % 4}", numbers[k])) for k in range(20)]
    values = values_of(make_rows(make_measurements(rows)))
    return values, values.set_index("sample", drop=False)["sample"].str.split("-").str[0]


@pytest.mark.parametrize(("written", "factor"), [(0.2, "1000"), (2e5, "1000"), (2e-4, "1000000")])
def test_a_slip_is_found_and_not_repaired(written, factor):
    values, subjects = study(s1_2=written)
    slips, found = find_slips(values, subjects, UnitSlip())
    assert values.loc[slips, "sample"].tolist() == ["s1-2"]
    assert (found[0]["subject"], numbers_of(found[0])["factor"]) == ("s1", factor)
    assert values.loc[slips, "value"].tolist() == [written]
    assert not values["excluded"].any()


def test_a_slip_is_left_out_when_the_plan_says_so():
    values, subjects = study(s1_2=0.2)
    slips, found = find_slips(values, subjects, UnitSlip(on_fail="exclude"))
    assert values.loc[values["excluded"]].index.tolist() == slips.tolist()
    assert found[0]["action"] == "excluded"


@pytest.mark.parametrize("written", [1.0, 3000.0, 20.0])
def test_a_far_value_is_no_slip(written):
    values, subjects = study(s1_2=written)
    assert find_slips(values, subjects, UnitSlip())[1] == []


def test_a_marker_that_runs_over_powers_of_ten_has_no_slips():
    numbers = 10 ** np.random.default_rng(5).uniform(0, 5, 40)
    rows = make_rows(make_measurements([(f"s{k // 4}-{k % 4}", "crp", number) for k, number in enumerate(numbers)]))
    values = values_of(rows)
    subjects = values.set_index("sample", drop=False)["sample"].str.split("-").str[0]
    assert find_slips(values, subjects, UnitSlip())[1] == []


def test_non_detects_are_no_slips():
    rows = [("s0-0", "neutrophils", "<0.2"), *[(f"s0-{k}", "neutrophils", 200.0 + k) for k in range(1, 12)]]
    values = values_of(make_rows(cells=make_cells(rows)))
    assert find_slips(values, values.set_index("sample", drop=False)["sample"].str[:2], UnitSlip())[1] == []


@requires_shared
def test_exercise_has_exactly_three_platelet_slips():
    samples, cytokines, cells = exercise()
    rows = settle_duplicates(make_rows(cytokines, cells), "drop").rows
    censor_nonpositive(rows)
    values = values_of(rows)
    _, found = find_slips(values, samples.set_index("sample")["subject"], UnitSlip())
    assert {(f["sample"], f["feature"], numbers_of(f)["value"]) for f in found} == {
        ("13|h1|P4", "platelets", "436"),
        ("13|h0_5|P5", "platelets", "544"),
        ("13|h1|P5", "platelets", "592"),
    }


@requires_shared
def test_periodontitis_has_none():
    samples, measurements = periodontitis_wells()
    values = values_of(make_rows(measurements))
    assert find_slips(values, samples.set_index("sample")["subject"], UnitSlip())[1] == []
