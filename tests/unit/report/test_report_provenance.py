"""The manifest says what ran on what, and nothing about the machine."""

import hashlib
import json
from pathlib import Path

import pandas as pd
import pytest

from cytoshift.report.manifest import build_manifest, manifest_text
from cytoshift.report.provenance import PACKAGES, output_checksums, short_names
from report_tables import family_row

NAMES = {
    ("data/a/plate.csv", "data/b/plate.csv", "data/samples.csv"): ["a/plate.csv", "b/plate.csv", "samples.csv"],
    ("/home/me/study/x.csv",): ["x.csv"],
    ("x.csv", "a/x.csv"): ["x.csv", "a/x.csv"],
    ("data/a\\b.csv", "data/b.csv"): ["a\\b.csv", "b.csv"],
}


@pytest.mark.parametrize(("paths", "names"), NAMES.items())
def test_files_are_named_by_their_shortest_unique_end(paths: tuple[str, ...], names: list[str]) -> None:
    assert list(short_names(paths).values()) == names


@pytest.fixture
def results(tmp_path: Path) -> Path:
    root = tmp_path / "results" / "demo"
    (root / "shift").mkdir(parents=True)
    (root / "report" / "figures" / "forest").mkdir(parents=True)
    (root / "shift" / "shifts.tsv").write_text("a\n")
    (root / "report" / "figures" / "forest" / "week_16.svg").write_text("<svg/>")
    (root / "report" / "figures" / "forest" / ".snakemake_timestamp").write_text("")
    return root


def test_every_output_has_its_checksum_and_folders_are_opened(results: Path) -> None:
    found = output_checksums([results / "shift" / "shifts.tsv", results / "report" / "figures" / "forest"], results)
    assert list(found) == ["report/figures/forest/week_16.svg", "shift/shifts.tsv"]
    assert found["shift/shifts.tsv"] == hashlib.sha256(b"a\n").hexdigest()
    with pytest.raises(ValueError, match="results"):
        output_checksums([results / "shift" / "shifts.tsv"], results / "report")


def test_the_manifest_is_stable_and_knows_no_machine(results: Path, tmp_path: Path) -> None:
    def made(features: str) -> str:
        manifest = build_manifest(
            study_id="demo", seed=7, plan_sha256="ab" * 32, families=pd.DataFrame([family_row(features=features)]),
            inputs={str(tmp_path / "data" / "x.csv"): "cd" * 32}, outputs=[results / "shift" / "shifts.tsv"],
            root=results, library={"shift": "ef" * 32},
        )  # fmt: skip
        return manifest_text(manifest)

    text = made("il6,tnf")
    assert text == made("il6,tnf")
    assert text.endswith("}\n")
    assert str(tmp_path) not in text
    read = json.loads(text)
    assert read["inputs"] == {"x.csv": "cd" * 32}
    assert read["plan"]["features"] == {"week_16/inflammation": ["il6", "tnf"]}
    assert set(PACKAGES) | {"python"} == set(read["versions"])
    # what an endpoint came to is part of what was planned
    other = json.loads(made("il6"))
    assert other["plan"]["sha256"] == read["plan"]["sha256"]
    assert other["plan"]["sha256_with_features"] != read["plan"]["sha256_with_features"]
