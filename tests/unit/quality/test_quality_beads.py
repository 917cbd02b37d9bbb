"""Bead counts below the plan's limit."""

import numpy as np
import pandas as pd
import pytest

from cytoshift.quality.beads import find_low_beads
from cytoshift.quality.review import review
from cytoshift.study.settings import MinBeads
from quality_tables import NO_CELLS, NO_NAMES, NO_OUTCOMES, make_measurements, make_plan, make_samples, numbers_of

WELLS, ANALYTES = 12, 10


def plate(low=(), **constant):
    """Twelve wells × ten analytes with 80 beads each, but 20 where `low` names (well, analyte)."""
    rows = [
        (f"s{w // 2}-v{w % 2 + 1}", f"a{a}", 5.0 + w + a, f"A{w + 1}", 20 if (w, a) in low else 80)
        for w in range(WELLS)
        for a in range(ANALYTES)
    ]
    columns = ("sample", "analyte", "value", "well", "beads")
    return make_measurements(rows, columns, **{"plate": "p1", **constant})


def test_enough_beads_are_no_finding():
    low, found = find_low_beads(plate(), MinBeads())
    assert not low.any()
    assert found == []


def test_sources_without_bead_counts_are_left_alone():
    low, found = find_low_beads(plate().assign(beads=np.nan).astype({"beads": "Int64"}), MinBeads())
    assert not low.any()
    assert found == []


def test_a_well_that_lost_its_beads_is_one_finding():
    low, found = find_low_beads(plate({(3, a) for a in range(8)}), MinBeads())
    assert low.sum() == 8
    assert len(found) == 1
    assert (found[0]["sample"], found[0]["plate"], found[0]["action"]) == ("s1-v2", "p1", "flagged")
    assert numbers_of(found[0]) == {"analytes": "8", "fewest": "20", "limit": "35"}


def test_an_analyte_with_few_beads_in_some_wells_is_one_finding():
    _, found = find_low_beads(plate({(w, 4) for w in range(5)}), MinBeads())
    assert len(found) == 1
    assert found[0]["feature"] == "a4"
    assert "A1 (20), A2 (20), A3 (20), A4 (20), A5 (20)" in found[0]["message"]


def test_the_limit_itself_is_enough():
    assert not find_low_beads(plate(), MinBeads(limit=80))[0].any()
    assert find_low_beads(plate(), MinBeads(limit=81))[0].all()


def test_findings_are_summed_up_when_there_are_many():
    plates = [plate({(w, a) for w in range(3) for a in range(ANALYTES)}, plate=f"p{k}") for k in range(9)]
    _, found = find_low_beads(pd.concat(plates, ignore_index=True), MinBeads())
    assert len(found) == 21
    assert "7 findings of this kind are not listed" in found[-1]["message"]
    assert numbers_of(found[-1]) == {"low": "270", "counted": "1080", "limit": "35"}


@pytest.mark.parametrize("on_fail", ["flag", "exclude"])
def test_the_plan_says_what_happens_to_the_value(on_fail):
    samples = make_samples([(f"s{k}-v{v}", f"s{k}", f"v{v}", "") for k in range(6) for v in (1, 2)])
    plan = make_plan(["v1", "v2"], quality={"min_beads": {"limit": 35, "on_fail": on_fail}})
    result = review(samples, plate({(0, 2)}), NO_CELLS, NO_OUTCOMES, NO_NAMES, None, plan)
    out = result.values[result.values["excluded"]]
    expected = [("s0-v1", "a2")] if on_fail == "exclude" else []
    assert list(zip(out["sample"], out["feature"], strict=True)) == expected
    said = result.findings[result.findings["check"] == "low_beads"]
    assert said["action"].tolist() == ["excluded" if on_fail == "exclude" else "flagged"]


def test_a_good_replicate_stands_in_for_the_well_without_beads():
    rows = [("s0-v1", "a0", 4.0, "A1", 80), ("s0-v1", "a0", 64.0, "A2", 10), ("s0-v2", "a0", 9.0, "A3", 80)]
    measured = make_measurements(rows, ("sample", "analyte", "value", "well", "beads"))
    samples = make_samples([("s0-v1", "s0", "v1", ""), ("s0-v2", "s0", "v2", "")])
    plan = make_plan(["v1", "v2"], quality={"min_beads": {"on_fail": "exclude"}})
    values = review(samples, measured, NO_CELLS, NO_OUTCOMES, NO_NAMES, None, plan).values
    assert values["value"].tolist() == [4.0, 9.0]
    assert not values["excluded"].any()
