"""R tables come out as the CSV a person would have written from R's values."""

import shutil
import subprocess
from pathlib import Path

import pytest

from cytoshift.sources.rda import rda_table_to_csv
from shared_data import requires_shared, shared_study

SYNTHETIC = Path(__file__).with_name("synthetic.rda")


def test_each_type_of_column_is_written_as_r_means_it():
    lines = rda_table_to_csv(SYNTHETIC.read_bytes(), "counts").decode().split("\n")
    assert lines == [
        "subject,visit,concentration,note,sampled,analysed",
        '2,1,295.07,"A01, first",2014-10-06,2014-10-07',
        "10,,1624.0,,,2014-10-08",
        "2,3,,<0.5,2014-10-13,",
        "",
    ]


def test_a_table_that_is_not_there_is_named_with_those_that_are():
    with pytest.raises(ValueError, match="holds no data frame 'unit'; it holds counts"):
        rda_table_to_csv(SYNTHETIC.read_bytes(), "unit")


@pytest.mark.parametrize("content", [b"", b"<html>not found</html>", SYNTHETIC.read_bytes()[:200]])
def test_a_damaged_file_is_not_a_traceback(content):
    with pytest.raises(ValueError, match=r"not a readable \.rda"):
        rda_table_to_csv(content, "counts")


@requires_shared
@pytest.mark.skipif(shutil.which("Rscript") is None, reason="R writes the .rda")
@pytest.mark.parametrize(
    ("name", "types"),
    [
        ("data_immune", "d$subject <- factor(d$subject); d$protocol <- factor(d$protocol)"),
        ("data_nk", "d$DateSampling <- as.POSIXct(d$DateSampling, tz = 'UTC'); d$DateAna <- as.Date(d$DateAna)"),
    ],
)
def test_the_exercise_tables_survive_the_way_through_r_byte_for_byte(tmp_path, name, types):
    csv = shared_study("exercise") / f"{name}.csv"
    whole = "'subject'" if name == "data_immune" else "character()"
    script = f"""
        d <- read.csv("{csv}", na.strings = "", check.names = FALSE)
        for (c in setdiff(names(d)[sapply(d, is.integer)], {whole})) d[[c]] <- as.numeric(d[[c]])
        {types}
        {name} <- structure(d, class = c("tbl_df", "tbl", "data.frame"))
        save({name}, file = "{tmp_path}/table.rda", compress = "xz")
    """
    subprocess.run(["Rscript", "-e", script], check=True, capture_output=True)
    assert rda_table_to_csv((tmp_path / "table.rda").read_bytes(), name) == csv.read_bytes()
