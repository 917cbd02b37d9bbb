"""The catalogue of public files is complete, and mistakes in one are said in plain lines."""

import hashlib
from pathlib import Path

import pytest

from cytoshift.sources.catalogue import read_catalogue
from cytoshift.study.problem import Problems
from shared_data import requires_shared, shared_study

CATALOGUE = Path(__file__).resolve().parents[3] / "data" / "public" / "sources.yaml"
FILE = "{name: a.csv, url: 'https://x.org/a', sha256: " + "a" * 64 + "}"
STUDY = "{id: one, title: t, licence: MIT, licence_url: 'https://x.org', citation: c, files: [" + FILE + "]}"


def test_every_file_is_fetched_at_a_fixed_commit_and_recognised():
    catalogue = read_catalogue(CATALOGUE)
    assert [study.id for study in catalogue.studies] == ["periodontitis", "exercise"]
    for study in catalogue.studies:
        commits = {file.url.split("/")[5] for file in study.files}
        assert len(commits) == 1
        assert len(commits.pop()) == 40
    assert "data/public/exercise/data_nk.csv" in list(catalogue.paths())


@requires_shared
def test_the_listed_sha256_are_those_of_the_real_files():
    for study in read_catalogue(CATALOGUE).studies:
        for file in study.files:
            content = (shared_study(study.id) / file.name).read_bytes()
            assert hashlib.sha256(content).hexdigest() == file.sha256, file.name


def test_an_unknown_file_is_an_error():
    with pytest.raises(KeyError, match="exercise/other"):
        read_catalogue(CATALOGUE).file("exercise", "other.csv")


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("studies: [", "cannot be read"),
        ("studies: [" + STUDY.replace("title: t", "titel: t") + "]", "studies.0.titel"),
        ("studies: [" + STUDY.replace("a.csv", "../a.csv") + "]", "studies.0.files.0.name"),
        ("studies: [" + STUDY.replace("https://x.org/a", "ftp://x.org/a") + "]", "studies.0.files.0.url"),
        (f"studies: [{STUDY}, {STUDY}]", "one/a.csv: is listed twice"),
    ],
)
def test_mistakes_name_their_place(tmp_path, text, line):
    path = tmp_path / "sources.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(Problems) as problems:
        read_catalogue(path)
    assert line in str(problems.value)
    assert all(part.startswith(str(path)) for part in str(problems.value).splitlines())


def test_a_missing_catalogue_is_one_line(tmp_path):
    with pytest.raises(Problems, match="cannot be read"):
        read_catalogue(tmp_path / "sources.yaml")
