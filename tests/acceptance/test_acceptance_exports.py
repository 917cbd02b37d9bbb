"""Every real export of an instrument, told by its content: the numbers its README states, from the file to the page.

tests/README.md says of each file what becomes of it; here it is held against the files. What is known of one reader
alone is in tests/unit/intake, and not repeated here:
test_intake_xponent: plate1 (blocks, net signal, curves, bounds, beads, recoveries, CVs), Chul, IGG_CO_1, New_Batch, the
  plate without beads, FLEXMAP 3D and INTELLIFLEX in blocks (wells, sections, bead counts, warnings);
test_intake_intelliflex: v2_2 (14 targets, 8 dry wells, the signature that is no data);
test_intake_bioplex: 10JAN07 (441, 227, 115 and 270 of 1,053; 37 outliers; 832 of 846 within 1 %; 962 backgrounds; the
  divisor of the CV), WithBlankBead (114 backgrounds, 98 inverses, 44 recoveries), RawAndSummary (36 pooled rows, 33
  CVs, 82 inverses, 73 recoveries), the XML (720 means and SDs, 705 concentrations unset);
test_intake_msd: both Workbench tables, the workbook, Methodical Mind; test_intake_elisa: the Magellan plate;
test_intake_flowjo: the workspace (19 gates, sums of the quadrants, `Single Cells` twice by its full path);
test_intake_layouts: the layout (84 samples, 11 standards, 1 blank); test_calibrate_agreement: printed numbers that
  follow from the file's own curves, and one that was altered.
"""

import html
import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from checkouts import Checkout
from cytoshift.calibrate.study import Calibrated, calibrate_study
from cytoshift.intake.flowjo import read_flowjo
from cytoshift.intake.instruments.formats import read_instrument
from cytoshift.intake.instruments.readout import Options
from cytoshift.intake.layouts import read_layout
from cytoshift.intake.read import Intake, read_study
from cytoshift.study.loading import load_study
from cytoshift.study.problem import Problems
from cytoshift.study.study import CalibratePlan, IntakePlan, stage_sections
from exports import (
    Verdict,
    auto,
    block,
    calibrate,
    claims,
    concentration,
    damaged_standards,
    export,
    folder,
    on_disk,
    read_sources,
    verdicts,
)
from shared_data import requires_shared

pytestmark = requires_shared
PLATE1 = "xponent/plate1.csv"
PLAN = Path(__file__).with_name("malaria_plate.yaml")
TABLE = verdicts()
JAN07, RAW_AND_SUMMARY = "labkey_bioplex/10JAN07_plate_1.xls", "labkey_bioplex/RawAndSummary.xlsx"


def ids(verdict: Verdict) -> str:
    return verdict.file


# ---- every file: told by its content, read or refused


def test_the_table_names_every_file_once() -> None:
    assert sorted(verdict.file for verdict in TABLE) == on_disk()[0]


def test_no_prose_is_taken_for_an_export() -> None:
    prose = on_disk()[1]
    assert len(prose) == 8
    assert {file: claims(export(file)) for file in prose if claims(export(file))} == {}


@pytest.mark.parametrize("verdict", [one for one in TABLE if one.format != "layout"], ids=ids)
def test_one_format_claims_a_file_by_its_content(verdict: Verdict) -> None:
    assert claims(export(verdict.file)) == ([verdict.format] if verdict.format else [])


@pytest.mark.parametrize("verdict", [one for one in TABLE if one.read], ids=ids)
def test_a_file_gives_as_many_wells_and_analytes_as_the_table_says(verdict: Verdict) -> None:
    content = export(verdict.file)
    if verdict.format == "layout":
        wells = read_layout(content).wells.reset_index(names="well").assign(plate="", analyte="")
    elif verdict.format == "flowjo":
        wells = read_flowjo(content).frame.rename(columns={"written": "well", "path": "analyte"}).assign(plate="")
    else:
        readout = read_instrument(content, "auto", Options())
        assert readout.format == verdict.format
        wells = readout.wells
    assert wells.groupby(["plate", "well"]).ngroups == verdict.wells
    assert wells["analyte"].nunique() == verdict.analytes
    assert len(wells) == verdict.wells * verdict.analytes
    assert not wells.duplicated(["plate", "well", "analyte"]).any()


@pytest.mark.parametrize("verdict", [one for one in TABLE if not one.read], ids=ids)
def test_a_refused_file_gets_one_line_with_the_words_of_the_table(verdict: Verdict) -> None:
    with pytest.raises(Problems) as raised:
        read_instrument(export(verdict.file), "auto", Options())
    (line,) = str(raised.value).splitlines()
    assert line.startswith(f"{verdict.file}: ")
    assert verdict.says
    assert [words for words in verdict.says if words not in line] == []


def test_a_file_that_is_there_under_two_names_is_noticed(tmp_path: Path) -> None:
    names = ["luminex_intelliflex_example_01.csv", "luminex_xPONENT_missing_optional_fields.csv"]
    assert export(f"allotropy/{names[0]}").raw == export(f"allotropy/{names[1]}").raw
    source = auto(f"allotropy/{names[0]}", unit="MFI", concentration="signal")
    source["files"] += [str(folder() / "allotropy" / names[1])]
    wells = read_instrument(export(f"allotropy/{names[0]}"), "auto", Options()).wells
    try:
        samples = wells.loc[wells["type"] == "sample", "written"].unique()
        said = read_sources(tmp_path / "samples.csv", samples, [source]).findings["message"].tolist()
    except Problems as problems:
        said = str(problems).splitlines()
    assert [line for line in said if names[0] in line and names[1] in line]


# ---- plate1.csv: what the instrument computed, recomputed, and our curves beside its own


@pytest.fixture(scope="module")
def plate() -> tuple[Intake, Calibrated]:
    study = load_study(PLAN).study
    sections = [stage_sections(study, stage) for stage in (IntakePlan, CalibratePlan)]
    for section in sections:
        section["cytokines"][0]["files"] = [str(folder() / PLATE1)]
    intake = read_study(IntakePlan.model_validate(sections[0]))
    plan = CalibratePlan.model_validate(sections[1])
    return intake, calibrate_study(intake.measurements, intake.wells, intake.instrument_curves, plan)


@pytest.fixture(scope="module")
def wells(plate: tuple[Intake, Calibrated]) -> pd.DataFrame:
    return plate[0].wells


def by_cell(wells: pd.DataFrame, column: str) -> pd.DataFrame:
    """A column as wells × analytes, names as in the file."""
    return wells.pivot(index="well", columns="analyte_as_written", values=column)  # noqa: PD010  refuses a cell twice


def printed(name: str) -> pd.DataFrame:
    """Texts of a block of plate1.csv in the same order."""
    return (
        block(PLATE1, name, 30).rename_axis(index="well", columns="analyte_as_written").sort_index().sort_index(axis=1)
    )


@pytest.mark.parametrize(("name", "column"), [("Median", "signal"), ("Net MFI", "net_signal"), ("Count", "beads")])
def test_plate1_has_thirty_analytes_in_ninety_six_wells_from_each_block(
    wells: pd.DataFrame, name: str, column: str
) -> None:
    cells = printed(name).astype(float)
    assert cells.shape == (96, 30)
    found = by_cell(wells, column).astype(float)
    assert found.index.tolist() == cells.index.tolist()
    assert found.columns.tolist() == cells.columns.tolist()
    np.testing.assert_array_equal(found, cells)


def test_plate1_net_signals_are_the_median_less_the_mean_background_exactly(wells: pd.DataFrame) -> None:
    signal = by_cell(wells, "signal")
    background = signal.loc[sorted(set(wells.loc[wells["type"] == "blank", "well"]))]
    assert background.index.tolist() == ["A1", "H12"]
    np.testing.assert_array_equal(signal - background.mean(), by_cell(wells, "net_signal"))


def test_plate1_coefficients_give_all_numeric_results(plate: tuple[Intake, Calibrated], wells: pd.DataFrame) -> None:
    curves = plate[0].instrument_curves.set_index(["source", "plate", "analyte"])
    assert len(curves) == 30
    assert set(curves["on"]) == {"net"}
    result = printed("Result")
    numeric = ~result.map(lambda text: text[0] in "<>" or text == "NaN")
    assert numeric.to_numpy().sum() == 2580
    np.testing.assert_array_equal(by_cell(wells, "value").notna(), numeric)
    np.testing.assert_array_equal(by_cell(wells, "value").to_numpy()[numeric], result.to_numpy()[numeric].astype(float))
    known = wells[wells["value"].notna()]
    curve = curves.loc[pd.MultiIndex.from_frame(known[["source", "plate", "analyte"]])]
    computed = concentration(known["net_signal"], curve) * known["dilution"].fillna(1)
    error = np.abs(computed / known["value"] - 1)
    assert error.notna().all()
    assert error.median() < 1e-4
    assert error.max() < 0.0073  # the README's largest: 0.0072


def test_plate1_results_out_of_range_keep_their_side_and_limit(
    plate: tuple[Intake, Calibrated], wells: pd.DataFrame
) -> None:
    texts = printed("Result").melt(ignore_index=False).set_index("analyte_as_written", append=True)["value"]
    cells = wells.set_index(["well", "analyte_as_written"]).loc[texts.index]
    below, above = texts.str.startswith("<"), texts.str.startswith(">")
    assert (below.sum(), above.sum()) == (208, 32)
    limit = texts.str[1:].where(below | above).astype(float) * cells["dilution"].fillna(1)
    assert ((cells["status"] == "below") == below).all()
    assert ((cells["status"] == "above") == above).all()
    assert (cells["upper"][below] == limit[below]).all()
    assert (cells["lower"][below] == 0).all()
    assert (cells["lower"][above] == limit[above]).all()
    assert np.isinf(cells["upper"][above]).all()
    assert cells.loc[below | above, "value"].isna().all()
    passed_on = plate[0].measurements["status"].value_counts()
    assert (passed_on["below"], passed_on["above"]) == (186, 24)


def test_plate1_results_that_are_no_number_are_missing_with_a_reason(wells: pd.DataFrame) -> None:
    missing = by_cell(wells, "status") == "missing"
    np.testing.assert_array_equal(missing, printed("Result") == "NaN")
    assert missing.to_numpy().sum() == 60
    assert set(wells.loc[wells["status"] == "missing", "reason"]) == {"NaN in the file"}


def test_plate1_damaged_standards_are_found_with_the_value_the_series_implies(
    plate: tuple[Intake, Calibrated], wells: pd.DataFrame
) -> None:
    damaged = damaged_standards()
    assert len(damaged) == len({analyte for analyte, *_ in damaged}) == 30
    written = wells.drop_duplicates("analyte").set_index("analyte")["analyte_as_written"]
    findings = plate[1].findings
    found = findings[findings["check"] == "standard_off_series"]
    said = dict(zip(found["feature"].map(written), found["message"], strict=True))
    assert len(found) == 30
    for analyte, standard, stated, true in damaged:
        assert (
            f"{standard} is said to hold {stated}, its dilution series implies {true}, a factor 1,000" in said[analyte]
        )
    standards = plate[1].standards
    left_out = standards[(standards["type"] == "standard") & ~standards["used"]]
    known = left_out.set_index([left_out["analyte"].map(written), "level"])[["expected", "series"]]
    wanted = pd.DataFrame(damaged).set_index([0, 1]).astype(float)
    np.testing.assert_allclose(known.loc[wanted.index], wanted, rtol=1e-12)
    assert len(known) == 30


def test_plate1_damage_is_reported_and_never_repaired(plate: tuple[Intake, Calibrated], wells: pd.DataFrame) -> None:
    cells = wells.set_index(["analyte_as_written", "level"])["expected"]
    for analyte, standard, stated, _ in damaged_standards():
        assert cells.loc[[(analyte, standard)]].tolist() == [float(stated)]
    assert (plate[1].curves["standards_left_out"] == 1).all()


def agreement_of(calibrated: Calibrated) -> pd.DataFrame:
    """Median and 95th percentile of |log2(refit / instrument)| inside LLOQ to ULOQ, from the two numbers themselves."""
    wells = calibrated.concentrations.merge(calibrated.curves[["plate", "analyte", "lloq", "uloq"]])
    both = wells[wells["concentration"].notna() & wells["instrument"].notna()]
    before_dilution = both["concentration"] / both["dilution"].where(both["type"] != "standard").fillna(1)
    inside = both[(before_dilution >= both["lloq"]) & (before_dilution <= both["uloq"])]
    size = np.abs(np.log2(inside["concentration"] / inside["instrument"])).groupby(inside["analyte"], sort=False)
    return pd.DataFrame({"compared": size.size(), "median": size.median(), "p95": size.quantile(0.95)})


def check_agreement(calibrated: Calibrated) -> pd.DataFrame:
    """The table AGREEMENT says what the numbers say, and explains what lies further apart than 0.2, and only that."""
    ours, table = agreement_of(calibrated), calibrated.agreement.set_index("analyte")
    assert table["compared"].to_dict() == ours["compared"].to_dict()
    reported = table[["median_abs_log2_ratio", "p95_abs_log2_ratio"]].astype(float)
    np.testing.assert_allclose(reported.loc[ours.index], ours[["median", "p95"]], rtol=1e-9, atol=1e-12)
    apart = reported.max(axis=1) > 0.2
    assert (table["explanation"] != "").to_dict() == apart.to_dict()
    assert "the file shows no cause" not in " ".join(table["explanation"])
    return ours


def test_plate1_refit_agrees_with_the_instrument_or_says_why_not(plate: tuple[Intake, Calibrated]) -> None:
    ours = check_agreement(plate[1])
    assert len(ours) == 30
    assert (ours["compared"] >= 40).all()
    assert ours["median"].median() < 0.1
    found = plate[1].findings
    assert "of them within 1 %" in found.loc[found["check"] == "instrument_arithmetic", "message"].item()


# ---- the others as studies: statuses and reasons reach the measurements, curves agree


@pytest.fixture(scope="module")
def jan07(tmp_path_factory: pytest.TempPathFactory) -> tuple[Intake, Calibrated]:
    samples = [f"11027-{n:02d}" for n in range(1, 15)] + [f"11024-{n:02d}" for n in range(2, 15)]
    samples += [f"6292-{n:02d}" for n in range(1, 13)]
    source = auto(JAN07, unit="pg/mL")
    intake = read_sources(tmp_path_factory.mktemp("jan07") / "samples.csv", samples, [source])
    return intake, calibrate(intake, source)


def test_bioplex_of_2007_statuses_reach_the_measurements(jan07: tuple[Intake, Calibrated]) -> None:
    measured = jan07[0].measurements
    assert (measured["sample"].nunique(), measured["analyte"].nunique(), len(measured)) == (39, 27, 1053)
    assert measured["status"].value_counts().to_dict() == {
        "observed": 441, "missing": 270, "extrapolated": 227, "below": 115
    }  # fmt: skip
    below = measured[measured["status"] == "below"]
    assert set(below["limit_source"]) == {"lowest_standard"}
    wells = jan07[0].wells
    used = wells[(wells["type"] == "standard") & ~wells["outlier"]]
    lowest = used.groupby("analyte")["expected"].min()
    np.testing.assert_array_equal(below["upper"], 4 * below["analyte"].map(lowest))
    unread = wells[(wells["type"] == "sample") & (wells["status"] == "missing")]
    assert set(unread["reason"]) == {"well not read (***)"}
    assert len(unread) == 270


def test_bioplex_of_2007_calls_in_range_what_its_own_column_does() -> None:
    """`Conc in Range` holds a number for exactly the 441 that are observed."""
    content, sheets = export(JAN07), {}
    for name, rows in content.sheets.items():
        top = next((place for place, row in enumerate(rows) if "Conc in Range" in row), None)
        if top is not None:
            sheets[name] = pd.DataFrame(rows[top + 1 :], columns=rows[top]).query("Type.str.startswith('X')")
    table = pd.concat(sheets.values())
    in_range = table["Conc in Range"].map(lambda cell: isinstance(cell, float)).to_numpy()
    assert (len(sheets), len(table), in_range.sum()) == (27, 1053, 441)
    wells = read_instrument(content, "auto", Options()).wells
    status = wells[wells["type"] == "sample"].set_index(["analyte", "well"])["status"]
    assert ((status.loc[list(zip(table["Analyte"], table["Well"], strict=True))] == "observed") == in_range).all()


def test_bioplex_of_2007_refit_agrees_with_the_instrument(jan07: tuple[Intake, Calibrated]) -> None:
    curves, standards = jan07[1].curves, jan07[1].standards
    assert len(curves) == 27
    assert (curves["model"] != "").all()
    assert (curves["blanks"] == 1).all()
    assert (curves["standards_used"] + curves["standards_left_out"] == 8).all()
    assert curves["standards_left_out"].sum() == 37
    reasons = standards.loc[(standards["type"] == "standard") & ~standards["used"], "reason"]
    assert reasons.str.contains("marked in the file").all()
    ours = check_agreement(jan07[1])
    assert len(ours) == 27
    assert ours["median"].median() < 0.1
    assert ours["median"].max() < 0.2
    found = jan07[1].findings.set_index("check")["message"]
    assert "832 of them within 1 %" in found["instrument_arithmetic"]


def test_pooled_rows_do_not_count_beside_their_wells_in_a_study(tmp_path: Path) -> None:
    source = auto(RAW_AND_SUMMARY, unit="pg/mL")
    intake = read_sources(tmp_path / "samples.csv", ["FakeSample1", "FakeSample57"], [source])
    assert len(intake.wells) == 72
    assert not intake.wells["well"].str.contains(",").any()
    measured = intake.measurements.set_index(["analyte", "well"])
    assert measured["value"].to_dict() == {
        ("analyte3", "G11"): 919.14518, ("analyte3", "H11"): 952.01371, ("analyte2", "G11"): 206.89181,
        ("analyte2", "H11"): 160.7689, ("analyte1_1", "G11"): 64.80841, ("analyte1_1", "H11"): 54.69383,
    }  # fmt: skip
    assert measured["replicate"].tolist() == [1, 2] * 3
    calibrated = calibrate(intake, source)
    assert (calibrated.curves["standards_used"] == 20).all()
    assert check_agreement(calibrated)["median"].max() < 0.1


@pytest.mark.parametrize(
    ("file", "below", "above", "largest"),
    [(RAW_AND_SUMMARY, 11, 0, 0.0012), ("labkey_bioplex/WithBlankBead.xls", 5, 8, 0.01), (JAN07, 115, 0, 0.37)],
)
def test_bioplex_curves_give_the_printed_numbers_and_the_side_of_the_others(
    file: str, below: int, above: int, largest: float
) -> None:
    """Single wells that are read; the README counts pooled rows and the blank bead as well."""
    readout = read_instrument(export(file), "auto", Options())
    curves = readout.curves.set_index("analyte").loc[readout.wells["analyte"]]
    status, net = readout.wells["status"].to_numpy(), readout.wells["net_signal"].to_numpy()
    low, high = net <= curves["d"].to_numpy(), net >= curves["a"].to_numpy()
    assert ((status == "below").sum(), (status == "above").sum()) == (below, above)
    assert low[status == "below"].all()
    assert high[status == "above"].all()
    computed = concentration(net, curves) * readout.wells["dilution"].to_numpy()
    error = np.abs(computed / readout.wells["value"].to_numpy() - 1)
    assert np.nanmedian(error) < 2e-4
    assert np.nanmax(error) < largest


def test_a_layout_names_the_wells_of_its_plate(tmp_path: Path) -> None:
    drawn = read_layout(export("serolyzer/IGG_CO_1_xponent_layout.xlsx"))
    (tmp_path / "plates.csv").write_text(
        f"file,plate,layout\nIGG_CO_1_xponent.csv,P1,{folder() / 'serolyzer' / 'IGG_CO_1_xponent_layout.xlsx'}\n"
    )
    samples = drawn.wells.loc[drawn.wells["type"] == "", "sample"]
    source = auto("serolyzer/IGG_CO_1_xponent.csv", unit="relative", plates=str(tmp_path / "plates.csv"))
    intake = read_sources(tmp_path / "samples.csv", samples, [source])
    wells = intake.wells.drop_duplicates("well").set_index("well")
    assert wells["written"].to_dict() == drawn.samples
    assert wells["type"].value_counts().to_dict() == {"sample": 84, "standard": 11, "blank": 1}
    row = [50 * 2**step for step in range(10)] + [102400]  # 1/51200 is skipped
    standards = wells.loc[[f"A{column}" for column in range(2, 13)]]
    assert standards["level"].tolist() == [f"1/{fold}" for fold in row]
    assert standards["dilution"].tolist() == row
    np.testing.assert_allclose(standards["expected"], 1 / np.array(row), rtol=1e-12)
    signal = block("serolyzer/IGG_CO_1_xponent.csv", "Median", 29).astype(float)
    np.testing.assert_array_equal(by_cell(intake.wells, "signal").loc[signal.index, signal.columns], signal)
    calibrated = calibrate(intake, source)
    assert len(calibrated.curves) == 29
    assert (calibrated.curves["standards_used"] == 11).all(), "the step that was skipped is no damaged standard"
    said = " ".join([*intake.findings["message"], *calibrated.findings["message"]])
    assert [code for code in samples if re.search(rf"\b{re.escape(code)}\b", said)] == [], "a person's code is shown"


@pytest.mark.parametrize("concentration_", ["instrument", "signal"])
def test_a_plate_without_beads_has_no_number_in_a_study(tmp_path: Path, concentration_: str) -> None:
    file = "allotropy/luminex_xPONENT_NaN_and_not_reported_values.csv"
    source = auto(file, unit="MFI", concentration=concentration_)
    samples = [f"Unknown{number}" for number in range(1, 97)]
    intake = read_sources(tmp_path / "samples.csv", samples, [source])
    assert intake.wells["status"].tolist() == ["missing"] * 288
    assert intake.wells["reason"].tolist() == ["no bead was read"] * 288
    try:
        passed_on = calibrate(intake, source).measurements["status"].tolist()
    except Problems as problems:
        assert all("no concentration can be given" in line for line in str(problems).splitlines())
    else:
        assert passed_on == ["missing"] * 288


def test_a_workspace_is_read_as_the_cells_of_a_study(tmp_path: Path) -> None:
    source = auto("allotropy/flowjo_example_2.wsp", id_="flow")
    intake = read_sources(tmp_path / "samples.csv", ["Spleenocytes_Tcells_Vaccinated_Saline_004"], cells=[source])
    cells = intake.cells
    assert not cells["population"].duplicated().any()
    inside = cells.fillna({"value": 0}).groupby("parent", sort=False)["value"].apply(list)
    assert inside["t_cells"] == [4651, 13, 1968, 259]
    assert sum(inside["t_cells"]) == cells.set_index("population").loc["t_cells", "value"] == 6891
    steps = intake.findings.set_index("check").loc["gating_steps", "message"]
    assert "Lymphocytes/Single Cells, Single Cells/Single Cells" in steps
    (zero,) = cells.index[cells["status"] == "below"]
    assert "Curly Gate" in cells.loc[zero, "population_as_written"]
    assert cells.loc[zero, ["lower", "upper"]].tolist() == [0, 0.5]


# ---- the shipped workflow


@pytest.fixture(scope="module")
def results(checkout: Checkout, run_study: Callable[[str], Path]) -> Iterator[Path]:
    data = checkout.folder / "data" / "public" / "plate1.csv"
    shutil.copy(folder() / PLATE1, data)
    yield run_study("tests/acceptance/malaria_plate.yaml")
    data.unlink()


def words(page: Path) -> str:
    text = re.sub(r"(?s)<(script|style|svg)\b.*?</\1>", " ", page.read_text(encoding="utf-8"))
    return " ".join(html.unescape(re.sub(r"(?s)<[^>]+>", " ", text)).split())


def test_the_workflow_makes_the_tables_that_the_library_makes(results: Path, plate: tuple[Intake, Calibrated]) -> None:
    curves = pd.read_csv(results / "calibrate" / "curves.tsv", sep="\t")
    assert curves["analyte"].tolist() == plate[1].curves["analyte"].tolist()
    np.testing.assert_allclose(curves["c"], plate[1].curves["c"], rtol=1e-6)
    measured = pd.read_parquet(results / "calibrate" / "measurements.parquet")
    assert measured["status"].tolist() == plate[1].measurements["status"].tolist()
    for name in ("intake/wells.parquet", "calibrate/concentrations.parquet", "quality/plate_review.tsv"):
        assert (results / name).stat().st_size > 0
    for name in ("report.html", "plates.html", "tables.xlsx", "manifest.json"):
        assert (results / "report" / name).stat().st_size > 0


def test_the_plates_page_shows_every_curve_and_every_standard_left_out(results: Path) -> None:
    drawing = (results / "report" / "figures" / "curves" / "luminex-plate1.svg").read_text(encoding="utf-8")
    assert len(re.findall(r'<g id="axes_\d+">', drawing)) == 30
    page = (results / "report" / "plates.html").read_text(encoding="utf-8")
    tables = dict(re.findall(r"(?s)<caption>(.*?)</caption>(.*?)</table>", page))
    names = ("Analytes of plate plate1", "Standards of plate plate1 that were left out of the fit")
    analytes, left_out = (re.findall(r"(?s)<tr>.*?</tr>", tables[name]) for name in names)
    assert sum("<td" in row for row in analytes) == 30
    rows = [row for row in left_out if "<td" in row]
    assert len(rows) == 30
    text = " ".join(rows)
    for _, standard, stated, true in damaged_standards():
        assert f"{float(stated):,.0f}" in text
        assert f"{float(true):,.3f}" in text
        assert standard in text
    assert "Standard off series" in words(results / "report" / "plates.html")


def test_the_report_claims_nothing_and_says_what_was_given(results: Path) -> None:
    page = words(results / "report" / "report.html")
    assert "no drug given" in page
    assert "This is an exploratory study: no primary endpoint was planned, so nothing is claimed" in page
    assert "was not randomised" in page
    decisions = pd.read_csv(results / "shift" / "decisions.tsv", sep="\t")
    assert len(decisions) == 120
    assert set(decisions["tier"]) == {"exploratory"}
    assert "rejected" not in set(decisions["decision"].dropna())
    names = block(PLATE1, "Median", 30, first=1)["Sample"].str.extract(r"^[BM]_sid_(?P<subject>.+)_(?P<stimulus>\w+)$")
    people = {stimulus: set(part["subject"]) for stimulus, part in names.groupby("stimulus")}
    assert len(people["DMSO"]) == 17
    pairs = pd.read_csv(results / "shift" / "shifts.tsv", sep="\t").groupby("contrast")["n_pairs"].max()
    assert pairs.to_dict() == {
        f"stimulus.{name.lower()}": len(people[name] & people["DMSO"]) for name in ("AMA1", "CSP", "HBS", "PHA")
    }
