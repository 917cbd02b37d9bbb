"""The demo study from its files to its page: planted truth recovered, SIMULATED everywhere, the page in a browser."""

import http.server
import json
import os
import re
import shutil
import subprocess
import threading
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
PAGES = ("report.html", "plates.html")
SILENT = [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--hide-scrollbars",
    "--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage",
]  # fmt: skip
# A page that holds the report in a frame as wide as a phone or a desk, and writes what it measures into its title.
MEASURE = """<!doctype html><body>
<iframe id=f src="{page}" style="border:0;width:{width}px;height:2000px"></iframe>
<script>
document.getElementById('f').addEventListener('load', function () {{
  var page = this.contentDocument, root = page.documentElement, wide = [];
  page.querySelectorAll('body *').forEach(function (element) {{
    var box = element.getBoundingClientRect();
    for (var holder = element; holder; holder = holder.parentElement)
      if (getComputedStyle(holder).overflowX !== 'visible' && holder !== root && holder !== page.body) return;
    if (box.right > {width} + 1) wide.push(element.tagName + '.' + element.className);
  }});
  document.title = 'MEASURED ' + JSON.stringify({{
    overflow: root.scrollWidth - {width}, wide: wide.slice(0, 5), images: page.images.length,
    broken: Array.from(page.images).filter(function (image) {{ return !image.naturalWidth; }}).length,
    rows: page.querySelectorAll('table tr').length
  }});
}});
</script>"""


@pytest.fixture(scope="module")
def demo(run_study: Callable[[str], Path]) -> Path:
    return run_study("ldn-ms-demo")


@pytest.fixture(scope="module")
def address(demo: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The report served on this machine, so that a frame around it may measure it."""
    if CHROMIUM is None:
        if os.environ.get("CI", "").lower() in {"true", "1"}:
            pytest.fail("chromium is not installed")
        pytest.skip("chromium is not installed")
    folder = tmp_path_factory.mktemp("served")
    for page in PAGES:
        shutil.copy2(demo / "report" / page, folder)
        for width in (1400, 390):
            frame = MEASURE.format(width=width, page=page)
            (folder / f"{width}-{page}").write_text(frame, encoding="utf-8")

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *arguments: object) -> None:
            """Say nothing."""

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def browse(url: str, profile: Path, *options: str) -> subprocess.CompletedProcess[str]:
    command = [str(CHROMIUM), *SILENT, f"--user-data-dir={profile}", "--enable-logging=stderr", *options, url]
    return subprocess.run(command, capture_output=True, text=True, timeout=180, check=False)


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize("width", [1400, 390])
def test_the_page_fits_its_window_and_every_figure_shows(address: str, tmp_path: Path, width: int, page: str) -> None:
    done = browse(
        f"{address}/{width}-{page}", tmp_path, "--window-size=1500,2100", "--virtual-time-budget=20000", "--dump-dom"
    )
    found = re.search(r"<title>MEASURED (\{.*?\})</title>", done.stdout)
    assert found, done.stderr[-2000:]
    measured = json.loads(found.group(1))
    assert measured["overflow"] <= 0, measured
    assert measured["wide"] == []
    assert measured["broken"] == 0
    assert measured["images"] > 10


@pytest.mark.parametrize("page", PAGES)
def test_the_page_has_nothing_to_complain_about(address: str, tmp_path: Path, page: str) -> None:
    done = browse(f"{address}/{page}", tmp_path, "--virtual-time-budget=20000", "--dump-dom")
    assert "<h1" in done.stdout
    assert [line for line in done.stderr.splitlines() if "CONSOLE" in line] == []


def test_the_page_says_simulated_and_gives_its_answer_first(demo: Path) -> None:
    page = (demo / "report" / "report.html").read_text(encoding="utf-8")
    assert len(page.encode()) < 5_000_000
    words = " ".join(re.sub(r"<[^>]+>", " ", re.sub(r"(?s)<(script|style)\b.*?</\1>", " ", page)).split())
    assert words.index("SIMULATED") < words.index("Who was measured")
    assert not re.search(r"""(src|href)=["']?(https?:)?//""", page), "the page asks the network for something"
    for picture in (demo / "report" / "figures").rglob("*.svg"):
        assert "SIMULATED" in picture.read_text(encoding="utf-8"), picture.name


def test_the_planted_fall_is_found_and_nothing_planned_is_claimed_beyond_it(demo: Path) -> None:
    families = pd.read_csv(demo / "shift" / "families.tsv", sep="\t").set_index(["endpoint", "contrast"])
    assert families.loc[("inflammation", "week_16"), "decision"] == "rejected"
    truth = pd.read_csv(demo.parents[1] / "data" / "ldn-ms-demo" / "truth.tsv", sep="\t", keep_default_na=False)
    planted = truth[(truth["arm"] == "ldn") & (truth["against"] == "placebo") & (truth["target"] == "week_16")]
    true = planted.set_index("feature")["true_difference"]
    decisions = pd.read_csv(demo / "shift" / "decisions.tsv", sep="\t")
    claimed = decisions[(decisions["decision"] == "rejected") & (decisions["tier"] != "exploratory")]["feature"]
    assert len(claimed) >= 1
    assert [feature for feature in claimed if true[feature] == 0] == []


def test_intervals_hold_the_truth_about_as_often_as_they_say(demo: Path) -> None:
    shifts = pd.read_csv(demo / "shift" / "shifts.tsv", sep="\t")
    truth = pd.read_csv(demo.parents[1] / "data" / "ldn-ms-demo" / "truth.tsv", sep="\t", keep_default_na=False)
    planted = truth[(truth["arm"] == "ldn") & (truth["against"] == "placebo")]
    rows = shifts.merge(planted, left_on=["feature", "contrast"], right_on=["feature", "target"])
    # With many non-detects the substituted values, not the truth, are estimated: see the methods.
    few = rows[(rows["below_reference"] + rows["below_target"]) / (rows["n_reference"] + rows["n_target"]) < 0.1]
    known = few.dropna(subset=["ci_low", "ci_high"])
    held = (known["ci_low"] <= known["true_difference"]) & (known["true_difference"] <= known["ci_high"])
    assert len(known) > 40
    assert held.mean() > 0.85


def test_non_detects_stay_non_detects_to_the_panel(demo: Path) -> None:
    panel = pd.read_parquet(demo / "normalize" / "panel.parquet")
    below = panel[panel["status"] == "below"]
    assert set(below["feature"]) >= {"il1b", "il4", "gm_csf"}
    assert below["value"].isna().all()
    assert np.isneginf(below.loc[below["layer"] == "cytokine", "lower"]).all()
    assert np.isfinite(below["upper"]).all()


# What each planted defect is called by the check that finds it, and how often; nothing else may be a warning.
WARNINGS = {
    ("intake", "acquisition"): 1,  # the instrument's own remark on the wells with few beads
    ("calibrate", "standard_off_series"): 1,
    ("calibrate", "high_dose_hook"): 1,
    ("calibrate", "control_recovery"): 1,
    ("quality", "low_beads"): 3,
    ("quality", "possible_swap"): 1,
    ("quality", "control_out_of_control"): 1,
}


@pytest.fixture(scope="module")
def defects(demo: Path) -> pd.DataFrame:
    path = demo.parents[1] / "data" / "ldn-ms-demo" / "defects.tsv"
    return pd.read_csv(path, sep="\t", dtype=str, keep_default_na=False)


def findings_of(demo: Path) -> pd.DataFrame:
    stages = ("intake", "calibrate", "quality", "normalize", "shift")
    names = [*(f"{stage}/findings" for stage in stages), "quality/plate_findings"]
    tables = [pd.read_csv(demo / f"{name}.tsv", sep="\t", dtype=str, keep_default_na=False) for name in names]
    return pd.concat(tables, ignore_index=True)


def test_each_planted_defect_is_found_and_nothing_else_is(demo: Path, defects: pd.DataFrame) -> None:
    findings = findings_of(demo)
    warnings = findings[findings["severity"] == "warning"]
    assert warnings.groupby(["stage", "check"]).size().to_dict() == WARNINGS
    planted = defects[~defects["defect"].isin(["below_range", "above_range"])]
    assert set(planted["check"]) <= set(findings["check"])
    not_planted = set(warnings["check"]) - set(planted["check"])
    assert not_planted == {"acquisition", "control_out_of_control"}, (
        "what the instrument says of the few beads, and "
        "what the quality checks say of the plate that control_recovery found too high"
    )


def test_defects_are_found_where_they_were_planted(demo: Path, defects: pd.DataFrame) -> None:
    findings = findings_of(demo).set_index("check")
    planted = defects.set_index("defect")
    lost = findings.loc["standard_off_series"]
    assert (lost["feature"], lost["plate"]) == ("tnf", planted.loc["lost_decimal", "plate"])
    assert "Standard4 is said to hold 78125" in lost["message"]
    assert float(re.search(r"series=([0-9.]+)", lost["numbers"]).group(1)) == pytest.approx(78.125, rel=1e-3)
    hook = findings.loc["high_dose_hook"]
    assert (hook["feature"], hook["plate"]) == ("mcp1", planted.loc["hook", "plate"])
    wells = findings.loc["low_beads", "message"].str.extract(r"Well (\S+) of plate (\S+)")
    assert set(wells[0]) == set(planted.loc["low_beads", "wells"].split(";"))
    assert set(wells[1]) == {planted.loc["low_beads", "plate"]}
    assert f"plate {planted.loc['plate_shift', 'plate']}" in findings.loc["control_out_of_control", "message"]
    assert findings.loc["control_recovery", "plate"] == planted.loc["plate_shift", "plate"]
    absent = planted.loc["missing_visit", "samples"].split("-")[0]
    assert f"({absent})" in findings.loc["missed_visit", "message"]
    flagged = pd.read_csv(demo / "quality" / "samples.tsv", sep="\t", dtype=str, keep_default_na=False)
    swapped = flagged.loc[flagged["flags"].str.contains("possible_swap"), "sample"]
    assert set(swapped) == set(planted.loc["swapped_samples", "samples"].split(";"))


def test_values_out_of_the_instruments_range_keep_their_side(demo: Path, defects: pd.DataFrame) -> None:
    wells = pd.read_parquet(demo / "intake" / "wells.parquet")
    for side, status in (("below_range", "below"), ("above_range", "above")):
        rows = wells[(wells["type"] == "sample") & (wells["status"] == status)]
        read = set(zip(rows["plate"], rows["well"], rows["analyte_as_written"], strict=True))
        planted = {
            (row["plate"], well, row["analyte"])
            for row in defects[defects["defect"] == side].to_dict("records")
            for well in row["wells"].split(";")
        }
        assert read == planted


def test_the_plate_that_read_too_high_is_brought_back_by_its_bridges(demo: Path) -> None:
    factors = pd.read_csv(demo / "normalize" / "plate_factors.tsv", sep="\t")
    offsets = factors.groupby("plate")["offset"].median()
    assert offsets.idxmin() == "P4"
    others = offsets.drop("P4").mean()
    assert offsets["P4"] - others == pytest.approx(-np.log2(1.414), abs=0.08)


def test_refitted_concentrations_follow_the_instruments_own(demo: Path) -> None:
    agreement = pd.read_csv(demo / "calibrate" / "agreement.tsv", sep="\t")
    assert len(agreement) == 5 * 25
    assert agreement["median_abs_log2_ratio"].max() < 0.2
    curves = pd.read_csv(demo / "calibrate" / "curves.tsv", sep="\t", keep_default_na=False)
    assert set(curves["concentration"]) == {"refit"}
    assert set(curves["model"]) <= {"4pl", "5pl"}


def test_the_plates_page_shows_every_plate_and_is_linked(demo: Path) -> None:
    report = (demo / "report" / "report.html").read_text(encoding="utf-8")
    plates = (demo / "report" / "plates.html").read_text(encoding="utf-8")
    assert 'href="plates.html"' in report
    assert re.findall(r"<h2>(Plate [^<]+)</h2>", plates) == [f"Plate P{number}" for number in range(1, 6)]
    assert "SIMULATED DATA" in plates
    assert len(plates.encode()) < 15_000_000
    assert not re.search(r"""(src|href)=["']?(https?:)?//""", plates), "the page asks the network for something"
