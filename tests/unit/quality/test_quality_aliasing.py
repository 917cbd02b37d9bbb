"""Plates that go together with arms or visits."""

import pandas as pd
import pytest

from cytoshift.quality.aliasing import associate, find_aliasing
from quality_tables import checks, make_samples, numbers_of, periodontitis_wells
from shared_data import requires_shared


def labels(text):
    return pd.Series(text.split())


@pytest.mark.parametrize(("plates", "groups", "v", "inestimable", "strength"), [
    ("p1 p1 p2 p2", "a b a b", 0.0, 0, "none"),
    ("p1 p1 p2 p2", "a a b b", 1.0, 1, "strong"),
    ("p1 p1 p1 p1 p2 p2 p2 p2", "a a a b b b b a", 0.5, 0, "strong"),
    ("p1 p2 p3 p4", "a a b b", 1.0, 1, "strong"),
    ("p1 p1 p2 p2 p3 p3", "a b b a c c", 0.5**0.5, 1, "strong"),
])  # fmt: skip
def test_strength_of_an_association(plates, groups, v, inestimable, strength):
    found = associate(labels(plates), labels(groups))
    assert found.cramers_v == pytest.approx(v)
    assert (found.inestimable, found.strength) == (inestimable, strength)


def test_one_plate_or_one_arm_cannot_be_confounded():
    assert associate(labels("p1 p1"), labels("a b")) is None
    assert associate(pd.Series(["p1", "", "p2"]), pd.Series(["a", "b", "a"])) is None


def runs(samples, plates, **more):
    return pd.DataFrame({"source": "msd", "sample": samples["sample"], "plate": plates, **more})


def test_each_visit_on_its_own_plate():
    samples = make_samples([(f"s{s}-{v}", f"s{s}", v, "") for s in range(4) for v in ("v1", "v2")])
    found = find_aliasing(samples, runs(samples, ["p1", "p2"] * 4))
    assert checks(found) == ["plate_confounded_with_visit", "subjects_on_one_plate"]
    assert numbers_of(found[1])["subjects_on_one_plate"] == "0"


def test_subjects_whole_on_balanced_plates_with_lots_by_arm():
    samples = make_samples([(f"s{s}-{v}", f"s{s}", v, "ab"[s % 2]) for s in range(8) for v in ("v1", "v2")])
    plates = [f"p{s // 2 % 2}" for s in range(8) for _ in range(2)]
    assert checks(find_aliasing(samples, runs(samples, plates))) == ["subjects_on_one_plate"]
    found = find_aliasing(samples, runs(samples, plates, lot=samples["arm"].map({"a": "L1", "b": "L2"})))
    assert checks(found) == ["lot_confounded_with_arm", "subjects_on_one_plate"]


@requires_shared
def test_periodontitis_plates_go_with_the_groups():
    samples, measurements = periodontitis_wells()
    found = find_aliasing(samples, measurements.drop_duplicates("sample")[["source", "sample", "plate"]])
    assert checks(found) == ["plate_confounded_with_arm", "subjects_on_one_plate"]
    assert "plt 1 36 / 3, plt 2 36 / 1, plt 3 39 / 0, plt 4 24 / 12" in found[0]["message"]
    assert "sound for the 50 of 52" in found[0]["message"]
    assert numbers_of(found[0])["strength"] == "strong"
