"""What an xPONENT export says: of real files with known answers, and of small ones composed for one question each."""

from functools import cache

import numpy as np
import pytest

import xponent_files as files
from cytoshift.intake.instruments import xponent
from cytoshift.intake.instruments.content import Content
from cytoshift.intake.instruments.formats import read_instrument
from cytoshift.intake.instruments.readout import Options
from cytoshift.intake.texts import read_delimited
from shared_data import requires_shared, shared_study

NAN, INF = np.nan, np.inf


@cache
def real(folder, name):
    raw = (shared_study("instrument_exports") / folder / name).read_bytes()
    content = Content(name, raw)
    assert xponent.sniff(content)
    return read_instrument(content, "xponent", Options()), read_delimited(raw).rows


def plate1():
    return real("xponent", "plate1.csv")


def grid(readout, column):
    """A column as wells × analytes, in the order of the file."""
    return readout.wells[column].to_numpy().reshape(-1, readout.wells["analyte"].nunique())


def raw_block(rows, name, columns):
    """Texts of a block keyed by Location, rows in the file's order, straight from the cells."""
    start = next(place for place, row in enumerate(rows) if row[:2] == ["DataType:", name]) + 2
    stop = next(place for place, row in enumerate(rows) if place > start and "(" not in (row[:1] or [""])[0])
    return np.array([row[2 : 2 + columns] for row in rows[start:stop]])


def checks(readout):
    return [remark.check for remark in readout.remarks]


def message(readout, check):
    return " | ".join(remark.message for remark in readout.remarks if remark.check == check)


@requires_shared
def test_plate1_has_thirty_analytes_in_ninety_six_wells_from_each_block():
    readout, rows = plate1()
    assert readout.wells.shape[0] == 2880
    assert readout.wells["well"].nunique() == 96
    kinds = readout.wells.groupby("type")["well"].nunique().to_dict()
    assert kinds == {"sample": 71, "standard": 17, "control": 6, "blank": 2}
    for block, column in {"Median": "signal", "Net MFI": "net_signal", "Count": "beads"}.items():
        assert np.array_equal(grid(readout, column), raw_block(rows, block, 30).astype(float))
    result = raw_block(rows, "Result", 30).ravel()
    numeric = ~np.isnan(readout.wells["value"].to_numpy())
    assert numeric.sum() == 2580
    assert np.array_equal(readout.wells["value"][numeric], result[numeric].astype(float))


@requires_shared
def test_plate1_net_signal_is_the_median_less_the_mean_of_the_blanks():
    readout, _ = plate1()
    signal = grid(readout, "signal")
    blank = grid(readout, "type")[:, 0] == "blank"
    net = signal - signal[blank].mean(axis=0)
    assert np.abs(net - grid(readout, "net_signal")).max() == 0
    assert (net < 0).sum() == 224


@requires_shared
def test_plate1_coefficients_give_every_number_and_say_which_wells_are_out_of_range():
    readout, _ = plate1()
    wells = readout.wells.merge(readout.curves, on=["plate", "analyte"], validate="many_to_one")
    assert (len(readout.curves), set(readout.curves["on"])) == (30, {"net"})
    y, lower, upper = wells["net_signal"], wells["d"], wells["a"]
    numeric = wells["value"].notna()
    # y = d + (a − d)/(1 + (x/c)^b)^g, solved for x
    with np.errstate(invalid="ignore"):
        x = wells["c"] * (((upper - lower) / (y - lower)) ** (1 / wells["g"]) - 1) ** (1 / wells["b"])
    deviation = np.abs(x * wells["dilution"].fillna(1) / wells["value"] - 1)[numeric]
    assert len(deviation) == 2580
    assert deviation.median() < 1e-4
    assert deviation.quantile(0.99) < 1e-3
    assert deviation.max() < 0.008
    measured = wells["type"] != "blank"
    assert ((y <= lower) == (wells["status"] == "below"))[measured].all()
    assert ((y >= upper) == (wells["status"] == "above"))[measured].all()
    assert sorted(readout.curves["r_squared"])[::29] == pytest.approx([0.773, 0.9988], abs=5e-4)
    assert (readout.curves["r_squared"] < 0.95).sum() == 14


@requires_shared
def test_plate1_bounds_are_the_outer_standards_times_the_dilution():
    readout, rows = plate1()
    wells = readout.wells
    assert wells["status"].value_counts().to_dict() == {
        "observed": 2402, "below": 208, "extrapolated": 178, "missing": 60, "above": 32
    }  # fmt: skip
    bound = wells[wells["status"].isin(["below", "above"])]
    assert (bound["type"] == "sample").sum() == 210
    texts = raw_block(rows, "Result", 30).ravel()[bound.index]
    limit = np.array([float(text[1:]) for text in texts])
    below = (bound["status"] == "below").to_numpy()
    assert np.array_equal(below, np.char.startswith(texts, "<"))
    factor = bound["dilution"].fillna(1).to_numpy()
    assert np.array_equal(np.where(below, bound["upper"], bound["lower"]), limit * factor)
    assert (bound["lower"][below] == 0).all()
    assert np.isinf(bound["upper"][~below]).all()
    standards = wells[wells["level"].isin(["Standard1", "Standard16"])].pivot_table(
        index="analyte", columns="level", values="expected"
    )
    outer = standards.loc[bound["analyte"]].to_numpy()
    assert np.array_equal(limit, np.where(below, outer[:, 1], outer[:, 0]))
    assert "210 bounds (< 186, > 24) of diluted wells" in message(readout, "limits_and_dilution")


@requires_shared
def test_plate1_gaps_extrapolated_values_and_failed_controls_are_said():
    readout, _ = plate1()
    wells = readout.wells
    missing = wells[wells["status"] == "missing"]
    assert set(missing["type"]) == {"blank"}
    assert set(missing["well"]) == {"A1", "H12"}
    assert set(missing["reason"]) == {"NaN in the file"}
    extrapolated = wells["status"] == "extrapolated"
    assert (wells.loc[extrapolated, "type"] == "sample").sum() == 148
    assert set(wells.loc[extrapolated, "reason"]) == {"Extrapolated"}
    assert set(wells.loc[wells["type"] == "control", "reason"]) == {"Control Failed."}
    assert "90 of 90 cells" in message(readout, "control_range")


@requires_shared
def test_plate1_beads_recoveries_and_summaries():
    readout, _ = plate1()
    wells = readout.wells
    assert (wells["beads"].min(), wells["beads"].median(), wells["beads"].max()) == (98, 142, 476)
    low = wells[wells["beads"] < 100]
    assert low[["well", "analyte"]].to_numpy().tolist() == [["B9", "G-CSF"]]
    known = wells[wells["reported_recovery"].notna()]
    assert len(known) == 660
    recovery = 100 * known["value"] / known["expected"]
    off = ~np.isclose(recovery, known["reported_recovery"], atol=0.0051)
    assert off.sum() == 30  # the standards that lost their decimal point, which calibrate finds
    assert np.allclose(1000 * recovery[off], known["reported_recovery"][off], atol=0.0051)
    fgf = wells[(wells["analyte"] == "FGF") & (wells["level"] == "Standard5")].iloc[0]
    assert (fgf["expected"], fgf["reported_recovery"]) == (215625, 98.48)
    numbers = wells[wells["value"].notna() & wells["reported_cv"].notna()].groupby(["written", "analyte"])
    pairs = numbers.filter(lambda wells: len(wells) == 2).groupby(["written", "analyte"])
    cv = 100 * pairs["value"].std(ddof=1) / pairs["value"].mean()
    assert len(cv) == 115
    assert np.allclose(cv, pairs["reported_cv"].first(), rtol=1e-6)
    assert np.allclose(pairs["value"].mean(), pairs["reported_mean"].first(), rtol=1e-9)
    assert "MIP1A of Standard1, VEGF of Standard1, IFNa of Standard1" in message(readout, "cv_without_numbers")
    censored = wells["analyte"].isin(["MIP1A", "VEGF", "IFNa"]) & (wells["level"] == "Standard1")
    assert wells.loc[censored, "reported_cv"].isna().all()


@requires_shared
def test_plate1_says_where_each_number_stands_and_what_wrote_it():
    readout, rows = plate1()
    wells = readout.wells
    place = wells[(wells["well"] == "B1") & (wells["analyte"] == "FGF")].iloc[0]
    row = rows[place["source_row"] - 1]
    assert float(row[2]) == place["value"]
    assert row[0] == "2(1,B1)"
    assert place["source_column"] == "FGF"
    assert set(wells["unit"]) == {"pg/mL"}
    assert set(wells["plate"]) == {""}
    assert readout.software == "xPONENT 3.1.871.0"
    facts = {"batch": "plate_1", "instrument": "LX100/LX200", "run_date": "2014-02-28", "exported": "2014-02-26"}
    assert facts.items() <= readout.about.items()
    assert readout.about["min_beads"] == "100"
    assert "head says 91 samples, 96 wells follow" in message(readout, "samples_announced")
    assert 'did not reach the maximum count. (0x4FF010AB)" for 1 well (B9)' in message(readout, "acquisition")


@requires_shared
def test_chul_is_matched_by_location_though_its_blocks_name_samples_differently():
    readout, _ = real("serolyzer", "Chul_TotalIgG_2.csv")
    wells, signal = readout.wells, grid(readout, "signal")
    assert signal.shape == (96, 10)
    blank = grid(readout, "type")[:, 0] == "blank"
    assert blank.sum() == 2
    assert np.abs(signal - signal[blank].mean(axis=0) - grid(readout, "net_signal")).max() == 0
    assert (wells["beads"].min(), wells["beads"].median()) == (28, 98)
    assert ((wells["beads"] < 50).sum(), (wells["beads"] < 30).sum()) == (20, 1)
    assert "head says 88 samples, 96 wells follow" in message(readout, "samples_announced")
    assert message(readout, "acquisition").startswith("Ok: ")
    assert "for 7 wells" in message(readout, "acquisition")
    assert "Dilution Factor calls B3, C3, D3 by other sample names" in message(readout, "names_differ")
    assert set(wells["status"]) == {"missing"}
    assert set(wells["reason"]) == {"no concentrations in the file"}
    assert set(wells["unit"]) == {""}
    assert (readout.about["run_date"], len(readout.curves)) == ("2024-03-25", 0)


@requires_shared
def test_igg_has_a_blank_and_standards_named_by_one_letter_and_no_net_signal():
    readout, _ = real("serolyzer", "IGG_CO_1_xponent.csv")
    wells = readout.wells
    assert grid(readout, "signal").shape == (96, 29)
    assert "Total Events" not in set(wells["analyte"])
    assert wells.groupby("type")["well"].nunique().to_dict() == {"blank": 1, "standard": 11, "sample": 84}
    assert set(wells.loc[wells["type"] == "standard", "level"]) == {""}
    assert wells["net_signal"].isna().all()
    assert "no block Net MFI" in message(readout, "blocks_absent")
    assert "11 wells called only S" in message(readout, "named_by_letter")
    assert "30 analytes, 29 analytes follow" in message(readout, "analytes_announced")
    assert "50 beads, the block Per Bead Count for 15" in message(readout, "beads_asked")
    assert (wells["beads"].min(), wells["beads"].median()) == (22, 57)
    assert ((wells["beads"] < 50).sum(), (wells["beads"] < 30).sum()) == (642, 7)
    assert readout.about["run_date"] == "2022-05-11"  # 5/11/2022: the calibrator's lot expires 09/15/2022


@requires_shared
def test_new_batch_is_a_part_of_a_plate_with_more_dilutions_than_wells():
    readout, _ = real("serolyzer", "New_Batch_14_20140513_082522.csv")
    wells = readout.wells
    assert grid(readout, "signal").shape == (75, 22)
    assert np.array_equal(wells["signal"], wells["net_signal"])
    assert set(wells["dilution"]) == {1}
    assert "speaks of 15 wells that were not read" in message(readout, "wells_not_read")
    assert message(readout, "cells_empty") == "Count has 1 cell without a number: RED3 in A9"
    assert wells["beads"].isna().sum() == 1
    assert "11 analytes, 22 analytes follow" in message(readout, "analytes_announced")
    assert readout.about["run_date"] == "2016-03-13"


@requires_shared
def test_a_plate_on_which_no_bead_was_read_is_missing_throughout():
    readout, _ = real("allotropy", "luminex_xPONENT_NaN_and_not_reported_values.csv")
    wells = readout.wells
    assert grid(readout, "signal").shape == (96, 3)
    assert wells["signal"].isna().all()
    assert set(wells["beads"]) == {0}
    assert set(wells["reason"]) == {"no bead was read"}
    assert wells["net_signal"].dropna().tolist() == [2]
    assert "no bead was read in 96 wells" in message(readout, "no_beads")
    assert "analyte3 in A1" in message(readout, "net_without_beads")
    assert sum(int(remark.numbers["wells"]) for remark in readout.remarks if remark.check == "acquisition") == 192


@requires_shared
@pytest.mark.parametrize(("name", "low", "warned"), [("02", 25, 1), ("03", 25, 2)])
def test_flexmap_files_of_four_wells(name, low, warned):
    readout, _ = real("allotropy", f"luminex_xPONENT_example{name}.csv")
    wells = readout.wells
    assert grid(readout, "signal").shape == (4, 2)
    assert np.array_equal(wells["signal"], wells["net_signal"])
    assert wells["beads"].min() == low
    assert checks(readout).count("acquisition") == warned
    assert "96 samples, 4 wells follow" in message(readout, "samples_announced")
    assert "21 analytes, 2 analytes follow" in message(readout, "analytes_announced")
    assert "operator" not in readout.about


@requires_shared
@pytest.mark.parametrize("name", ["luminex_intelliflex_example_01.csv", "luminex_xPONENT_missing_optional_fields.csv"])
def test_intelliflex_in_the_layout_of_blocks(name):
    readout, rows = real("allotropy", name)
    wells = readout.wells
    assert grid(readout, "signal").shape == (12, 5)
    assert np.array_equal(grid(readout, "signal"), raw_block(rows, "Median", 5).astype(float))
    assert wells.groupby("type")["well"].nunique().to_dict() == {"sample": 9, "blank": 3}
    assert wells.loc[wells["type"] == "sample", "written"].nunique() == 6
    assert wells["beads"].min() == 12
    assert ((wells["beads"] < 50).sum(), (wells["beads"] < 30).sum()) == (16, 7)
    assert "head says 7 samples, 12 wells follow" in message(readout, "samples_announced")
    assert (readout.about["run_date"], readout.about["exported"]) == ("2024-10-18", "2024-10-19")
    assert wells.loc[wells["type"] == "blank", "dilution"].isna().all()


def altered(**blocks):
    export = files.compose()
    return files.write(files.Export(export.head, export.blocks | blocks).lines()).encode()


def changed(name, well, column, text):
    """The composed export with one cell of a block replaced."""
    rows = [list(row) for row in files.compose().blocks[name]]
    row = next(row for row in rows if f",{well})" in row[0])
    row[rows[0].index(column)] = text
    return altered(**{name: rows})


def changed_row(name, key, column, text):
    """The same for a block that is keyed by something else than a Location."""
    rows = [list(row) for row in files.compose().blocks[name]]
    next(row for row in rows if row[0] == key)[rows[0].index(column)] = text
    return altered(**{name: rows})


def test_composed_export_reads_as_composed():
    readout = files.read(files.write(files.compose().lines()).encode())
    wells = readout.wells.set_index(["well", "analyte"])
    below, above = wells.loc[("H1", "IL-6")], wells.loc[("A2", "IL-6")]
    assert (below["status"], below["lower"], below["upper"]) == ("below", 0, 2 * 15.625)
    assert (above["status"], above["lower"], above["upper"]) == ("above", 2 * 4000, INF)
    assert wells.loc[("C2", "TNF-α"), "status"] == "extrapolated"
    assert wells.loc[("G1", "IL-10"), ["type", "level", "expected"]].tolist() == ["control", "Control1", 9000.25 / 30]
    assert readout.curves.loc[0, ["a", "b", "c", "d", "g"]].tolist() == [9003, -1.1, 350, 3, 0.9]


def test_limits_that_hold_the_dilution_already_are_kept():
    rows = [[cell.replace("< 15.625", "< 31.25") for cell in row] for row in files.compose().blocks["Result"]]
    rows = [[cell.replace("< 5.861328125", "< 11.72265625") for cell in row] for row in rows]
    rows = [[cell.replace("< 35.1572265625", "< 70.314453125") for cell in row] for row in rows]
    readout = files.read(altered(Result=rows))
    below = readout.wells[readout.wells["status"] == "below"]
    assert below["upper"].tolist() == [31.25, 11.72265625, 70.314453125]
    assert "include the well's dilution factor and are kept" in message(readout, "limits_and_dilution")


REFUSED = {
    "a letter for a digit": (("Median", "C1", "IL-6", "7OO5.76"), "IL-6: '7OO5.76' is not a number: the letter O"),
    "a bound among signals": (("Net MFI", "C1", "IL-6", "< 12"), "IL-6: '< 12' is a bound where a number belongs"),
    "half a bead": (("Count", "C1", "IL-6", "66.5"), "Count: IL-6: '66.5' is no count of beads"),
    "a dilution of nothing": (("Dilution Factor", "H1", "Dilution Factor", "0"), "'0' is no dilution"),
    "a comma that may be either": (("Result", "B2", "IL-6", "1,400"), "'1,400' may mean 1400 or 1.400"),
    "OOR without a side": (("Result", "B2", "IL-6", "OOR"), "does not say on which side"),
    "infinity": (("Median", "C1", "IL-6", "1e999"), "is larger than any concentration"),
    "a digit of another script": (("Median", "C1", "IL-6", "٧"), "is not a number"),
    "an underscore": (("Median", "C1", "IL-6", "7_005"), "is not a number"),
}  # fmt: skip


@pytest.mark.parametrize(("where", "says"), REFUSED.values(), ids=REFUSED)
def test_cells_that_are_no_numbers_are_named(where, says):
    with pytest.raises(files.Problems) as refused:
        files.read(changed(*where))
    line = str(refused.value)
    assert says in line
    assert line.startswith("plate.csv:")
    assert len(line.splitlines()) == 1


GAPS = {"NaN": "NaN in the file", "": "the cell is empty", "***": "*** in the file", "N/A": "N/A in the file"}


@pytest.mark.parametrize("text", GAPS)
def test_a_gap_says_why(text):
    readout = files.read(changed("Result", "B2", "IL-6", text))
    cell = readout.wells.set_index(["well", "analyte"]).loc[("B2", "IL-6")]
    assert (cell["status"], cell["reason"]) == ("missing", GAPS[text])
    assert np.isnan([cell["value"], cell["lower"], cell["upper"]]).all()


def test_open_bounds_stay_open():
    readout = files.read(changed("Result", "B2", "IL-6", "OOR >"))
    cell = readout.wells.set_index(["well", "analyte"]).loc[("B2", "IL-6")]
    assert (cell["status"], cell["open_limit"], cell["upper"]) == ("above", True, INF)
    assert np.isnan(cell["lower"])


def test_two_plates_in_one_export_are_told_apart():
    export = files.compose()
    second = {}
    for name, rows in export.blocks.items():
        other = [[row[0].replace("(1,", "(2,"), *row[1:]] for row in rows[1:] if "(1," in row[0]]
        second[name] = rows + other
    readout = files.read(files.write(files.Export(export.head, second).lines()).encode())
    assert readout.wells.groupby("plate")["well"].nunique().to_dict() == {"1": 12, "2": 12}
    assert readout.curves.groupby("plate").size().to_dict() == {"1": 3, "2": 3}


def test_names_that_only_look_like_standards_are_samples():
    names = {"P01 pre": "S1 pre", "P02 pre": "Standard serum", "P03 pre": "C2", "P04 pre": "Blanka"}
    export = files.compose()
    blocks = {name: [[names.get(cell, cell) for cell in row] for row in rows] for name, rows in export.blocks.items()}
    readout = files.read(files.write(files.Export(export.head, blocks).lines()).encode())
    types = readout.wells.drop_duplicates("written").set_index("written")["type"]
    assert {name: types[name] for name in names.values()} == dict.fromkeys(names.values(), "sample")


def test_names_in_the_files_own_lists_are_standards_and_controls():
    names = {"Standard1": "S1", "Standard2": "Cal B", "Control1": "QC low"}
    export = files.compose()
    blocks = {name: [[names.get(cell, cell) for cell in row] for row in rows] for name, rows in export.blocks.items()}
    readout = files.read(files.write(files.Export(export.head, blocks).lines()).encode())
    levels = readout.wells.drop_duplicates("written").set_index("written")[["type", "level"]]
    assert levels.loc["S1"].tolist() == ["standard", "S1"]
    assert levels.loc["Cal B"].tolist() == ["standard", "Cal B"]
    assert levels.loc["QC low"].tolist() == ["control", "QC low"]


def test_dilutions_of_rows_that_were_moved_are_not_believed():
    rows = [list(row) for row in files.compose(dilution="2").blocks["Dilution Factor"]]
    rows[9][1:], rows[11][1:] = ["P04 pre", "50"], ["P02 pre", "2"]
    readout = files.read(altered(**{"Dilution Factor": rows}))
    wells = readout.wells.set_index(["well", "analyte"])
    assert wells.loc[["A2", "C2"], "dilution"].isna().all()
    assert wells.loc["A2", "open_limit"].all()
    assert wells.loc["H1", "upper"].tolist() == [31.25, 2 * 5.861328125, 2 * 35.1572265625]
    assert "Dilution Factor calls A2, C2 by other sample names" in message(readout, "names_differ")


def test_a_summary_of_one_name_with_two_values_is_left_out():
    rows = [*files.compose().blocks["Avg Result"], ["P03 pre", "1", "2", "3"]]
    readout = files.read(altered(**{"Avg Result": rows}))
    assert readout.wells.loc[readout.wells["written"] == "P03 pre", "reported_mean"].isna().all()
    assert "P03 pre have several rows that differ" in message(readout, "summary_unclear")


def test_locations_whose_quotes_were_lost_are_joined():
    rows = files.compose().lines()
    text = files.write(rows, quoted=False).replace('"', "")
    assert files.compare(text.encode(), files.read(files.write(rows).encode()))[0] == "same"


def test_a_block_whose_title_was_exchanged_is_refused():
    blocks = files.compose().blocks
    with pytest.raises(files.Problems, match=r"%CV Replicates: has rows by reagent, not by sample or location"):
        files.read(altered(**{"%CV Replicates": blocks["Standard Expected Concentration"]}))


def test_a_standard_without_its_concentration_is_named():
    readout = files.read(changed_row("Standard Expected Concentration", "Standard2", "TNF-α", ""))
    assert message(readout, "cells_empty") == "Standard Expected Concentration has no entry in 1 cell: TNF-α in C1"


def test_a_curve_of_another_kind_is_left_out():
    rows = [["Analyte:", *files.ANALYTES], ["AnalysisType", "Logistic 5P", "Logistic 4P", "Cubic Spline"]]
    readout = files.read(altered(**{"Analysis Types": rows}))
    assert readout.curves[["analyte", "g"]].to_numpy().tolist() == [["IL-6", 0.9], ["TNF-α", 1.0]]
    assert "IL-10 are left out: their kind (Cubic Spline)" in message(readout, "curves_left_out")


def test_what_is_done_to_one_readout_stays_there():
    rows = [["Analyte:", *files.ANALYTES], ["AnalysisType", "None", "None", "None"]]
    first, second = (files.read(altered(**{"Analysis Types": rows})) for _ in range(2))
    untouched = second.wells["source_column"].tolist()
    first.curves["fitted_by"] = ""
    first.curves.loc[0] = ["1", "IL-6", "net", 1.0, 2.0, 3.0, 4.0, 1.0, 0.9, "", "a person"]
    first.wells.loc[0, ["analyte", "value"]] = ["IL-1", 7.0]
    assert second.curves.empty and "fitted_by" not in second.curves
    assert files.read(altered(**{"Analysis Types": rows})).curves.empty
    # columns that were alike when read are apart
    assert first.wells["source_column"].tolist() == untouched == second.wells["source_column"].tolist()
    assert first.wells.loc[0, ["value", "lower"]].tolist() != [7.0, 7.0]
    assert second.wells.loc[0, "analyte"] == "IL-6"


DATES = {
    ("3/4/2024 08:00", "3/4/2024"): "3/4/2024 08:00",  # 3 April or March 4: as written
    ("3/4/2024 08:00", "25/03/2024"): "2024-04-03",
    ("3/4/2024 8:00:00 AM", "3/25/2024"): "2024-03-04",
    ("5/5/2024", "5/5/2024"): "2024-05-05",
    ("2024-10-18 11:36", ""): "2024-10-18",
    ("", "25.03.24"): "2024-03-25",
}


@pytest.mark.parametrize(("started", "dated"), DATES)
def test_run_dates_are_read_only_where_day_and_month_are_clear(started, dated):
    export = files.compose()
    dates = {"Date": dated, "BatchStartTime": started}
    head = [[row[0], dates[row[0]]] if row and row[0] in dates else row for row in export.head]
    readout = files.read(files.write(files.Export(head, export.blocks).lines()).encode())
    assert readout.about["run_date"] == DATES[started, dated]


ENDS = {
    "CRC32: 1A2B3C4D": True,
    "CRC32:1A2B3C4D": True,
    "CRC1: 1234": True,
    "CRC32: 1A2B3C4": False,
    "CRC32:": False,
    "Program": False,
}


@pytest.mark.parametrize("end", ENDS)
def test_the_end_mark_must_be_whole(end):
    export = files.compose()
    raw = files.write(files.Export(export.head, export.blocks, [["-- CRC --"], [end]]).lines()).encode()
    if ENDS[end]:
        assert len(files.read(raw).wells) == 36
    else:
        with pytest.raises(files.Problems, match=r"hexadecimal digits|after the end mark"):
            files.read(raw)


def test_other_texts_are_not_claimed():
    for text in ("a,b\n1,2\n", "Plate,xPONENT\n", "<?xml version='1.0'?>\n", "Sample,Results\nProgram,1\n"):
        assert xponent.sniff(Content("x.csv", text.encode())) == ""
