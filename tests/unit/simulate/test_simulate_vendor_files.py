"""Files of any size are read back as what was simulated, and nothing odd is said of them."""

from __future__ import annotations

import io

import numpy as np
import pandas as pd
import pytest

from cytoshift.intake.instruments import msd, olink, xponent
from cytoshift.intake.instruments.content import Content
from cytoshift.intake.instruments.readout import Options
from cytoshift.simulate.vendor_files import olink_long, raw_plates, sample_sheet, write_msd, write_olink
from cytoshift.simulate.xponent import write_xponent

PG = Options(unit="pg/mL")


@pytest.mark.parametrize(("plates", "analytes", "samples", "wells"), [(2, 3, 5, 96), (1, 40, 36, 96), (1, 2, 180, 384)])
def test_plates_are_as_many_and_as_large_as_asked(plates: int, analytes: int, samples: int, wells: int) -> None:
    made = list(raw_plates(plates, analytes, samples, seed=1))
    assert [name for name, _ in made] == [f"plate_{p + 1}.csv" for p in range(plates)]
    for _, raw in made:
        assert raw.net.shape == (len(raw.wells), analytes)
        assert raw.assay.plate_rows * raw.assay.plate_columns == wells
        assert (raw.kinds == "sample").sum() == 2 * samples
    sheet = sample_sheet(plates, samples)
    on_plates = {name for _, raw in made for name in raw.samples[raw.kinds == "sample"]}
    assert sheet["sample"].is_unique
    assert on_plates == set(sheet["sample"])
    assert set(sheet["visit"]) == {"V1", "V2"}


def test_more_samples_than_wells_are_refused() -> None:
    with pytest.raises(ValueError, match="200 samples in 2 wells each and has room for 182"):
        next(raw_plates(1, 2, 200, seed=1))


def test_the_same_seed_gives_the_same_plates() -> None:
    texts = [[write_xponent(raw, name) for name, raw in raw_plates(2, 4, 6, seed)] for seed in (1, 1, 2)]
    assert texts[0] == texts[1]
    assert texts[0][0] != texts[2][0]
    assert texts[0][0] != texts[0][1]


def test_windows_line_ends_are_the_only_difference_of_windows_line_ends() -> None:
    _, raw = next(raw_plates(1, 3, 4, seed=1))
    plain, windows = write_xponent(raw, "B"), write_xponent(raw, "B", line_end="\r\n")
    read = [xponent.READER.read(Content("p.csv", text.encode()), PG) for text in (plain, windows)]
    pd.testing.assert_frame_equal(read[0].wells, read[1].wells)
    assert read[0].remarks == []


def test_msd_files_are_read_back() -> None:
    _, raw = next(raw_plates(1, 12, 10, seed=5))
    content = Content("msd.csv", write_msd(raw).encode())
    assert msd.READER.sniff(content)
    readout = msd.READER.read(content, PG)
    assert [remark.check for remark in readout.remarks if remark.severity == "warning"] == []
    wells = readout.wells
    assert len(wells) == raw.net.size
    indexed = wells.set_index(["well", "analyte"]).loc[[(w, a) for w in raw.wells for a in raw.analytes]]
    signal, value = (indexed[name].to_numpy(float).reshape(raw.net.shape) for name in ("signal", "value"))
    assert (signal == np.rint(raw.median)).all()
    assert np.nanmax(np.abs(value / raw.result - 1)) < 1e-6
    assert (wells["type"] == "standard").sum() == (raw.kinds == "standard").sum() * 12


def test_olink_tables_are_read_back_from_text_and_parquet() -> None:
    table = olink_long(samples=100, assays=30, seed=2)
    assert len(table) == 3000
    stored = io.BytesIO()
    table.to_parquet(stored)
    for content in (Content("olink.csv", write_olink(table).encode()), Content("o.parquet", stored.getvalue())):
        assert olink.READER.sniff(content)
        wells = olink.READER.read(content, Options(unit="NPX")).wells
        assert np.allclose(wells["value"].to_numpy(float), table["NPX"], atol=1e-9)
        assert wells["written"].tolist() == table["SampleID"].astype(str).tolist()
        assert wells["plate"].nunique() == 2


def test_olink_tables_differ_by_seed_and_only_by_seed() -> None:
    one, again, other = (write_olink(olink_long(4, 5, seed)) for seed in (1, 1, 2))
    assert one == again
    assert one != other
