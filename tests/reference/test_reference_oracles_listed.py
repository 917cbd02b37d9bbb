"""docs/oracles.md says what was checked against what: nothing left out, nothing that is not there."""

import re
from pathlib import Path

import pandas as pd

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
PAGE = (ROOT / "docs" / "oracles.md").read_text(encoding="utf-8")
TEST_FILE = re.compile(r"`((?:reference|unit|acceptance)/[\w/]+\.py)`")
TOLERANCE = re.compile(r"\b[0-9]e-[0-9]+\b")


def topics() -> list[Path]:
    return sorted(path for path in HERE.iterdir() if path.is_dir() and any(path.glob("*.R")))


def table_rows() -> list[list[str]]:
    """Rows of the tables on tests, cell by cell."""
    return [line.replace("\\|", "/").strip("| ").split(" | ") for line in PAGE.splitlines() if TEST_FILE.search(line)]


def test_every_topic_is_named_and_every_named_topic_exists() -> None:
    assert len(topics()) >= 12
    named = set(re.findall(r"`reference/([a-z_]+)`", PAGE))
    assert named == {path.name for path in topics()}


def test_every_reference_test_is_in_the_table_and_every_test_in_it_exists() -> None:
    named = set(TEST_FILE.findall(PAGE))
    missing = [name for name in sorted(named) if not (ROOT / "tests" / name).is_file()]
    assert missing == []
    own = {f"reference/{path.name}" for path in HERE.glob("test_*.py") if path.name != Path(__file__).name}
    assert own - named == set()


def test_tolerances_are_those_of_the_tests() -> None:
    told = 0
    for row in table_rows():
        code = "".join((ROOT / "tests" / name).read_text(encoding="utf-8") for name in TEST_FILE.findall(row[-1]))
        found = TOLERANCE.findall(" ".join(row[1:-1]))
        assert [number for number in found if number not in code] == [], row[0]
        told += len(found)
    assert told > 80


def test_versions_are_those_that_made_the_numbers() -> None:
    versions = " ".join(PAGE.split("\n\n")[2].split())
    for topic in topics():
        stated = topic / "version.txt"
        lines = stated.read_text(encoding="utf-8").splitlines() if stated.is_file() else []
        for line in lines:
            found = re.match(r"(?:R version ([0-9.]+)|(\w+)\s([0-9.]+)$)", line)
            if found is None:
                continue
            name, version = found[2] or "R", found[1] or found[3]
            assert f"{name} {version}" in versions, f"{topic.name}: {line}"


def test_links_and_scripts_exist() -> None:
    for target in re.findall(r"\]\(([\w./]+)\)", PAGE):
        assert (ROOT / "docs" / target).is_file(), target
    for script in re.findall(r"`(benchmarks/\w+\.py)`", PAGE):
        assert (ROOT / script).is_file(), script


def test_what_reml_changes_follows_from_the_p_values_of_lmertest() -> None:
    expected = pd.read_csv(HERE / "mixed" / "npx_expected.tsv", sep="\t")
    for name, words in (("time", "time"), ("interaction", "time × arm")):
        ml, reml = (expected[f"{name}_p_value_{likelihood}"] for likelihood in ("ml", "reml"))
        ratio, alone = ml / reml, ((ml < 0.05) & (reml >= 0.05)).sum()
        cells = [
            words, f"{ratio.median():.3f}", f"{ratio.min():.2f}–{ratio.max():.3f}", str((ml < 0.05).sum()),
            str((reml < 0.05).sum()), f"{alone} of {len(ml)}", str(((ml >= 0.05) & (reml < 0.05)).sum()),
        ]  # fmt: skip
        assert "| " + " | ".join(cells) + " |" in PAGE
        assert (ml <= reml).all()
