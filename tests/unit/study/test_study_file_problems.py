"""Files that a study file names and that are not there."""

from pathlib import Path

import pytest

from cytoshift.study.file_problems import missing_file


@pytest.mark.parametrize("folder", [True, False])
def test_a_public_file_not_there_says_how_to_fetch_it(tmp_path: Path, folder: bool) -> None:
    name = "data/public/exercise/data_nk.csv"
    if folder:
        (tmp_path / name).parent.mkdir(parents=True)
    message = missing_file(name, tmp_path)
    assert message.endswith("; fetch it with: snakemake public_data --config studies=ldn-ms-demo")
    assert "fetch" not in missing_file("data/mine.csv", tmp_path)
