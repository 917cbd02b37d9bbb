"""Replicate wells of one sample: one value, and the audit of the instrument's own arithmetic."""

import numpy as np
import pytest

from cytoshift.quality.replicates import collapse_replicates
from cytoshift.study.settings import MaxReplicateCv
from quality_tables import checks, make_measurements, make_rows, numbers_of, periodontitis_wells
from shared_data import requires_shared

COLUMNS = ("sample", "analyte", "value", "well")


def collapsed(values, limit=10.0, on_fail="flag", references=(), **constant):
    rows = [("s1", "il6", value, f"A{k}") for k, value in enumerate(values, 1)]
    frame = make_rows(make_measurements(rows, COLUMNS, **constant))
    return collapse_replicates(frame, set(references), MaxReplicateCv(limit=limit, on_fail=on_fail))


CASES = {
    "numbers": ([2.0, 8.0], "observed", 4.0, 4.0, 4.0),
    "one number and a blank": ([None, 8.0], "observed", 8.0, 8.0, 8.0),
    "all below": (["<1", "<4"], "below", np.nan, 0.0, 2.0),
    "one below among numbers": (["<1", 4.0], "below", np.nan, 0.0, 2.0),
    "all above": ([">100", ">400"], "above", np.nan, 200.0, np.inf),
    "one above": ([100.0, ">400"], "above", np.nan, 200.0, np.inf),
    "below and above": (["<1", ">400"], "missing", np.nan, np.nan, np.nan),
    "nothing": ([None, None], "missing", np.nan, np.nan, np.nan),
}


@pytest.mark.parametrize(("wells", "status", "value", "lower", "upper"), CASES.values(), ids=CASES.keys())
def test_ends_are_averaged_on_the_log_scale(wells, status, value, lower, upper):
    row = collapsed(wells).values.iloc[0]
    assert row["status"] == status
    np.testing.assert_allclose([row["value"], row["lower"], row["upper"]], [value, lower, upper])


DETECTED = {
    "most wells have a number": ([8.0, 8.0, "<1"], "below", True),
    "half of the wells": ([8.0, "<1"], "below", False),
    "all above": ([">9", ">9"], "above", True),
    "number and blank": ([8.0, None, None], "observed", True),
    "all below": (["<1", "<1"], "below", False),
    "below and above": (["<1", ">9", ">9"], "missing", False),
    "nothing": ([None], "missing", False),
}


@pytest.mark.parametrize(("wells", "status", "detected"), DETECTED.values(), ids=DETECTED.keys())
def test_detected_is_more_than_half_of_the_wells_whatever_their_average(wells, status, detected):
    row = collapsed(wells).values.iloc[0]
    assert (row["status"], row["detected"]) == (status, detected)


def test_an_excluded_well_says_nothing_about_detection():
    rows = make_rows(make_measurements([("s1", "il6", v, f"A{k}") for k, v in enumerate((8.0, 8.0, "<1"))], COLUMNS))
    rows.loc[[0, 1], "excluded"] = True
    assert not collapse_replicates(rows, set(), MaxReplicateCv()).values["detected"].iloc[0]


def test_values_that_are_already_logarithms_are_averaged_as_they_are():
    assert collapsed([1.0, 3.0], unit="NPX").values.iloc[0]["value"] == 2.0
    row = collapsed(["<1", 3.0], unit="NPX").values.iloc[0]
    assert (row["status"], row["lower"], row["upper"]) == ("below", -np.inf, 2.0)


def test_the_cv_is_of_the_numbers_with_n_minus_1():
    row = collapsed([2.0, 8.0]).values.iloc[0]
    assert row["cv"] == pytest.approx(np.sqrt(18) / 5)
    assert row["wells"] == 2


def test_a_mixture_of_non_detect_and_number_is_reported():
    assert numbers_of(collapsed(["<1", 4.0, 4.0]).findings[0]) == {"values": "1", "mostly_detected": "1"}
    assert numbers_of(collapsed(["<1", 4.0]).findings[0])["mostly_detected"] == "0"
    assert checks(collapsed(["<1", ">9"]).findings) == ["wells_contradict"]


def test_wells_that_disagree_are_flagged_or_left_out():
    flagged, left_out = collapsed([2.0, 8.0], limit=0.25), collapsed([2.0, 8.0], limit=0.25, on_fail="exclude")
    assert checks(flagged.findings) == checks(left_out.findings) == ["replicate_cv"]
    assert not flagged.values["excluded"].iloc[0]
    assert left_out.values["excluded"].iloc[0]
    assert left_out.findings[0]["action"] == "excluded"


def wells_of(counts):
    rows = [
        (sample, analyte, 10.0 + well, f"{sample}-{well}")
        for sample, count in counts.items()
        for analyte in ("il6", "tnf")
        for well in range(count)
    ]
    return make_rows(make_measurements(rows, COLUMNS))


def test_the_samples_whose_wells_disagree_are_named():
    rows = wells_of({f"s{k}": 2 for k in range(7)})
    found = collapse_replicates(rows, set(), MaxReplicateCv(limit=0.01)).findings
    assert found[0]["message"].endswith("in 7 of 7 samples: s0, s1, s2, s3, s4 and 2 more.")


def test_a_sample_with_more_wells_than_the_others_may_be_two():
    rows = wells_of({**{f"s{k}": 2 for k in range(9)}, "s9": 1, "s10": 4})
    found = collapse_replicates(rows, set(), MaxReplicateCv(limit=10)).findings
    assert [(f["check"], f["sample"], f["numbers"]) for f in found] == [
        ("wells_differ_in_number", "s10", "wells=4; usual=2; analytes=2")
    ]
    assert "sample s10 has 4 wells where nearly all others have 2" in found[0]["message"]
    assert collapse_replicates(rows, {"s10"}, MaxReplicateCv(limit=10)).findings == []


def test_replicates_of_some_samples_are_no_surprise():
    rows = wells_of({f"s{k}": 2 if k % 3 else 3 for k in range(12)})
    assert collapse_replicates(rows, set(), MaxReplicateCv(limit=10)).findings == []


def test_an_excluded_well_takes_no_part():
    rows = make_rows(make_measurements([("s1", "il6", 2.0, "A1"), ("s1", "il6", 64.0, "A2")], COLUMNS))
    rows.loc[1, "excluded"] = True
    row = collapse_replicates(rows, set(), MaxReplicateCv()).values.iloc[0]
    assert (row["value"], row["wells"], row["excluded"]) == (2.0, 1, False)
    rows.loc[0, "excluded"] = True
    row = collapse_replicates(rows, set(), MaxReplicateCv()).values.iloc[0]
    assert (row["excluded"], row["value"]) == (True, pytest.approx(np.sqrt(128)))


def test_the_first_well_may_be_the_excluded_one():
    wells = [("s1", "il6", 64.0, "A1"), ("s1", "il6", 2.0, "A2"), ("s1", "il6", 8.0, "A3")]
    rows = make_rows(make_measurements([*wells, ("s2", "il6", 64.0, "A1"), ("s2", "il6", None, "A2")], COLUMNS))
    rows.loc[[0, 3], "excluded"] = True
    values = collapse_replicates(rows, set(), MaxReplicateCv()).values
    assert values["status"].tolist() == ["observed", "missing"]
    assert values["value"].tolist() == pytest.approx([4.0, np.nan], nan_ok=True)
    assert not values["excluded"].any()


def test_reference_samples_keep_their_plates_and_others_get_one():
    rows = [(sample, "il6", 2.0, plate) for sample in ("bridge", "s1") for plate in ("p1", "p2")]
    frame = make_rows(make_measurements([*rows, ("s1", "il6", 2.0, "p2")], ("sample", "analyte", "value", "plate")))
    result = collapse_replicates(frame, {"bridge"}, MaxReplicateCv())
    found = result.values[["sample", "plate"]].to_numpy().tolist()
    assert found == [["bridge", "p1"], ["bridge", "p2"], ["s1", "p2"]]
    assert checks(result.findings) == ["sample_on_several_plates"]
    assert result.values["plates"].tolist() == [1, 1, 2]


def test_a_plate_whose_wells_are_excluded_or_blank_is_none_of_the_value_s():
    rows = [("s1", "il6", 2.0, "p2"), ("s1", "il6", 9.0, "p1"), ("s1", "il6", None, "p1"), ("s1", "il6", 9.0, "p1")]
    frame = make_rows(make_measurements(rows, ("sample", "analyte", "value", "plate")))
    frame.loc[[1, 3], "excluded"] = True
    result = collapse_replicates(frame, set(), MaxReplicateCv())
    assert result.values[["plate", "plates", "value"]].to_numpy().tolist() == [["p2", 1, 2.0]]
    assert result.findings == []


@pytest.mark.parametrize(("cv", "divisor"), [(100 * np.sqrt(18) / 5, "n − 1"), (100 * 3 / 5, "n")])
def test_the_audit_recognises_the_divisor(cv, divisor):
    result = collapsed([2.0, 8.0], reported_mean=5.0, reported_cv=cv)
    assert f"divisor {divisor} in 1 of 1" in result.findings[0]["message"]
    assert result.replicates["agrees"].tolist() == ["yes" if divisor == "n − 1" else "no"]


def test_a_mean_that_does_not_follow_from_the_wells_is_a_warning():
    result = collapsed([2.0, 8.0], reported_mean=5.1)
    assert result.findings[0]["severity"] == "warning"
    assert numbers_of(result.findings[0])["mean_agrees"] == "0"


@requires_shared
def test_periodontitis_means_and_cvs_follow_from_the_wells():
    _, measurements = periodontitis_wells()
    result = collapse_replicates(make_rows(measurements), set(), MaxReplicateCv())
    audit = numbers_of(next(f for f in result.findings if f["check"] == "replicate_audit"))
    assert audit == {
        "replicated": "4530",
        "complete": "4177",
        "mean_agrees": "4177",
        "cv_agrees_n_minus_1": "4177",
        "cv_agrees_n": "38",
    }
    assert (result.replicates["numbers"].value_counts().to_dict()) == {2: 4177, 0: 224, 1: 129}
    beyond = {f["feature"]: numbers_of(f) for f in result.findings if f["check"] == "replicate_cv"}
    assert (beyond["gmcsf"]["beyond"], beyond["gmcsf"]["replicated"]) == ("111", "250")
    assert (beyond["il17a"]["beyond"], beyond["il17a"]["replicated"]) == ("62", "289")
