"""Events of a flow cytometer: shares of their parent, not of how long the machine ran."""

import numpy as np
import pandas as pd
import pytest

from cytoshift.frames import conform
from cytoshift.intake.read import read_study
from cytoshift.normalize.panel import scale_values
from cytoshift.quality.review import review
from cytoshift.study.study import IntakePlan
from cytoshift.tables import VALUES
from quality_tables import make_plan
from shared_data import requires_shared, shared_study


def events(rows, **parents):
    """Values of (sample, feature, count); 0 is the non-detect that intake makes of it."""
    frame = pd.DataFrame(rows, columns=["sample", "feature", "value"])
    zero, missing = frame["value"] == 0, frame["value"].isna()
    frame["lower"] = frame["value"]
    frame["upper"] = frame["value"].where(~zero, 0.5)
    frame["value"] = frame["value"].where(~zero)
    frame["status"] = np.select([zero, missing], ["below", "missing"], "observed")
    frame["detected"] = ~zero & ~missing
    frame["parent"] = [parents.get(name, "") for name in frame["feature"]]
    return conform(
        frame.assign(
            source="flow", layer="cell", label=frame["feature"], measure="events", unit="events", resolution=1.0
        ),
        VALUES,
    )


def on_panel(values):
    scaled, findings = scale_values(values)
    return scaled.set_index(["sample", "feature"]), [row["check"] for row in findings]


def test_acquiring_three_times_as_long_is_no_rise():
    rows = [("before", "t_cells", 8000.0), ("before", "treg", 400.0)]
    rows += [("after", "t_cells", 24000.0), ("after", "treg", 1200.0)]
    panel, checks = on_panel(events(rows, treg="t_cells"))
    before, after = panel.loc[("before", "treg")], panel.loc[("after", "treg")]
    assert after["value"] == pytest.approx(before["value"], abs=0.002)
    fraction = 400.5 / 8001
    assert before["value"] == pytest.approx(np.log(fraction / (1 - fraction)))
    assert (before["scale"], before["unit"], before["lower"]) == ("logit", "fraction of t_cells", before["value"])
    assert panel.loc[("before", "t_cells"), ["scale", "value", "unit"]].tolist() == ["log2", np.log2(8000), "events"]
    assert checks == ["events_as_fractions", "events_without_parent"]


def test_a_step_of_the_gating_divides_and_is_not_compared():
    rows = [("s1", "single_cells", 9000.0), ("s1", "t_cells", 4500.0)]
    values = events(rows, t_cells="single_cells").assign(as_written=["Lymphocytes/Single Cells", "T cells"])
    panel, checks = on_panel(conform(values, VALUES))
    assert panel.loc[("s1", "t_cells"), "value"] == pytest.approx(np.log(4500.5 / 9001 / (1 - 4500.5 / 9001)))
    assert ("s1", "single_cells") not in panel.index
    assert checks == ["events_as_fractions", "gating_steps"]


def test_the_warning_of_events_without_a_parent_says_what_it_depends_on():
    _, findings = scale_values(events([("s1", "t_cells", 8000.0)]))
    assert [row["severity"] for row in findings] == ["warning"]
    assert "not comparable between samples unless the same volume was acquired" in findings[0]["message"]


def test_no_events_at_all_are_a_small_fraction_and_not_detected():
    panel, _ = on_panel(events([("s1", "t_cells", 999.0), ("s1", "treg", 0.0)], treg="t_cells"))
    row = panel.loc[("s1", "treg")]
    assert (row["status"], row["detected"]) == ("observed", False)
    assert row["value"] == row["lower"] == row["upper"] == pytest.approx(np.log(0.0005 / 0.9995))


def test_a_bound_on_the_count_stays_a_bound():
    values = events([("s1", "t_cells", 999.0), ("s1", "treg", 4.0)], treg="t_cells")
    values.loc[1, ["status", "value", "lower"]] = ["below", np.nan, 0.0]
    panel, _ = on_panel(values)
    row = panel.loc[("s1", "treg")]
    assert (row["status"], row["lower"]) == ("below", -np.inf)
    assert row["upper"] == pytest.approx(np.log(0.0045 / 0.9955))


@pytest.mark.parametrize("total", [None, 0.0])
def test_without_the_total_of_its_tube_a_count_says_nothing(total):
    rows = [("s1", "t_cells", total), ("s1", "treg", 4.0), ("s2", "t_cells", 900.0), ("s2", "treg", 9.0)]
    panel, checks = on_panel(events(rows, treg="t_cells"))
    assert panel.loc[("s1", "treg"), ["status", "detected"]].tolist() == ["missing", False]
    assert panel.loc[("s2", "treg"), "status"] == "observed"
    assert "events_without_total" in checks


def test_the_parent_of_another_source_is_not_the_parent():
    values = events([("s1", "t_cells@flow", 1000.0), ("s1", "treg", 9.0)], treg="t_cells")
    other = events([("s1", "t_cells@other", 50000.0)]).assign(source="other")
    panel, _ = on_panel(pd.concat([values, other], ignore_index=True))
    assert panel.loc[("s1", "treg"), "value"] == pytest.approx(np.log((9.5 / 1001) / (1 - 9.5 / 1001)))


def test_a_parent_left_out_by_the_plan_is_none():
    panel, checks = on_panel(events([("s1", "treg", 8.0)], treg="t_cells"))
    assert panel.loc[("s1", "treg"), ["scale", "value"]].tolist() == ["log2", 3.0]
    assert checks == ["events_without_parent"]


def flowjo(rows):
    """Count and Freq. of Parent of treg in t_cells, as FlowJo's tables hold both: (sample, total, count, fraction)."""
    counts = [(s, name, n) for s, total, count, _ in rows for name, n in (("t_cells", total), ("treg_events", count))]
    counted = events(counts, treg_events="t_cells")
    written = pd.DataFrame({"sample": [row[0] for row in rows], "value": [row[3] for row in rows]})
    written = written.assign(
        feature="treg_fraction", lower=written["value"], upper=written["value"], status="observed", detected=True,
        source="flow", layer="cell", label="Treg (fraction)", measure="fraction_of_parent", unit="fraction",
        parent="t_cells", resolution=0.001,
    )  # fmt: skip
    return conform(pd.concat([counted, written], ignore_index=True), VALUES)


def test_a_share_that_was_written_and_counted_is_one_feature_from_its_counts():
    panel, checks = on_panel(flowjo([("s1", 8000.0, 400.0, 0.05), ("s2", 999.0, 0.0, 0.0)]))
    assert sorted(set(panel.index.get_level_values("feature"))) == ["t_cells", "treg_fraction"]
    first, none = panel.loc[("s1", "treg_fraction")], panel.loc[("s2", "treg_fraction")]
    assert first["value"] == pytest.approx(np.log((400.5 / 8001) / (1 - 400.5 / 8001)))
    assert none["value"] == pytest.approx(np.log(0.0005 / 0.9995))  # not half the smallest fraction
    assert (first["detected"], none["detected"]) == (True, False)
    assert first["label"] == "Treg (fraction)"
    assert "counts_over_fractions" in checks
    assert "fraction_of_0" not in checks


def test_a_tube_without_counts_keeps_the_share_that_was_written():
    panel, _ = on_panel(flowjo([("s1", 8000.0, 400.0, 0.05), ("s2", np.nan, np.nan, 0.25)]))
    assert panel.loc[("s2", "treg_fraction"), "value"] == pytest.approx(np.log(1 / 3))
    assert len(panel.xs("treg_fraction", level="feature")) == 2
    assert set(panel.xs("treg_fraction", level="feature")["unit"]) == {"fraction of t_cells"}


def test_a_share_of_another_parent_is_another_feature():
    values = flowjo([("s1", 8000.0, 400.0, 0.02)])
    values.loc[values["feature"] == "treg_fraction", "parent"] = "lymphocytes"
    panel, checks = on_panel(values)
    assert panel.loc[("s1", "treg_fraction"), "value"] == pytest.approx(np.log(0.02 / 0.98))
    assert ("s1", "treg_events") in panel.index
    assert "counts_over_fractions" not in checks


@requires_shared
def test_nk_events_give_the_fractions_that_the_cytometer_reports():
    path = str(shared_study("exercise") / "data_nk.csv")
    arms = [{"id": f"p{k}", "written": [f"P{k}"]} for k in range(1, 6)]
    visits = [{"id": f"m{minute}", "written": [minute]} for minute in (0, 60, 90, 180)]
    columns = {"subject": "Subject", "visit": "Time", "arm": "Protocol", "value": "Count{population}"}
    parents = dict.fromkeys(("nk_cd56bright_cd16dim", "nk_cd56dim_cd16bright"), "cd3_negative")
    source = {"id": "nk", "files": path, "unit": "events", "columns": columns, "parents": parents}
    sections = {"design": "crossover", "time_unit": "minute", "visits": visits, "arms": arms, "cytokines": [],
                "samples": {"from": "nk"}, "cells": [source], "outcomes": [], "names": [], "exclude": []}  # fmt: skip
    intake = read_study(IntakePlan.model_validate(sections))
    tables = (intake.samples, intake.measurements, intake.cells, intake.outcomes, intake.names, intake.plates)
    reviewed = review(*tables, make_plan(visits, arms, design="crossover", randomised=False))
    panel, checks = on_panel(reviewed.values)
    assert checks.count("events_without_parent") == 5  # CD3−, CD3+, NKneg, the three quadrants, and one NK subset
    written = pd.read_csv(path)
    at = (
        written["Subject"].map("{:.0f}".format)
        + "|m"
        + written["Time"].map("{:.0f}".format)
        + "|"
        + written["Protocol"].str.lower()
    )
    dim = panel.xs("nk_cd56dim_cd16bright", level="feature")["value"].reindex(at).to_numpy()
    known = ~np.isnan(dim)
    assert known.sum() == 296
    ours, tube = 1 / (1 + np.exp(-dim[known])), written[known]
    np.testing.assert_allclose(ours, (tube["CountCD16b/CD56dNK"] + 0.5) / (tube["CountCD3neg"] + 1), rtol=1e-9)
    np.testing.assert_allclose(ours, tube["PercCD16b/CD56dNK"], atol=0.003)  # the smallest tube held 180 events
