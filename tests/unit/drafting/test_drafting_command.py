"""What `python -m cytoshift new` writes, prints and refuses."""

from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from cytoshift.__main__ import application

TABLE = "Subject,Visit,IL-6 (pg/mL),TNF (pg/mL)\n" + "".join(
    f"secret{subject},{visit},{subject + 1}.5,{subject + 2}.25\n" for subject in range(5) for visit in ("V1", "V2")
)
STUDY = Path("config/studies/my-study.yaml")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "plate.csv").write_text(TABLE, encoding="utf-8")
    return tmp_path


def run(*arguments: str) -> Result:
    return CliRunner().invoke(application, list(arguments))


def test_new_writes_a_study_and_names_the_next_command(folder: Path) -> None:
    result = run("new", "my-study", "plate.csv")
    assert result.exit_code == 0
    assert STUDY.read_text(encoding="utf-8").startswith("# A first study file")
    assert "snakemake check --config studies=my-study" in result.output
    assert "guessed" in result.output
    assert "secret" not in result.output + STUDY.read_text(encoding="utf-8")


def test_new_does_not_replace_a_study_unless_told_to(folder: Path) -> None:
    run("new", "my-study", "plate.csv")
    STUDY.write_text("mine", encoding="utf-8")
    result = run("new", "my-study", "plate.csv")
    assert (result.exit_code, STUDY.read_text(encoding="utf-8")) == (1, "mine")
    assert "config/studies/my-study.yaml: is there already; --force replaces it" in result.output
    assert run("new", "my-study", "plate.csv", "--force").exit_code == 0
    assert STUDY.read_text(encoding="utf-8") != "mine"


@pytest.mark.parametrize("study", ["My Study", "../x", "all", "1st", "", "a" * 61])
def test_new_refuses_a_name_that_no_study_can_have(study: str, folder: Path) -> None:
    result = run("new", study, "plate.csv")
    assert result.exit_code == 1
    assert "cannot name a study" in result.output
    assert not (folder / "config").exists()


def test_every_unreadable_file_has_its_line(folder: Path) -> None:
    (folder / "broken.xlsx").write_bytes(b"PK\x03\x04 nothing")
    (folder / "empty.csv").write_text("\n", encoding="utf-8")
    result = run("new", "my-study", "plate.csv", "plaet.csv", "broken.xlsx", "empty.csv")
    lines = result.output.strip().splitlines()
    assert result.exit_code == 1
    assert len(lines) == 3
    assert any(line.startswith("plaet.csv: not found") and "plate.csv" in line for line in lines)
    assert not STUDY.exists()


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("a,b\nx,1\ny,2\n", "no column or value is the name of a known marker"),
        ("IL-6,TNF\n1,2\n3,4\n", "no column says whose the rows"),
        ("Sample,IL-6,TNF\ns1,1,2\ns2,3,4\n", "no column says when a sample was taken"),
        ("ID,IL-6 pre,IL-6 post,TNF pre,TNF post\n1,2,3,4,5\n2,3,4,5,6\n", "visits stand side by side"),
        ("Subject,Visit,IL-6,TNF\na,V1,1,2\nb,V1,2,3\n", "a shift needs two visits or two arms"),
    ],
)
def test_files_without_a_study_are_refused_with_the_reason(text: str, reason: str, folder: Path) -> None:
    (folder / "odd.csv").write_text(text, encoding="utf-8")
    result = run("new", "my-study", "odd.csv")
    assert result.exit_code == 1
    assert reason in result.output
    assert len(result.output.strip().splitlines()) == 1


def test_what_is_no_table_is_left_out_and_said(folder: Path) -> None:
    (folder / "notes.docx").write_bytes(b"x")
    result = run("new", "my-study", "plate.csv", "notes.docx")
    assert result.exit_code == 0
    assert "Left out: notes.docx: is no table" in result.output


def test_simulate_is_also_a_command(folder: Path) -> None:
    assert run("simulate", "tiny", "simulated").exit_code == 0
    assert (folder / "simulated" / "samples.csv").is_file()
