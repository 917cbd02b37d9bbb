"""What each kind of figure shows, and what it must not."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

import figure_frames as frames
from cytoshift.figures import (
    cells,
    controls,
    curves,
    flow,
    forest,
    heatmap,
    missingness,
    plate_map,
    pvalues,
    ranges,
    sample_map,
    slopes,
    trajectories,
    volcano,
)
from cytoshift.figures.saving import svg_text
from cytoshift.figures.series import draw_people, over_visits
from cytoshift.frames import conform
from cytoshift.study.contrasts import expand
from cytoshift.tables import PAIRS, PANEL, PLATE_MAP, SAMPLES
from figure_checks import drawn, overlaps_and_overflows, words
from plate_frames import plate_tables


def markers(figure: Figure, marker: str) -> list[Line2D]:
    """Lines inside axes drawn with a marker."""
    return [
        line for axes in figure.axes for line in axes.lines if line.get_marker() == marker and len(line.get_xdata())
    ]


def test_forest_has_a_row_per_feature_and_lists_what_has_no_estimate(demo) -> None:
    _, t, figures = demo
    mine = t["shifts"][(t["shifts"]["contrast"] == "week_16") & (t["shifts"]["scale"] != "identity")]
    texts = words(figures["forest"]["week_16"])
    assert all(label in texts for label in mine["label"])
    assert "no estimate: no value above the limit at either visit" in texts
    assert {"Fatigue (MFIS)", "Pain (NRS)"} <= set(words(figures["forest"]["week_16-differences"]))
    assert "Fatigue (MFIS)" not in texts


def test_forest_fills_what_was_planned_and_rejected_only(demo) -> None:
    _, t, figures = demo
    d = t["decisions"]
    planned = d[(d["contrast"] == "week_16") & (d["tier"] == "primary") & ~d["feature"].isin(["fatigue", "csf2"])]
    circles = markers(figures["forest"]["week_16"], "o")
    filled = sum(len(line.get_xdata()) for line in circles if line.get_markerfacecolor() != "white")
    assert filled == (planned["decision"] == "rejected").sum() > 0
    assert sum(len(line.get_xdata()) for line in circles) == len(planned)
    later = markers(figures["forest"]["week_8"], "o")
    assert later == [], "nothing was planned at week 8"


def test_forest_marks_intervals_without_a_bound(demo) -> None:
    axes = demo[2]["forest"]["week_16"].axes[0]
    arrows = [line for line in axes.lines if line.get_marker() == "<"]
    assert [list(line.get_xdata()) for line in arrows] == [[axes.get_xlim()[0]]]
    assert any("[0, " in text for text in words(demo[2]["forest"]["week_16"]))


def test_forest_of_many_proteins_shows_planned_ones_and_says_what_it_leaves_out() -> None:
    study = frames.plan()
    t = frames.tables(study, subjects=5, extra=60)
    figure = dict(forest.draw(t["shifts"], t["decisions"], study))["week_16"]
    assert {"IL-6", "TNF-α", "IFN-γ", "IL-1β", "GM-CSF"} <= set(words(figure))
    assert any(text.startswith("45 of 83 shown") for text in words(figure))


def test_slopes_draw_non_detects_as_open_triangles_at_their_limit(demo) -> None:
    study, t, _ = demo
    pairs = t["pairs"]
    mine = pairs[(pairs["feature"] == "il1b") & pairs["used"] & (pairs["contrast"] == "week_16")]
    limits = set(mine.loc[mine["target_status"] == "below", "target"])
    two = t["shifts"][t["shifts"]["feature"].isin(["il1b", "neutrophils"])]
    figures = dict(slopes.draw(pairs, t["panel"], t["samples"], two, t["decisions"], study))
    triangles = markers(figures["il1b"], "v")
    assert triangles and limits
    assert all(line.get_markerfacecolor() == "white" for line in triangles)
    assert limits <= {float(y) for line in triangles for y in line.get_ydata()}
    assert "below the limit" in words(figures["il1b"])
    assert "below the limit" not in words(figures["neutrophils"]), "nothing is below a limit there"


def test_a_line_that_ends_at_a_limit_is_dashed() -> None:
    frame = pd.DataFrame(
        [("a", "v1", 1.0, "observed"), ("a", "v2", 2.0, "observed"), ("a", "v3", 0.5, "below"),
         ("b", "v1", 4.0, "observed"), ("b", "v3", 5.0, "observed"), ("c", "v2", 9.0, "observed"),
         ("d", "v1", 0.5, "below"), ("d", "v2", 0.5, "below")],
        columns=["subject", "visit", "position", "status"],
    )  # fmt: skip
    axes = Figure().add_subplot()
    draw_people(axes, frame, {"v1": 0.0, "v2": 1.0, "v3": 2.0}, "black")
    drawn = {}
    for line in axes.lines:
        if line.get_linestyle() in ("-", "--"):
            x, y = line.get_data()
            steps = zip(zip(x, y, strict=True), zip(x[1:], y[1:], strict=True), strict=False)
            drawn[line.get_linestyle()] = [step for step in steps if not np.isnan(step).any()]
    assert drawn == {
        "-": [((0, 1), (1, 2)), ((0, 4), (2, 5))],
        "--": [((1, 2), (2, 0.5)), ((0, 0.5), (1, 0.5))],
    }


def test_slopes_keep_arms_apart_and_count_their_pairs(demo) -> None:
    _, t, figures = demo
    pairs = t["pairs"]
    mine = pairs[(pairs["feature"] == "il6") & pairs["used"] & (pairs["contrast"] == "week_16")]
    texts = words(figures["slopes"]["il6"])
    assert f"LDN 4.5 mg ({(mine['arm'] == 'ldn').sum()})" in texts
    assert f"Placebo ({(mine['arm'] == 'placebo').sum()})" in texts
    assert {"baseline", "week 16", "pg/mL (log scale)"} <= set(texts)


def test_slopes_show_their_panels_in_the_same_order_whatever_contrast_a_marker_stands_for(demo) -> None:
    study, t, _ = demo
    orders = {}
    for contrast in ("week_8", "week_16"):
        one = t["shifts"][(t["shifts"]["feature"] == "il6") & (t["shifts"]["contrast"] == contrast)]
        figure = dict(slopes.draw(t["pairs"], t["panel"], t["samples"], one, t["decisions"], study))["il6"]
        counted = [text for text in words(figure) if re.search(r"^(LDN|Placebo).* \(\d+\)$", text)]
        orders[contrast] = counted, [text for text in words(figure) if text.startswith("week ")]
    assert len(orders["week_8"][0]) >= 3
    assert orders["week_8"] == orders["week_16"]


def test_a_long_name_of_an_arm_is_shortened_before_its_number(demo) -> None:
    _, t, _ = demo
    arms = [
        {
            "id": "placebo",
            "control": True,
            "label": "Placebo capsules taken at bedtime for sixteen weeks, with a run-in",
        },
        {"id": "ldn", "label": "Low-dose naltrexone 4.5 mg taken at bedtime for sixteen weeks, with a run-in"},
    ]
    for contrasts in (None, [{"id": "week_16", "at": "baseline", "arm": "ldn", "against": "placebo"}]):
        study = frames.plan(arms=arms, **({"contrasts": contrasts} if contrasts else {}))
        one = t["shifts"][(t["shifts"]["feature"] == "il6") & (t["shifts"]["contrast"] == "week_16")]
        figure = dict(slopes.draw(t["pairs"], t["panel"], t["samples"], one, t["decisions"], study))["il6"]
        counted = [text for text in words(figure) if "…" in text]
        assert len(counted) >= 2
        assert all(re.search(r"… \(\d+\)$", text) for text in counted), counted
        assert overlaps_and_overflows(figure) == []


def test_flow_of_many_contrasts_shows_planned_ones_and_counts_the_rest() -> None:
    names = [f"c{place}" for place in range(20)]
    study = frames.plan(
        contrasts=[
            {
                "id": name,
                "label": name,
                "reference": "baseline",
                "target": "week_16",
                "arm": "ldn",
                "against": "placebo",
            }
            for name in names
        ],
        endpoints=[{"id": "x", "tier": "primary", "contrasts": ["c19"], "features": ["all"]}],
    )
    pairs = [{"contrast": name, "feature": "il6", "subject": "a", "arm": "ldn", "used": True} for name in names]
    t = frames.tables(frames.plan(), subjects=4)
    (figure,) = dict(flow.draw(t["samples"], conform(pd.DataFrame(pairs), PAIRS), study)).values()
    assert [text for text in words(figure) if re.fullmatch(r"c\d+", text)] == ["c19", *names[:11]]
    assert any(text.startswith("… and 8 more: see the table") for text in words(figure))


def test_slopes_are_drawn_for_the_features_asked_for_only(demo) -> None:
    study, t, _ = demo
    figures = dict(slopes.draw(t["pairs"], t["panel"], t["samples"], t["shifts"], t["decisions"], study, limit=4))
    assert len(figures) == 4
    assert set(figures) <= {"il6", "tnf", "ifng", "il1b", "csf2", "fatigue"}, "planned ones come first"


def test_crossover_slopes_show_every_condition_over_all_visits(ride) -> None:
    study, _, figures = ride
    figure = next(iter(figures["slopes"].values()))
    assert len(figure.axes) == 5
    assert [label.get_text() for label in figure.axes[0].get_xticklabels()] == [visit.label for visit in study.visits]


def test_arms_at_one_visit_are_points_and_have_no_changes_to_map() -> None:
    study = frames.plan(contrasts=[{"id": "start", "at": "baseline", "arm": "ldn", "against": "placebo"}])
    t = frames.tables(frames.plan(), subjects=5)
    pairs = t["pairs"][t["pairs"]["contrast"] == "week_16"]
    pairs = pairs.assign(contrast="start", target=pairs["reference"], reference=np.nan, change=np.nan, used=True)
    s = t["shifts"][t["shifts"]["contrast"] == "week_16"].assign(contrast="start", n_pairs=0)
    d = t["decisions"].assign(contrast="start")
    only = s[s["feature"] == "il6"]
    figure = dict(slopes.draw(conform(pairs, PAIRS), t["panel"], t["samples"], only, d, study))["il6"]
    assert {"Placebo (5)", "LDN 4.5 mg (5)", "baseline"} <= set(words(figure))
    (told,) = dict(heatmap.draw(pairs, s, d, study)).values()
    assert any("nobody has a change" in text for text in words(told))
    rows = words(dict(forest.draw(s, d, study))["start"])
    assert any("+" in text for text in rows), "subjects of both arms stand where pairs would"


def test_one_arm_without_a_plan_for_arms() -> None:
    study = frames.plan(
        design="single_arm", arms=[], contrasts=[{"id": "week_16", "reference": "baseline", "target": "week_16"}]
    )
    t = frames.tables(study, subjects=8) | plate_tables()
    for kind, figures in drawn(study, t).items():
        for name, figure in figures.items():
            assert overlaps_and_overflows(figure) == [], (kind, name)


def test_volcano_leaves_out_scores_and_explains_its_line(demo) -> None:
    _, t, figures = demo
    figure = figures["volcano"]["week_16"]
    mine = t["shifts"][
        (t["shifts"]["contrast"] == "week_16") & t["shifts"]["ratio"].notna() & t["shifts"]["p_value"].notna()
    ]
    points = sum(len(line.get_xdata()) for marker in "osD" for line in markers(figure, marker))
    assert points == len(mine)
    assert any("p = 0.05 for one marker tested alone" in text for text in words(figure))


def test_heatmap_marks_gaps_and_non_detects_and_puts_odds_on_the_same_footing(demo) -> None:
    study, t, _ = demo
    mine = t["pairs"][t["pairs"]["contrast"] == "week_16"]
    features = t["shifts"][(t["shifts"]["contrast"] == "week_16") & t["shifts"]["feature"].isin(["il1b", "treg"])]
    values, marks, arms = heatmap.change_matrix(mine, features, study)
    assert list(values.index[:2]) == ["P01", "P02"]
    assert set(arms) == {"placebo", "ldn"}
    row = mine[(mine["feature"] == "treg") & (mine["subject"] == "L01")].iloc[0]
    assert values.loc["L01", "treg"] == pytest.approx(row["change"] / np.log(2))
    pair = mine[(mine["feature"] == "il1b") & mine["used"]].set_index("subject")
    either = pair[["reference_status", "target_status"]].eq("below").any(axis=1)
    assert (marks.loc[either.index, "il1b"] == either).all()
    unused = mine[(mine["feature"] == "il1b") & ~mine["used"]]["subject"]
    assert values.loc[unused, "il1b"].isna().all()


def test_a_control_arm_is_grey_beside_the_heatmap_even_where_it_stands_alone(demo) -> None:
    study, t, _ = demo
    figure = dict(heatmap.draw(t["pairs"], t["shifts"], t["decisions"], study))["week_16"]
    alone = t["pairs"][t["pairs"]["arm"] == "placebo"]
    told = dict(heatmap.draw(alone, t["shifts"], t["decisions"], study))["week_16"]
    colours = [{tuple(pixel) for pixel in one.axes[1].images[0].get_array()[:, 0].tolist()} for one in (figure, told)]
    assert len(colours[0]) == 2 and len(colours[1]) == 1
    assert colours[1] < colours[0]


def test_missingness_counts_an_absent_row_as_missing_and_an_exclusion_as_such(demo) -> None:
    study, t, _ = demo
    first = t["samples"]["sample"].iloc[0]
    values = t["values"][(t["values"]["sample"] != first) | (t["values"]["feature"] != "il6")].copy()
    values["excluded"] = (values["sample"] == first) & (values["feature"] == "tnf")
    table = missingness.status_matrix(values, t["samples"], study)
    assert missingness.ORDER[table.loc["il6", first]] == "missing"
    assert missingness.ORDER[table.loc["tnf", first]] == "excluded"
    assert list(table.columns) == list(t["samples"]["sample"]), "arm, subject, visit in plan order"


def test_composition_is_of_the_sum_of_the_parts() -> None:
    parts = pd.DataFrame({
        "sample": ["s"] * 3, "feature": ["neutrophils", "lymphocytes", "monocytes"], "layer": "cell", "scale": "log2",
        "unit": "cells/uL", "value": np.log2([600.0, 300.0, 100.0]), "status": "observed",
    })  # fmt: skip
    samples = conform(pd.DataFrame([{"sample": "s", "subject": "1", "visit": "baseline", "arm": "ldn"}]), SAMPLES)
    shares = cells.composition(over_visits(conform(parts, PANEL), samples))
    assert shares[["neutrophils", "lymphocytes", "monocytes"]].iloc[0].tolist() == pytest.approx([0.6, 0.3, 0.1])
    only_two = over_visits(conform(parts.head(2), PANEL), samples)
    assert cells.composition(only_two).empty


def test_flow_counts_subjects_pairs_and_losses_with_reasons() -> None:
    study = frames.plan()
    t = frames.tables(study, subjects=4)
    rows = [
        {"contrast": "week_16", "feature": feature, "subject": subject, "arm": "ldn", "used": used, "reason": reason}
        for feature in ("il6", "tnf")
        for subject, used, reason in (
            ("a", True, ""),
            ("b", feature == "il6", "no target"),
            ("c", False, "no baseline"),
        )
    ]
    tally = flow.count_pairs(conform(pd.DataFrame(rows), PAIRS), "week_16")
    assert tally == flow.Tally("week_16", {"ldn": 2}, 1, 2, {"no baseline": 1})
    (figure,) = dict(flow.draw(t["samples"], conform(pd.DataFrame(rows), PAIRS), study)).values()
    assert "lost: 1 (1 no baseline)" in words(figure)
    assert f"8 subjects, {len(t['samples'])} samples" in words(figure)


def test_pvalues_say_how_many_and_spread_over_pages(ride) -> None:
    _, t, figures = ride
    counts = t["shifts"].dropna(subset=["p_value"]).groupby("contrast").size()
    texts = words(figures["pvalues"]["pvalues"])
    assert all(f"p   (m = {count})" in texts for count in counts)
    study = frames.crossover([f"h{hour}" for hour in (1, 2, 3, 6, 24)] + ["h0_5", "h1_5"])
    one = t["shifts"][t["shifts"]["contrast"] == "load.h3.max_70"]
    many = pd.concat([one.assign(contrast=contrast.id) for contrast in expand(study.contrasts)])
    assert list(dict(pvalues.draw(many, study))) == ["pvalues", "pvalues-2"]


def test_sample_map_names_outliers(demo) -> None:
    _, t, figures = demo
    out = t["sample_map"][t["sample_map"]["outlier"]]
    texts = words(figures["sample_map"]["sample_map"])
    assert len(out) and all(texts.count(sample) == 2 for sample in out["sample"])
    without = list(sample_map.draw(t["sample_map"].assign(outlier=False), frames.plan()))
    assert not set(out["sample"]) & set(words(without[0][1]))


def test_trajectories_show_primary_features_else_the_strongest(demo) -> None:
    _, t, _ = demo
    assert set(trajectories.chosen_features(t["shifts"], t["decisions"])) == {
        "il6",
        "tnf",
        "ifng",
        "il1b",
        "csf2",
        "fatigue",
    }
    none = t["decisions"][t["decisions"]["tier"] == "exploratory"]
    assert len(trajectories.chosen_features(t["shifts"], none)) == 6


def test_volcano_draws_thousands_of_points_as_one_picture() -> None:
    study = frames.plan()
    t = frames.tables(study, subjects=3)
    one = t["shifts"][(t["shifts"]["feature"] == "il2") & (t["shifts"]["contrast"] == "week_16")]
    rng = np.random.default_rng(1)
    many = pd.concat([one] * 5000, ignore_index=True)
    ratio = 2 ** rng.normal(0, 0.5, 5000)
    many = many.assign(
        feature=[f"x{i}" for i in range(5000)], ratio=ratio, estimate=np.log2(ratio), p_value=rng.random(5000)
    )
    assert len(svg_text(next(figure for _, figure in volcano.draw(many, t["decisions"], study)))) < 200_000


def test_a_standard_that_was_left_out_stands_where_the_file_puts_it() -> None:
    t = plate_tables()
    figures = dict(curves.draw(t["curves"], t["standards"], t["names"], frames.plan()))
    assert list(figures) == ["luminex-P1", "luminex-P2", "luminex-P10"], "plates in the order people count"
    panel = figures["luminex-P1"].axes[0]
    crosses = [line for line in panel.lines if line.get_marker() == "x"]
    lost = t["standards"].query("plate == 'P1' and analyte == 'il6' and not used").iloc[0]
    assert [(10 ** line.get_xdata()[0], 10 ** line.get_ydata()[0]) for line in crosses] == [
        pytest.approx((lost["expected"], lost["signal"]))
    ]
    assert len([line for line in panel.lines if line.get_linestyle() == "-"]) == 3, "this plate and the two others"


def test_wells_lie_on_the_map_as_on_the_plate() -> None:
    t = plate_tables()
    figure = dict(plate_map.draw(t["plate_map"], frames.plan()))["luminex-P2"]
    level = figure.axes[0].images[0].get_array()
    d6 = t["plate_map"].query("plate == 'P2' and well == 'D6'")["level"].iloc[0]
    assert level.shape == (8, 12)
    assert level[3, 5] == pytest.approx(d6)
    assert figure.axes[1].images[0].get_array()[3, 5] == 15


def test_too_few_plates_for_an_sd_are_drawn_in_log2_and_said() -> None:
    t = plate_tables(("P1", "P2"))
    points = t["controls"].assign(z=float("nan"), rules="")
    figure = dict(controls.draw(points, t["names"], frames.plan()))["luminex-Control1"]
    assert any("too few plates for SDs" in text for text in words(figure))
    assert "breaks a rule" not in words(figure)


def test_shares_outside_the_range_are_written_for_their_plate() -> None:
    t = plate_tables()
    review = t["plate_review"].copy()
    review.loc[(review["plate"] == "P10") & (review["analyte"] == "tnf"), "above_share"] = 0.87
    figure = dict(ranges.draw(review, t["names"], frames.plan()))["luminex"]
    written = [text for text in figure.axes[1].texts if text.get_text() == "87"]
    assert [text.get_position()[0] for text in written] == [2], "the third plate, in the order people count"


def test_wells_that_are_no_places_on_a_plate_have_no_map() -> None:
    t = plate_tables(("P1",))
    nameless = t["plate_map"].assign(well="1", row=pd.NA, column=pd.NA)
    figures = dict(plate_map.draw(conform(nameless, PLATE_MAP), frames.plan()))
    assert list(figures) == ["none"]
    mixed = t["plate_map"].copy()
    mixed.loc[mixed["well"] == "D6", ["row", "column"]] = pd.NA
    level = dict(plate_map.draw(mixed, frames.plan()))["luminex-P1"].axes[0].images[0].get_array()
    assert level.shape == (8, 12)
    assert level.mask.sum() == 1
