"""The demo that ships with the project is what its generator writes, and says that it is simulated."""

from __future__ import annotations

import csv
import re
from importlib.resources import files
from pathlib import Path

import pytest

from cytoshift.simulate.__main__ import main
from cytoshift.simulate.demo import DEMO_SEED, ldn_ms_demo
from cytoshift.simulate.study import simulate_study, true_differences
from cytoshift.simulate.writing import study_files, write_study

PLANTED = {
    "missing_visit", "plate_shift", "swapped_samples", "low_beads", "hook", "lost_decimal", "below_range",
    "above_range",
}  # fmt: skip
DEMO = Path(__file__).parents[3] / "data" / "ldn-ms-demo"


def test_the_committed_demo_is_what_its_command_writes(tmp_path: Path) -> None:
    main(["ldn-ms-demo", str(tmp_path)])
    written = {path.relative_to(tmp_path): path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    committed = {path.relative_to(DEMO): path.read_bytes() for path in DEMO.rglob("*") if path.is_file()}
    assert sorted(written) == sorted(committed)
    assert [name for name, content in written.items() if committed[name] != content] == []


def test_the_demo_is_small() -> None:
    assert sum(path.stat().st_size for path in DEMO.rglob("*") if path.is_file()) < 1_500_000


def test_the_readme_says_simulated_and_names_seed_and_command() -> None:
    text = (DEMO / "README.md").read_text(encoding="utf-8")
    assert "SIMULATED" in text
    assert f"Seed: {DEMO_SEED}." in text
    command = re.search(r"python -m cytoshift\.simulate (\S+) (\S+) --seed (\d+)", text)
    assert command is not None
    assert command.groups() == ("ldn-ms-demo", "data/ldn-ms-demo", str(DEMO_SEED))


def test_the_demo_falls_where_it_should_and_nowhere_else() -> None:
    truth = true_differences(ldn_ms_demo())
    week_16 = truth[(truth["target"] == "week_16") & (truth["against"] == "placebo")].set_index("feature")
    ratio = 2 ** week_16.loc[week_16["scale"] == "log2", "true_difference"]
    assert ratio[["il6", "tnf", "il1b", "il12p70", "il17a", "ip10"]].between(0.65, 0.85).all()
    assert (ratio[["il4", "il10", "rantes", "vegf_a", "neutrophils", "leukocytes", "platelets"]] == 1).all()
    assert ratio["beta_endorphin"] > 1.2


def test_every_feature_of_the_truth_is_one_of_the_vocabulary() -> None:
    known = set()
    for name in ("analytes.tsv", "populations.tsv"):
        text = files("cytoshift.vocabulary").joinpath(name).read_text(encoding="utf-8")
        known |= {row["id"] for row in csv.DictReader(text.splitlines(), delimiter="\t")}
    truth = true_differences(ldn_ms_demo())
    assert set(truth.loc[truth["layer"] != "outcome", "feature"]) - known == set()


def test_the_readme_names_every_planted_defect() -> None:
    text = (DEMO / "README.md").read_text(encoding="utf-8")
    with (DEMO / "defects.tsv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file, delimiter="\t"))
    assert {row["defect"] for row in rows} == PLANTED
    for row in rows:
        assert f"| {row['defect']} |" in text
        assert row["analyte"] in text
    once = [row["defect"] for row in rows if row["defect"] != "below_range"]
    assert sorted(once) == sorted(PLANTED - {"below_range"})


def test_written_files_are_utf8_with_plain_line_ends(tmp_path: Path) -> None:
    study = simulate_study(ldn_ms_demo(), 5)
    paths = write_study(study, tmp_path / "new" / "folder")
    assert [str(path.relative_to(tmp_path / "new" / "folder")) for path in paths] == list(study_files(study))
    for path in paths:
        content = path.read_bytes()
        assert content.endswith(b"\n")
        assert b"\r" not in content
    assert "b-Endorphin" in (tmp_path / "new/folder/plates/plate_1.csv").read_text("utf-8")


def test_another_seed_is_said_in_the_readme(tmp_path: Path) -> None:
    main(["tiny", str(tmp_path), "--seed", "3"])
    assert "Seed: 3." in (tmp_path / "README.md").read_text(encoding="utf-8")


def test_an_unknown_study_lists_the_known_ones(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["ldn", "somewhere"])
    message = capsys.readouterr().err
    assert "'ldn'" in message
    assert "ldn-ms-demo" in message
