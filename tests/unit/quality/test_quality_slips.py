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


def two_visits(*lines, subjects=8, visits=2):
    """TNF of some subjects before and after treatment, 3 to 12 pg/mL, with further rows or other values."""
    numbers = np.random.default_rng(8).uniform(3, 12, subjects * visits).round(1)
    rows = {f"s{k // visits}-{k % visits}": number for k, number in enumerate(numbers)} | dict(lines)
    values = values_of(make_rows(make_measurements([(sample, "tnf", number) for sample, number in rows.items()])))
    return values, values.set_index("sample", drop=False)["sample"].str.split("-").str[0]


@pytest.mark.parametrize("written", [0.0037, 8200.0, 4.1e6])
def test_of_two_visits_the_one_outside_everybody_s_range_is_the_slip(written):
    _, found = find_slips(*two_visits(("s3-0", 7.2), ("s3-1", written)), UnitSlip())
    assert [(f["sample"], numbers_of(f)["subject_other"]) for f in found] == [("s3-1", "7.2")]
    assert "the subject's other value (7.2)" in found[0]["message"]


def test_a_subject_s_only_value_is_judged_by_everybody_s_range():
    _, found = find_slips(*two_visits(("alone-0", 0.0061)), UnitSlip())
    assert [f["sample"] for f in found] == ["alone-0"]
    assert "everybody else's values" in found[0]["message"]


def test_two_slips_do_not_hide_each_other():
    lines = [("s1-0", 5.0), ("s1-1", 0.0052), ("s4-0", 0.0061), ("s4-1", 6.4)]
    _, found = find_slips(*two_visits(*lines), UnitSlip())
    assert {f["sample"] for f in found} == {"s1-1", "s4-0"}


@pytest.mark.parametrize(
    "lines",
    [
        [("s3-0", 7.2), ("s3-1", 0.07)],  # a hundredth is no unit
        [("s3-0", 0.0071), ("s3-1", 0.0069)],  # low at both visits: the subject, not the unit
        [("s3-0", 7.2), ("s3-1", 0.0006)],  # times 1,000 it is not near the other value
        [("s3-0", 100.0), ("s3-1", 0.1)],  # neither repaired value lies in the range of the others
        [("alone-0", 0.0005)],  # times 1,000 it is below everybody
    ],
)
def test_two_visits_far_apart_are_not_always_a_slip(lines):
    assert find_slips(*two_visits(*lines), UnitSlip())[1] == []


def test_a_second_group_of_people_is_no_slip():
    carriers = [(f"carrier{k}-0", 0.004 + k / 1000) for k in range(5)]
    assert find_slips(*two_visits(*carriers, subjects=20, visits=1), UnitSlip())[1] == []


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
