"""One hour of cycling, healthy men: the numbers and warnings that this real study must lead to."""

import html

import numpy as np
import pandas as pd
import pytest

from shared_data import requires_shared, shared_study

CYTOKINES = {"mif", "g_csf", "ifng", "il10", "il6", "ip10", "mcp1", "tnf"}
EXERCISE = ["max_70", "max_70_dry", "max_50", "intervals"]
COUNTS = {"leukocytes", "neutrophils", "lymphocytes", "monocytes", "eosinophils", "basophils", "platelets"}


@pytest.fixture(scope="module")
def study(run_real_study):
    return run_real_study("exercise")


@pytest.fixture(scope="module")
def pairs(study):
    pairs = study.table("shift/pairs.parquet")
    return pairs[pairs["used"]]


def own_ratio(pairs, contrast, feature):
    """Median over subjects of target / reference in the arm itself, from what was paired."""
    own = pairs[(pairs["contrast"] == contrast) & (pairs["feature"] == feature)]
    return len(own), float(np.median(2 ** (own["target"] - own["reference"])))


def against_rest(pairs, contrast, feature):
    rows = pairs[(pairs["contrast"] == contrast) & (pairs["feature"] == feature)]
    return float(np.median(2 ** rows["change"]))


def test_rows_entered_twice_are_found_with_their_keys_and_not_averaged(study):
    counted = study.found("duplicated_rows").iloc[0]
    assert "28 surplus rows" in counted["message"]
    conflicts = study.found("duplicate_conflict")
    assert len(conflicts) == 23
    samples = {"5|h0_5|max_70", "6|h0_5|intervals", "14|h1|max_70_dry", "14|h24|max_50"}
    assert set(conflicts["sample"]) == samples
    assert (conflicts["action"] == "excluded").all()
    panel = study.table("normalize/panel.parquet")
    keys = pd.MultiIndex.from_frame(panel[["sample", "feature"]])
    conflicting = panel[keys.isin(list(zip(conflicts["sample"], conflicts["feature"], strict=True)))]
    assert (conflicting["status"] == "missing").all()
    assert conflicting["value"].isna().all()


def test_copies_that_agree_are_kept_once(study):
    """Platelets of 6, P5, 0.5 h were written 275 twice: 5 of the 28 surplus rows say the same."""
    values = study.table("quality/values.parquet")
    platelets = values[(values["sample"] == "6|h0_5|intervals") & (values["feature"] == "platelets")]
    assert platelets["value"].tolist() == [275_000]


def test_platelets_in_another_unit_are_found_and_left_out(study):
    slips = study.found("unit_slip")
    assert set(slips["sample"]) == {"13|h1|max_50", "13|h0_5|intervals", "13|h1|intervals"}
    assert set(slips["feature"]) == {"platelets"}
    assert all("1,000 times smaller" in message for message in slips["message"])
    panel = study.table("normalize/panel.parquet")
    used = panel[(panel["feature"] == "platelets") & panel["sample"].isin(slips["sample"]) & panel["value"].notna()]
    assert used.empty


@requires_shared
def test_the_column_of_sample_ids_is_refused_as_no_key(checkout, public_data):
    plan = (checkout.folder / "config/studies/exercise.yaml").read_text(encoding="utf-8")
    before = "columns: {subject: subject, visit: time, arm: protocol, population: analyte"
    assert before in plan
    changed = plan.replace("id: exercise\n", "id: exercise-by-id\n").replace(
        before, before.replace("{", "{sample: sample_id, ")
    )
    path = checkout.folder / "by_id.yaml"
    path.write_text(changed, encoding="utf-8")
    done = checkout.snakemake("results/exercise-by-id/intake/checked.json", "--config", "studies=by_id.yaml")
    path.unlink()
    assert done.returncode != 0
    assert "the column of sample ids is not a key" in done.stdout + done.stderr
    assert "15 subjects" in done.stdout + done.stderr
    assert not (checkout.folder / "results/exercise-by-id/intake/checked.json").exists()


def test_a_gap_without_a_limit_is_missing_and_never_below(study):
    panel = study.table("normalize/panel.parquet")
    serum = panel[panel["feature"].isin(CYTOKINES)]
    assert set(serum["status"]) <= {"observed", "missing"}
    measured = serum[serum["status"] == "observed"].groupby("feature").size()
    gaps = {"il10": 363, "il6": 356, "ifng": 98, "g_csf": 70, "mif": 43, "ip10": 31, "mcp1": 31, "tnf": 31}
    assert (600 - measured).to_dict() == gaps


def test_zero_counts_are_below_half_a_step(study):
    panel = study.table("normalize/panel.parquet")
    basophils = panel[panel["feature"] == "basophils"]
    below = basophils[basophils["status"] == "below"]
    assert len(below) >= 445
    assert np.allclose(below["upper"], np.log2(50))
    assert np.isneginf(below["lower"]).all()


def test_nk_cells_are_joined_though_their_time_is_in_minutes(study):
    panel = study.table("normalize/panel.parquet")
    nk = panel[(panel["feature"] == "nk_cells") & (panel["status"] == "observed")]
    assert len(nk) == 296
    assert nk["sample"].str.split("|").str[1].value_counts().to_dict() == {"h0": 74, "h1": 74, "h1_5": 74, "h3": 74}
    assert set(nk["scale"]) == {"logit"}
    written = pd.read_csv(shared_study("exercise") / "data_nk.csv")
    one = written[(written["Subject"] == 2) & (written["Protocol"] == "P2") & (written["Time"] == 60)].iloc[0]
    fraction = one["PercTotalNK"]
    value = nk.set_index("sample").loc["2|h1|max_70", "value"]
    assert value == pytest.approx(np.log(fraction / (1 - fraction)), rel=1e-9)


@pytest.mark.parametrize(
    ("arm", "n", "ratio"),
    [("rest", 15, 1.26), ("max_70", 15, 3.55), ("max_70_dry", 14, 3.55), ("max_50", 15, 2.00), ("intervals", 15, 4.05)],
)
def test_neutrophils_three_hours_after_the_start(pairs, arm, n, ratio):
    contrast = "rest.h3" if arm == "rest" else f"load.h3.{arm}"
    count, median = own_ratio(pairs, contrast, "neutrophils")
    assert count == n
    assert median == pytest.approx(ratio, abs=0.006)


@pytest.mark.parametrize(
    ("arm", "ratio"), [("max_70", 2.77), ("max_70_dry", 2.89), ("max_50", 1.44), ("intervals", 3.40)]
)
def test_neutrophils_over_rest(study, pairs, arm, ratio):
    assert against_rest(pairs, f"load.h3.{arm}", "neutrophils") == pytest.approx(ratio, abs=0.006)
    shifts = study.table("shift/shifts.tsv")
    row = shifts[(shifts["contrast"] == f"load.h3.{arm}") & (shifts["feature"] == "neutrophils")].iloc[0]
    assert row["ratio_low"] > 1


@pytest.mark.parametrize(
    ("arm", "n", "ratio"), [("rest", 15, 0.85), ("max_70", 14, 2.17), ("max_50", 15, 1.50), ("intervals", 15, 2.05)]
)
def test_lymphocytes_at_the_end_of_the_exercise(pairs, arm, n, ratio):
    contrast = "rest.h1" if arm == "rest" else f"load.h1.{arm}"
    count, median = own_ratio(pairs, contrast, "lymphocytes")
    assert count == n
    assert median == pytest.approx(ratio, abs=0.006)


def test_neutrophils_are_back_after_a_day(pairs):
    for arm in EXERCISE:
        assert 0.92 < own_ratio(pairs, f"load.h24.{arm}", "neutrophils")[1] < 1.06


@pytest.mark.parametrize(
    ("arm", "n", "ratio"),
    [("rest", 15, 0.84), ("max_70", 14, 1.39), ("max_70_dry", 14, 1.41), ("max_50", 15, 1.08), ("intervals", 15, 1.36)],
)
def test_mcp1_at_the_end_of_the_exercise(pairs, arm, n, ratio):
    contrast = "rest.h1" if arm == "rest" else f"load.h1.{arm}"
    count, median = own_ratio(pairs, contrast, "mcp1")
    assert count == n
    assert median == pytest.approx(ratio, abs=0.006)


def test_mcp1_leads_the_cytokines(study):
    decisions = study.table("shift/decisions.tsv")
    serum = decisions[
        (decisions["endpoint"] == "cytokines_after_exercise") & decisions["contrast"].str.startswith("load.")
    ]
    cells = serum[serum["q_value"] < 0.05].groupby("feature").size().sort_values(ascending=False)
    assert cells.index[0] == "mcp1"
    assert cells["mcp1"] >= 15
    assert cells.drop("mcp1").max() < cells["mcp1"] / 1.5


def test_mcp1_leads_over_all_cells_tested_together(study):
    """The same over every cytokine × protocol × time at once, Benjamini–Hochberg, from the row p-values."""
    shifts = study.table("shift/shifts.tsv")
    serum = shifts[shifts["contrast"].str.startswith("load.") & shifts["feature"].isin(CYTOKINES)]
    p = serum["p_value"].astype(float).dropna().sort_values()
    q = (p * len(p) / np.arange(1, len(p) + 1))[::-1].cummin()
    leading = serum.loc[q.index[q < 0.05], "feature"].value_counts()
    assert leading.index[0] == "mcp1"
    assert leading["mcp1"] == pytest.approx(19, abs=2)


def test_rest_came_first_and_moved_and_both_stand_on_the_page(study):
    first = study.found("condition_always_first").iloc[0]
    assert "15 of 15" in first["message"]
    assert "arm=rest" in first["numbers"]
    moved = study.found("control_moved")
    assert {"load.h3.max_70"} <= set(moved["contrast"])
    assert "Neutrophils" in moved.set_index("contrast").loc["load.h3.max_70", "message"]
    page = study.page()
    assert first["message"].split(":")[0] in page
    assert "changed by itself" in page


def test_rest_itself_rises(study):
    shifts = study.table("shift/shifts.tsv")
    row = shifts[(shifts["contrast"] == "rest.h3") & (shifts["feature"] == "neutrophils")].iloc[0]
    assert row["p_value"] < 0.01
    assert row["ratio"] > 1


def test_nothing_is_decided(study):
    assert set(study.table("shift/decisions.tsv")["decision"]) == {"none"}


def test_a_test_that_cannot_reject_says_so(study):
    """Five complete pairs of IL-6 at 1 h: no exact two-sided test goes below 0.0625."""
    shifts = study.table("shift/shifts.tsv")
    row = shifts[(shifts["contrast"] == "load.h1.max_50") & (shifts["feature"] == "il6")].iloc[0]
    assert row["n_pairs"] <= 5
    assert row["smallest_p"] >= 0.0625


def test_the_page_prints_the_attribution_line_and_what_was_done(study):
    page = study.page()
    line = (
        "Data: Kartaram SW, Teunis M, van Norren K, Smits M, M'Rabet L, Verschuren MCM, Mohrmann K, Garssen J, "
        "Witkamp R, Pieters R. Markers for immunological resilience: effects of moderate- and high-intensity endurance "
        "exercise on the kinetic response of leukocyte subsets. Immuno 2024; 4(1):43-56, doi:10.3390/immuno4010003; "
        "repository immuneDiagrams, CC BY 4.0, converted to csv."
    )
    assert line in html.unescape(page)
    assert "one hour of cycling" in page
    assert "healthy men" in page
    assert "naltrexone" not in page.lower()


def test_every_population_and_cytokine_is_known(study):
    names = study.table("intake/names.tsv").set_index("feature")["how"]
    assert set(names.drop("3quardrants")) <= {"exact", "alias"}
    assert set(names.index) >= CYTOKINES | COUNTS
