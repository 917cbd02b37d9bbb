"""The shipped workflow on an instrument's own files: from raw signals behind layouts to the report and its plates."""

import shutil
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from checkouts import Checkout, add_raw_study, copy_workflow, edit
from cytoshift.frames import read_table
from cytoshift.tables import TABLES
from raw_study import LEVELS, SHIFT_OF_P2, raw_study

pytestmark = pytest.mark.workflow
FEATURES = {"IL-6": "il6", "TNF-α": "tnf", "IL-10": "il10"}


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Checkout:
    """The raw study, run once from its files to the report."""
    folder = tmp_path_factory.mktemp("finished") / "raw"
    copy_workflow(folder)
    add_raw_study(folder)
    checkout = Checkout(folder)
    run = checkout.snakemake()
    assert run.returncode == 0, run.stdout + run.stderr
    return checkout


@pytest.fixture
def raw(finished: Checkout, tmp_path: Path) -> Checkout:
    """A copy of the finished study, file times kept, so that Snakemake sees nothing to do."""
    folder = tmp_path / "raw"
    shutil.copytree(finished.folder, folder)
    return Checkout(folder)


def table(checkout: Checkout, stage: str, name: str, ending: str = "tsv") -> pd.DataFrame:
    return read_table(checkout.folder / "results" / "raw" / stage / f"{name}.{ending}", TABLES[name])


def test_concentrations_behind_the_layouts_are_those_that_were_put_there(finished: Checkout) -> None:
    measured = table(finished, "calibrate", "measurements", "parquet")
    found = np.log2(measured.groupby(["sample", "plate", "analyte"])["value"].mean()).rename("found").reset_index()
    truth = raw_study().values
    people = found[found["sample"] != "BRIDGE"]
    assert len(people) == 12 * len(LEVELS)
    names = {feature: written for written, feature in FEATURES.items()}
    true = np.array([truth.loc[row.sample, names[row.analyte]] for row in people.itertuples()])
    true = true + np.where(people["plate"] == "P2", SHIFT_OF_P2, 0.0)  # as the plate reads
    assert np.abs(people["found"] - true).max() < 0.35
    assert np.abs(people["found"] - true).median() < 0.1


def test_bridge_samples_take_the_plates_error_away(finished: Checkout) -> None:
    factors = table(finished, "normalize", "plate_factors").pivot_table(
        index="feature", columns="plate", values="offset"
    )
    np.testing.assert_allclose(factors["P2"] - factors["P1"], -SHIFT_OF_P2, atol=0.2)
    shifts = table(finished, "shift", "shifts").set_index("feature")
    assert set(shifts["n_pairs"]) == {6}
    for written, (_, ratio) in LEVELS.items():
        assert abs(np.log2(shifts.loc[FEATURES[written], "ratio"] / ratio)) < np.log2(1.4)
    assert set(shifts.index) == {*FEATURES.values(), "cd4_t_cells", "treg"}


def test_the_plates_have_a_page_of_their_own(finished: Checkout) -> None:
    report = finished.folder / "results" / "raw" / "report"
    page = (report / "plates.html").read_text(encoding="utf-8")
    for words in ("P1", "P2", "IL-6", "TNF-α", "simulated"):
        assert words.casefold() in page.casefold(), words
    assert 'href="plates.html' in (report / "report.html").read_text(encoding="utf-8")


def test_plates_have_the_same_bytes_on_other_cores_and_with_another_hash_seed(
    finished: Checkout, tmp_path: Path
) -> None:
    folder = tmp_path / "elsewhere"
    copy_workflow(folder)
    add_raw_study(folder)
    kinds = ("curves", "plate_map", "controls", "ranges")
    targets = [f"results/raw/report/figures/{kind}" for kind in kinds]
    run = Checkout(folder).snakemake(*targets, "--cores=1", PYTHONHASHSEED="4242", TZ="Asia/Kathmandu")
    assert run.returncode == 0, run.stdout + run.stderr
    here, there = finished.results(), Checkout(folder).results()
    assert {"raw/calibrate/curves.tsv", "raw/calibrate/agreement.tsv", "raw/quality/plate_review.tsv"} <= set(there)
    assert {name.split("/")[3] for name in there if "/figures/" in name} == set(kinds)
    assert [name for name in there if here[name] != there[name]] == []


def test_another_choice_of_curve_is_fitted_without_reading_the_files_again(raw: Checkout) -> None:
    edit(raw.folder / "config" / "studies" / "raw.yaml", "calibrate: {curve: auto}", "calibrate: {curve: 4pl}")
    rules = raw.planned_rules()
    expected = {"calibrate_fit", "quality_plates", "quality_review", "shift_estimate", "report_plates", "report_page"}
    assert expected <= rules
    assert "intake_read" not in rules


def test_an_edit_of_the_fitting_code_does_not_read_the_files_again(raw: Checkout) -> None:
    edit(raw.folder / "workflow" / "scripts" / "cytoshift" / "calibrate" / "fit.py", '"""', '"""Edited. ')
    rules = raw.planned_rules()
    assert {"calibrate_fit", "quality_plates", "report_plates"} <= rules
    assert "intake_read" not in rules


def test_a_plate_that_was_cut_off_is_one_line_and_spares_the_results(raw: Checkout) -> None:
    before = raw.results()
    time.sleep(1.1)  # file systems with whole seconds
    plate = raw.folder / "data" / "raw" / "plates" / "plate_2.csv"
    lines = plate.read_text(encoding="utf-8").splitlines(keepends=True)
    plate.write_text("".join(lines[:-1]), encoding="utf-8")
    run = raw.snakemake()
    said = run.stdout + run.stderr
    assert run.returncode != 0
    assert "Traceback" not in said
    assert len({line.strip() for line in said.splitlines() if line.strip().startswith("data/raw/plates/")}) == 1, said
    assert raw.results() == before
