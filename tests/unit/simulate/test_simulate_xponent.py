"""A simulated plate is written as xPONENT writes it, its numbers follow from each other, its defects are listed."""

from __future__ import annotations

import csv
import re
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
import pytest

from cytoshift.intake.instruments import xponent
from cytoshift.intake.instruments.content import Content
from cytoshift.intake.instruments.readout import Options
from cytoshift.simulate.assay import Defects
from cytoshift.simulate.demo import DEMO_SEED, ldn_ms_demo
from cytoshift.simulate.raw import RawPlate
from cytoshift.simulate.study import SimulatedStudy, simulate_study
from cytoshift.simulate.writing import study_files

SEEDS = (DEMO_SEED, 4)
NO_DEFECTS = Defects()


@dataclass(frozen=True)
class File:
    """One export, taken apart by its blank lines and "DataType:" lines, and by nothing of the library."""

    blocks: dict[str, list[list[str]]]

    def table(self, name: str) -> pd.DataFrame:
        """A block as text, indexed by its first column's well ("1(1,A1)" → "A1") or name."""
        header, *rows = self.blocks[name]
        table = pd.DataFrame(rows, columns=header).set_index(header[0])
        table.index = table.index.str.replace(r"^\d+\(1,(\w+)\)$", r"\1", regex=True)
        return table.drop(columns=["Total Events"], errors="ignore")

    def grid(self, name: str) -> pd.DataFrame:
        """A block of numbers by well or name; what is no number is NaN."""
        return self.table(name).drop(columns=["Sample"], errors="ignore").apply(pd.to_numeric, errors="coerce")


def taken_apart(text: str) -> File:
    blocks: dict[str, list[list[str]]] = {}
    rows: list[list[str]] = []
    for row in csv.reader(text.splitlines()):
        if row[:1] == ["DataType:"]:
            rows = blocks.setdefault(row[1], [])
        elif row and row != ["-- CRC --"] and not row[0].startswith("CRC32"):
            rows.append(row)
    return File(blocks)


@pytest.fixture(scope="module", params=SEEDS)
def study(request: pytest.FixtureRequest) -> SimulatedStudy:
    return simulate_study(ldn_ms_demo(), request.param)


@pytest.fixture(scope="module")
def texts(study: SimulatedStudy) -> dict[str, str]:
    """The text of each plate's file by the file's name."""
    return {name.removeprefix("plates/"): text for name, text in study_files(study).items() if "plates/" in name}


@pytest.fixture(scope="module")
def files(study: SimulatedStudy, texts: dict[str, str]) -> dict[str, File]:
    """The files of a study by plate."""
    return {raw.plate.id: taken_apart(texts[name]) for name, raw in study.raw.items()}


def listed(study: SimulatedStudy, defect: str) -> dict[str, str]:
    """The one row of a defect that is planted once."""
    rows = study.defects[study.defects["defect"] == defect]
    assert len(rows) == 1
    return {str(key): str(value) for key, value in rows.iloc[0].items()}


def test_net_signals_are_the_median_less_the_mean_of_the_blanks(files: dict[str, File]) -> None:
    for file in files.values():
        median, net = file.grid("Median"), file.grid("Net MFI")
        blanks = file.table("Median")["Sample"] == "Background0"
        assert blanks.sum() == 2
        assert np.abs(net - (median - median[blanks].mean())).max(axis=None) < 1e-9
        assert (median % 0.5 == 0).all(axis=None)


def test_the_written_coefficients_reproduce_every_result(files: dict[str, File]) -> None:
    for file in files.values():
        a, b, c, d, f = file.grid("Analysis Coefficients").to_numpy()
        net, result = file.grid("Net MFI"), file.table("Result")
        dilution = pd.to_numeric(file.table("Dilution Factor")["Dilution Factor"]).fillna(1).to_numpy()[:, None]
        cells = result.drop(columns="Sample").to_numpy()
        number = pd.DataFrame(cells).apply(pd.to_numeric, errors="coerce").to_numpy()
        with np.errstate(invalid="ignore", divide="ignore"):
            computed = c * ((b / (net.to_numpy() - a)) ** (1 / f) - 1) ** (1 / d) * dilution
        measured = (result["Sample"] != "Background0").to_numpy()[:, None]
        inside = (net > a).to_numpy() & (net < a + b).to_numpy() & measured
        assert (inside == np.isfinite(number)).all()
        assert np.abs(number[inside] / computed[inside] - 1).max() < 1e-5
        assert (cells[~measured[:, 0]] == "NaN").all()
        expected = file.grid("Standard Expected Concentration").to_numpy()
        low, high = (net <= a).to_numpy() & measured, (net >= a + b).to_numpy() & measured
        for outside, sign, limits in ((low, "<", expected[-1]), (high, ">", expected[0])):
            for well, analyte in np.argwhere(outside):
                written_sign, limit = cells[well, analyte].split()
                assert (written_sign, float(limit)) == (sign, limits[analyte])


def test_summaries_follow_from_the_wells(files: dict[str, File]) -> None:
    for file in files.values():
        names = file.table("Result")["Sample"]
        result = file.grid("Result")
        groups = result.groupby(names)
        whole = groups.count() == 2
        order = file.grid("Avg Result").index
        for name, computed in (
            ("Avg Result", groups.mean()),
            ("%CV Replicates", 100 * groups.std() / groups.mean()),
        ):
            printed = file.grid(name)
            ratio = (printed / computed.loc[order, printed.columns]).where(whole.loc[order])
            assert np.nanmax(np.abs(ratio - 1)) < 1e-5
            assert (printed.isna() == ~whole.loc[order]).loc[order != "Background0"].mean(axis=None) > 0.99
        held = pd.concat([file.grid("Standard Expected Concentration"), file.grid("Control Expected Concentration")])
        recovery = file.grid("% Recovery")
        truth = held.loc[file.table("% Recovery")["Sample"]].to_numpy()
        off = np.abs(recovery - 100 * result.loc[recovery.index] / truth)
        assert (off < 0.006).mean(axis=None) > 0.99  # the lost decimal point aside


def test_standards_are_a_dilution_series_in_two_wells_each(files: dict[str, File]) -> None:
    for plate, file in files.items():
        expected = file.grid("Standard Expected Concentration")
        steps = (expected / expected.shift(-1)).iloc[:-1]
        assert ((steps / 4 - 1).abs() > 0.01).sum(axis=None) == (2 if plate == "P5" else 0)
        names = file.table("Median")["Sample"]
        assert (names[names.str.startswith(("Standard", "Control"))].value_counts() == 2).all()
        assert expected.map(lambda value: round(value, 3) == value).all(axis=None)


def test_signals_and_bead_counts_look_like_a_plate(files: dict[str, File]) -> None:
    for file in files.values():
        median, beads = file.grid("Median"), file.grid("Count")
        assert median.min(axis=None) >= 10
        assert median.max(axis=None) < 30_000
        assert beads.max(axis=None) <= 150
        assert 80 < np.median(beads) < 120


def test_an_export_begins_and_ends_as_the_software_does_it_and_says_simulated(texts: dict[str, str]) -> None:
    for text in texts.values():
        assert re.search(r"\n-- CRC --\nCRC32: [0-9A-F]{8}\n\Z", text)
        assert text.startswith('"Program","xPONENT"')
        assert "SIMULATED" in text


def test_the_reader_gives_back_what_was_simulated(study: SimulatedStudy, texts: dict[str, str]) -> None:
    for name, text in texts.items():
        raw = study.raw[name]
        readout = xponent.READER.read(Content(name, text.encode()), Options(unit="pg/mL"))
        wells = readout.wells
        assert len(wells) == raw.net.size
        indexed = wells.set_index(["well", "analyte"]).loc[[(w, a) for w in raw.wells for a in raw.analytes]]
        grids = {name: indexed[name].to_numpy().reshape(raw.net.shape) for name in indexed.columns}
        assert (grids["signal"].astype(float) == raw.median).all()
        assert (grids["net_signal"].astype(float) == raw.net).all()
        assert (grids["beads"].astype(float) == raw.beads).all()
        assert (grids["type"] == raw.kinds[:, None]).all()
        assert (grids["written"] == raw.samples[:, None]).all()
        values = grids["value"].astype(float)
        assert (np.isfinite(values) == np.isfinite(raw.result)).all()
        assert np.nanmax(np.abs(values / raw.result - 1)) < 1e-5
        standards = raw.kinds == "standard"
        assert (grids["expected"].astype(float)[standards] == raw.stated[raw.levels[standards] - 1]).all()


def test_files_differ_by_seed_and_only_by_seed() -> None:
    one, again, other = (study_files(simulate_study(ldn_ms_demo(), seed)) for seed in (8, 8, 9))
    assert one == again
    plates = [name for name in one if name.startswith("plates/")]
    assert len(plates) == 5
    assert all(one[name] != other[name] for name in plates)
    assert one["defects.tsv"] != other["defects.tsv"]


def test_wells_short_of_beads_are_the_listed_ones(study: SimulatedStudy, files: dict[str, File]) -> None:
    row = listed(study, "low_beads")
    for plate, file in files.items():
        beads = file.grid("Count")
        short = beads.index[(beads < 50).any(axis=1)].tolist()
        assert short == (row["wells"].split(";") if plate == row["plate"] else [])
        assert [r[0] for r in file.blocks["Warnings/Errors"][1:]] == [f"1,{well}" for well in short]
        if short:
            assert beads.loc[short].min(axis=None) >= 8
            assert beads.loc[short].max(axis=None) <= 25
            assert file.table("Median").loc[short, "Sample"].tolist() == row["samples"].split(";")


def test_only_the_listed_analyte_hooks(study: SimulatedStudy, files: dict[str, File]) -> None:
    row = listed(study, "hook")
    for plate, file in files.items():
        mean = file.grid("Median").groupby(file.table("Median")["Sample"]).mean()
        falls = mean.columns[mean.loc["Standard1"] < mean.loc["Standard2"]].tolist()
        assert falls == ([row["analyte"]] if plate == row["plate"] else [])


def test_the_lost_decimal_point_is_where_it_is_listed(study: SimulatedStudy, files: dict[str, File]) -> None:
    row = listed(study, "lost_decimal")
    written, meant = row["value"].split(" instead of ")
    assert written == meant.replace(".", "")
    here = files[row["plate"]].table("Standard Expected Concentration").loc[row["samples"], row["analyte"]]
    elsewhere = files["P1"].table("Standard Expected Concentration").loc[row["samples"], row["analyte"]]
    assert (here, elsewhere) == (written, meant)


def test_results_out_of_range_are_all_listed(study: SimulatedStudy, files: dict[str, File]) -> None:
    in_files = {
        (plate, well, analyte, cell)
        for plate, file in files.items()
        for analyte, cells in file.table("Result").drop(columns="Sample").items()
        for well, cell in cells.items()
        if cell[0] in "<>"
    }
    rows = study.defects[study.defects["defect"].isin(["below_range", "above_range"])]
    in_list = {
        (row["plate"], well, row["analyte"], row["value"])
        for row in rows.to_dict("records")
        for well in row["wells"].split(";")
    }
    assert in_list == in_files
    above = listed(study, "above_range")
    assert len(above["wells"].split(";")) == 2
    assert above["samples"].endswith("-V2")


def test_the_shifted_plate_reads_its_controls_too_high_and_the_others_do_not(files: dict[str, File]) -> None:
    for plate, file in files.items():
        controls = file.table("Comments")
        failed = (controls[controls["Sample"].str.startswith("Control")] == "Control Failed.").drop(columns="Sample")
        recovery = file.grid("% Recovery").loc[failed.index]
        assert np.nanmedian(recovery) == pytest.approx(141.4 if plate == "P4" else 100, rel=0.03)
        assert failed.mean(axis=None) > 0.9 if plate == "P4" else not failed.any(axis=None)


def test_two_tubes_were_exchanged_and_only_on_the_plate(study: SimulatedStudy) -> None:
    names = listed(study, "swapped_samples")["samples"].split(";")
    assert len({name.split("-")[0] for name in names}) == 2
    assert {name.split("-")[1] for name in names} == {"V2"}
    arms = study.samples.set_index("sample_id").loc[names, "arm"]
    assert arms.tolist() == ["placebo", "placebo"]
    features = [analyte.feature for analyte in study.design.analytes]
    for raw in study.raw.values():
        for well in np.flatnonzero(np.isin(raw.samples, study.values.index)):
            name = raw.samples[well]
            whose = names[1 - names.index(name)] if name in names else name
            held = np.log2(raw.concentration[well] * raw.dilution[well]) - raw.plate.shift
            assert held == pytest.approx(study.values.loc[whose, features].to_numpy(), abs=1e-9)


def test_exactly_one_visit_is_missing(study: SimulatedStudy) -> None:
    row = listed(study, "missing_visit")
    patients = study.samples[study.samples["type"] == "sample"]
    every = {f"{patient}-{visit}" for patient in patients["patient"] for visit in ("V1", "V2", "V3")}
    assert every - set(patients["sample_id"]) == {row["samples"]}


def test_a_raw_plate_that_is_too_full_is_refused() -> None:
    design = ldn_ms_demo()
    with pytest.raises(ValueError, match="a plate would hold 50 samples in 2 wells each and has room for 38"):
        simulate_study(replace(design, plates=design.plates[:3], assay=replace(design.assay, defects=NO_DEFECTS)), 1)


def test_a_defect_without_a_sample_to_plant_it_on_is_refused() -> None:
    design = ldn_ms_demo()
    few = tuple(replace(arm, subjects=2) for arm in design.arms)
    with pytest.raises(ValueError, match="no sample of arm 'placebo' at 'week_8' stands on plate 'P3'"):
        simulate_study(replace(design, arms=few), 1)


def test_without_defects_nothing_is_listed_but_what_lies_below_the_range() -> None:
    design = ldn_ms_demo()
    plates = tuple(replace(plate, shift=0.0) for plate in design.plates)
    clean = replace(design, plates=plates, losses=(), assay=replace(design.assay, defects=NO_DEFECTS))
    assert set(simulate_study(clean, 2).defects["defect"]) == {"below_range"}


def _recoveries(raw: RawPlate) -> np.ndarray:
    """The instrument's reading of each level of the standards over what it holds, levels × analytes."""
    standards = raw.kinds == "standard"
    ratio = raw.result[standards] / raw.expected[raw.levels[standards] - 1]
    return np.array([ratio[raw.levels[standards] == level].mean(axis=0) for level in range(1, len(raw.expected) + 1)])


def test_standards_read_what_they_hold_but_for_the_hook(study: SimulatedStudy) -> None:
    for raw in study.raw.values():
        recoveries = pd.DataFrame(_recoveries(raw), columns=list(raw.analytes))
        if raw.plate.id == "P3":
            recoveries.loc[0, "MCP-1"] = 1.0
        assert recoveries.iloc[1:-1].sub(1).abs().max(axis=None) < 0.2
        assert recoveries.sub(1).abs().max(axis=None) < 0.35
