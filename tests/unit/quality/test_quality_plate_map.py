"""The map of each plate: wells off their replicate, edges."""

import numpy as np
import pandas as pd
import pytest

from cytoshift.frames import conform, empty
from cytoshift.quality.plate_map import find_edge_effects, find_replicate_shifts, map_plates, well_numbers
from cytoshift.tables import MEASUREMENTS, PLATE_MAP, WELLS
from plate_quality_tables import simulate_plates
from quality_tables import make_measurements, make_samples, numbers_of

ROWS = "ABCDEFGH"


def make_wells(rows, **constant):
    """Wells of (well, type, written, [log2 signal per analyte])."""
    long = [
        {"well": well, "type": kind, "written": written, "analyte": f"a{k}", "signal": 2.0**number, "beads": 50 + k,
         "sample": written if kind == "sample" else "", "level": written if kind in ("standard", "control") else ""}
        for well, kind, written, numbers in rows
        for k, number in enumerate(numbers)
    ]  # fmt: skip
    return conform(pd.DataFrame(long).assign(source="lx", plate="p1", **constant), WELLS)


def mapped(wells, measurements=None, samples=None):
    sheet = make_samples([("s1", "s1", "v1", ""), ("s2", "s2", "v1", "")]) if samples is None else samples
    rows = well_numbers(wells, empty(MEASUREMENTS) if measurements is None else measurements, sheet)
    return rows, map_plates(rows)


def test_levels_and_replicates_by_hand():
    wells = make_wells(
        [
            ("A1", "sample", "s1", [5.0, 7.0, 9.0]),
            ("A2", "sample", "s1", [6.0, 7.5, 9.0]),
            ("C3", "sample", "s2", [4.0, 6.0, 9.0]),
            ("B1", "standard", "S1", [10.0, 10.0, 10.0]),
            ("B2", "standard", "S1", [12.0, 12.0, 12.0]),
            ("H12", "blank", "Blank", [1.0, 1.0, 1.0]),
        ]
    )
    _, table = mapped(wells)
    pd.testing.assert_frame_equal(table, conform(table, PLATE_MAP))
    assert table["well"].tolist() == ["A1", "A2", "B1", "B2", "C3", "H12"]
    # samples: medians 5, 7, 9; A1 (0, 0, 0), A2 (1, .5, 0), C3 (−1, −1, 0); standards about their own level
    assert table["level"].tolist() == [0.0, 0.5, -1.0, 1.0, -1.0, 0.0]
    np.testing.assert_allclose(table["replicate_shift"], [-0.5, 0.5, -2.0, 2.0, np.nan, np.nan])
    assert table["edge"].tolist() == [True, True, True, False, False, True]
    assert table["beads"].tolist() == [51.0] * 6
    assert table["row"].tolist() == [1, 1, 2, 2, 3, 8]


def test_pooled_wells_stand_on_the_map_one_by_one():
    _, table = mapped(make_wells([("A3,A4", "sample", "s1", [5.0]), ("B3", "sample", "s2", [6.0])]))
    assert table["well"].tolist() == ["A3", "A4", "B3"]
    assert table["level"].tolist() == [-0.5, -0.5, 0.5]


def test_a_large_plate_has_its_own_edge():
    _, table = mapped(make_wells([(w, "sample", "s1", [5.0]) for w in ("A5", "H12", "H24", "P3", "O23")]))
    assert table.set_index("well")["edge"].to_dict() == {
        "A5": True,
        "H12": False,
        "H24": True,
        "O23": False,
        "P3": True,
    }


def test_plain_tables_are_mapped_by_their_values():
    measured = make_measurements(
        [("s1", "il6", 8.0, "A1"), ("s2", "il6", "<2", "A2"), ("s1", "tnf", 8.0, "A1"), ("s2", "tnf", 16.0, "A2")],
        ("sample", "analyte", "value", "well"),
        plate="p1",
    )
    _, table = mapped(empty(WELLS), measured)
    assert table["level"].tolist() == pytest.approx([0.25, -0.25])
    logged = measured.assign(unit="NPX", value=[3.0, np.nan, 3.0, 4.0], upper=[3.0, 1.0, 3.0, 4.0])
    assert mapped(empty(WELLS), logged)[1]["level"].tolist() == pytest.approx([0.25, -0.25])


def test_without_wells_there_is_no_map():
    rows, table = mapped(empty(WELLS), make_measurements([("s1", "il6", 8.0)]))
    assert len(table) == 0
    assert find_replicate_shifts(rows) == []
    assert find_edge_effects(rows, table, np.random.default_rng(1)) == []


def duplicates(shift, analytes=8, only=None):
    """Twenty samples in duplicate; the first well of s03 reads `shift` (log2) off, in `only` so many analytes."""
    generator = np.random.default_rng(4)
    rows = []
    for s in range(20):
        level = generator.normal(8, 1, analytes)
        for k in range(2):
            number = level + generator.normal(0, 0.05) + generator.normal(0, 0.05, analytes)
            if (s, k) == (3, 0):
                number[: only or analytes] += shift
            rows.append((f"{ROWS[s % 8]}{1 + k + 2 * (s // 8)}", "sample", f"s{s:02d}", number))
    sheet = make_samples([(f"s{s:02d}", f"s{s:02d}", "v1", "") for s in range(20)])
    return mapped(make_wells(rows), samples=sheet)[0]


MISSED = {
    "half the volume": ({"shift": -1.0}, ["s03"]),
    "double the volume": ({"shift": 1.0}, ["s03"]),
    "a tenth off": ({"shift": 0.15}, []),
    "few analytes off": ({"shift": -1.0, "only": 3}, []),
    "too few analytes to tell": ({"shift": -1.0, "analytes": 4}, []),
}


@pytest.mark.parametrize(("case", "samples"), MISSED.values(), ids=MISSED.keys())
def test_a_well_that_missed_its_volume(case, samples):
    found = find_replicate_shifts(duplicates(**case))
    assert [one["sample"] for one in found] == samples
    if samples:
        assert abs(float(numbers_of(found[0])["log2_shift"])) == pytest.approx(1.0, abs=0.2)


def edged(shift, subjects=16, visits=3, together=False, seed=3):
    """Whole subjects at random places in single wells; `together`: each subject stands at the edge or inside."""
    generator = np.random.default_rng(seed)
    places = [(row, column) for row in range(8) for column in range(1, 13)]
    at_edge = [row in (0, 7) or column in (1, 12) for row, column in places]
    order = generator.permutation(96)[: subjects * visits]
    if together:
        order = np.array(sorted(order, key=lambda k: at_edge[k]))
    rows = []
    for k, place in enumerate(order):
        subject, visit = divmod(k, visits)
        level = generator.normal(0, 0.1, 10) + np.random.default_rng(subject).normal(8, 0.8)
        row, column = places[place]
        name = f"s{subject:02d}-v{visit}"
        rows.append((f"{ROWS[row]}{column}", "sample", name, level + shift * at_edge[place]))
    sheet = make_samples([(f"s{s:02d}-v{v}", f"s{s:02d}", f"v{v}", "") for s in range(subjects) for v in range(visits)])
    return mapped(make_wells(rows), samples=sheet)


def test_an_edge_that_reads_low_is_found():
    found = find_edge_effects(*edged(-0.25), np.random.default_rng(1))
    assert [(one["check"], one["plate"]) for one in found] == [("edge_effect", "p1")]
    assert float(numbers_of(found[0])["log2_shift"]) == pytest.approx(-0.25, abs=0.08)


@pytest.mark.parametrize("together", [False, True])
def test_subjects_who_differ_are_no_edge_effect(together):
    for seed in range(3):
        assert find_edge_effects(*edged(0.0, together=together, seed=seed), np.random.default_rng(1)) == []


def test_single_samples_are_compared_with_each_other():
    found = find_edge_effects(*edged(1.5, subjects=60, visits=1), np.random.default_rng(1))
    assert len(found) == 1


def test_several_plates_are_tested_together():
    simulated = simulate_plates(edge_shift=0.3, seed=5, plates=3)
    tables = simulated.tables
    rows = well_numbers(tables["wells"], tables["measurements"], tables["samples"])
    found = find_edge_effects(rows, map_plates(rows), np.random.default_rng(1))
    assert [one["plate"] for one in found] == [""]
    assert "plates p1, p2, p3" in found[0]["message"]
