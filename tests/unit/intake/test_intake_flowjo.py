"""Populations as FlowJo writes them: tables and workspaces, gates known by their whole path, tubes by their name."""

import numpy as np
import pytest

from cytoshift.frames import conform
from cytoshift.intake.flowjo import read_flowjo, sniff_flowjo
from cytoshift.intake.gate_names import name_gates
from cytoshift.intake.instruments.content import Content
from cytoshift.intake.names import NameBook
from cytoshift.intake.read import read_study
from cytoshift.study.problem import Problems
from cytoshift.study.settings import Name
from cytoshift.study.study import IntakePlan
from cytoshift.tables import CELLS
from plate_files import workbook, workspace, written
from shared_data import requires_shared, shared_study

SHARES = [
    ["", "Lymphocytes/CD3+ T cells | Freq. of Parent", "Lymphocytes/CD3+ T cells/CD4+ T cells | Freq. of Parent", ""],
    ["A1.fcs", "66.0", "59.2", ""],
    ["A2.fcs", "71.4", "57.4 %", ""],
    ["Mean", "68.7", "58.3", ""],
    ["SD", "3.82", "1.27", ""],
]
COUNTS = [
    ["Sample:", "| Count", "Live/T cells | Count", "Live/T cells/CD4+ | Count",
     "Live/T cells/CD4+ | Freq. of Parent", "Live | Count", "Live/T cells | Freq. of Total",
     "Live/T cells | Median (Comp-PE-A)"],
    ["A1.fcs", "9000", "1200", "700", "58.3", "8000", "13", "512"],
    ["A2.fcs", "9100", "0", "0", "n/a", "8100", "0", "n/a"],
]  # fmt: skip
GATES = {"Lymphocytes": (900, {"Single Cells": (800, {"Single Cells": (790, {"CD3+": (500, {"CD4+": (300, {})})})})})}


def read(content, **how):
    content = content if isinstance(content, bytes) else written(content)
    return read_flowjo(Content("flow.csv", content), **how)


def values(readout):
    return {
        (w, "/".join(p), m): v
        for w, p, m, v in readout.frame[["written", "path", "measure", "value"]].itertuples(False)
    }


def checks(readout):
    return {remark.check: remark for remark in readout.remarks}


def refused(content, **how):
    with pytest.raises(Problems) as raised:
        read(content, **how)
    return str(raised.value).splitlines()


def test_a_table_of_shares():
    found = read(SHARES)
    assert values(found) == {
        ("A1", "Lymphocytes/CD3+ T cells", "fraction"): pytest.approx(0.66),
        ("A1", "Lymphocytes/CD3+ T cells/CD4+ T cells", "fraction"): pytest.approx(0.592),
        ("A2", "Lymphocytes/CD3+ T cells", "fraction"): pytest.approx(0.714),
        ("A2", "Lymphocytes/CD3+ T cells/CD4+ T cells", "fraction"): pytest.approx(0.574),
    }
    assert found.frame["source_row"].tolist() == [2, 2, 3, 3]
    assert found.frame["source_column"].iloc[0] == SHARES[0][1]
    assert checks(found).keys() == {"summary_rows"}
    assert sniff_flowjo(Content("x", written(SHARES)))


def test_counts_make_the_shares_of_the_same_gates_needless():
    found = read(COUNTS)
    assert set(found.frame["measure"]) == {"events"}
    numbers = values(found)
    assert numbers["A1", "", "events"] == 9000
    assert numbers["A1", "Live/T cells/CD4+", "events"] == 700
    assert numbers["A2", "Live/T cells/CD4+", "events"] == 0
    assert "Freq. of Total (1), Median (1)" in checks(found)["statistics_left_out"].message
    assert checks(found)["known_share"].numbers == {"values": 2}
    wrong = [COUNTS[0], [*COUNTS[1][:4], "38.5", *COUNTS[1][5:]]]
    assert checks(read(wrong))["share_differs"].numbers == {"values": 1, "of": 1}


@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "cp1252"])
def test_however_the_table_was_saved(separator, encoding):
    assert values(read(written(SHARES, separator, "\r\n", encoding))) == values(read(SHARES))


def test_a_workbook_and_its_sheet():
    rows = [SHARES[0], ["A1.fcs", 66.0, 59.2, ""], ["A2.fcs", 71.4, 57.4, ""]]
    assert values(read(workbook(Table=rows, Notes=[["x"]]))) == values(read(SHARES[:3]))
    lines = refused(workbook(One=rows, Two=rows))
    assert lines == ["flow.csv: has FlowJo tables in the sheets One, Two; name one with `sheet`"]
    assert len(read(workbook(One=rows, Two=rows), sheet="Two").frame) == 4


RARE = [SHARES[0], ["A1", "0.4", "0.9", ""], ["A2", "0.5", "0.8", ""]]


def test_shares_that_may_be_percent_or_fractions_are_for_a_person_to_decide():
    assert 'say which with `unit: fraction` or `unit: "%"`' in refused(RARE)[0]
    assert values(read(RARE, unit="fraction"))["A1", "Lymphocytes/CD3+ T cells", "fraction"] == 0.4
    assert values(read(RARE, unit="%"))["A1", "Lymphocytes/CD3+ T cells", "fraction"] == pytest.approx(0.004)
    said = [[cell.replace("Parent", "Parent (%)") for cell in RARE[0]], *RARE[1:]]
    assert values(read(said))["A1", "Lymphocytes/CD3+ T cells", "fraction"] == pytest.approx(0.004)
    # a spreadsheet that shows 40 % holds 0.4
    native = [said[0], *([name, float(one), float(two), ""] for name, one, two, _ in RARE[1:])]
    assert "may be fractions of 1" in refused(workbook(Table=native))[0]


def test_a_row_that_is_gone_shows_in_the_files_own_mean():
    found = checks(read([SHARES[0], SHARES[1], *SHARES[3:]]))
    assert "rows are missing, or were changed" in found["mean_differs"].message
    assert "no_summary_rows" in checks(read(SHARES[:3]))


TABLES = {
    "cut off": (written(SHARES)[:-4], "ends in the middle of a line"),
    "a field too few": ([*SHARES[:2], SHARES[2][:-1]], "row 3: has 3 cells where the header has 4"),
    "decimal comma": (written(SHARES[:1]) + b"A1.fcs,66,5,59.2,\n", "row 2: has 5 cells where the header has 4"),
    "two rows": ([*SHARES[:2], ["A1", "60", "50", ""]], "row 3: 'A1' is there already (row 2), with other values"),
    "no name": ([*SHARES[:2], ["", "60", "50", ""]], "row 3: has values and names no sample"),
    "over all": ([*SHARES[:2], ["A2", "160", "50", ""]], "160 is more than all of the parent"),
    "negative": ([*SHARES[:2], ["A2", "-1", "50", ""]], "'-1' is negative"),
    "letters": ([*SHARES[:2], ["A2", "6O", "50", ""]], "'6O' is not a number"),
    "ambiguous": ([*COUNTS[:2], ["A2", "9100", "1,200", *COUNTS[2][3:]]], "'1,200' may mean 1200 or 1.200"),
    "thousands": ([*COUNTS[:2], ["A2", "9.000", *COUNTS[2][2:]]], "'9.000' may mean 9.000 or 9000; write events"),
    "percent and bare": (
        [SHARES[0], ["A1", "45%", "30%", ""], ["A2", "0.4", "31%", ""]],
        "'0.4' has no % where other shares have one: a percentage or a fraction of 1? Write all alike",
    ),
    "half a cell": ([*COUNTS[:2], ["A2", "9100", "12.5", *COUNTS[2][3:]]], "is no whole number of events"),
    "child over parent": (
        [COUNTS[0], ["A1", "9000", "700", "1200", "58.3", "8000", "13", "5"]],
        "'Live/T cells/CD4+' of A1 holds 1200 events, more than the 700 of the gate it lies in ('Live/T cells')",
    ),
    "column twice": ([[*row[:2], row[1], *row[2:]] for row in SHARES], "is there twice; keep one of the columns"),
    "only means": ([SHARES[0], *SHARES[3:]], "has no samples, only rows of summaries"),
    "no statistic": ([["", "CD4 | Median (PE)"], ["A1", "3"]], "has no column of Count or Freq. of Parent"),
    "no table": ([["a", "b"], ["1", "2"]], 'has no header such as "Lymphocytes/T cells | Freq. of Parent"'),
    "events": (b"FCS3.0          58", "holds single events, not populations"),
}  # fmt: skip


@pytest.mark.parametrize(("content", "words"), TABLES.values(), ids=TABLES)
def test_tables_that_are_refused(content, words):
    lines = refused(content)
    assert any(words in line for line in lines), lines
    assert all(line.startswith("flow.csv") for line in lines)


def test_a_workspace_counts_the_samples_gates_and_not_the_groups():
    content = workspace({"A1.fcs": (1000, GATES), "Comp.fcs": (500, {})}, group=GATES)
    found = read(content)
    assert values(found) == {
        ("A1", "", "events"): 1000,
        ("A1", "Lymphocytes", "events"): 900,
        ("A1", "Lymphocytes/Single Cells", "events"): 800,
        ("A1", "Lymphocytes/Single Cells/Single Cells", "events"): 790,
        ("A1", "Lymphocytes/Single Cells/Single Cells/CD3+", "events"): 500,
        ("A1", "Lymphocytes/Single Cells/Single Cells/CD3+/CD4+", "events"): 300,
    }
    assert checks(found)["group_gates"].numbers == {"gates": 5}
    assert "Comp" in checks(found)["sample_without_gates"].message
    lines = content.decode().splitlines()
    assert all('name="CD4+"' in lines[row - 1] for row in found.frame["source_row"].tail(1))


def test_what_a_workspace_lacks_is_said():
    gates = {"T cells": (500, {"CD4+": (300, {}), "CD8+": (150, {})})}
    less = {"T cells": (400, {"CD4+": (-1, {})})}
    content = workspace({"A1.fcs": (900, gates), "A2.fcs": (800, less)}, group=gates)
    found = checks(read(content))
    assert found["gates_absent"].message == "A2 lacks 1 gate of its group: T cells/CD8+."
    assert "T cells/CD4+ of A2" in found["not_counted"].message
    content = workspace({"A1.fcs": (900, gates)}, extra='<Statistic name="Median" id="PE-A" value="5" />')
    assert checks(read(content))["statistics_left_out"].message.endswith("Median (1).")
    listed = content.replace(
        b"<SampleList>", b'<Groups><GroupNode name="G"><SampleRef sampleID="9"/></GroupNode></Groups><SampleList>'
    )
    assert checks(read(listed))["samples_absent"].numbers == {"samples": 1}


TWICE = workspace({"A1.fcs": (900, {"T": (5, {})}), "A1.FCS": (900, {"T": (5, {})})})
WORKSPACES = {
    "child over parent": (
        workspace({"A1": (9, {"T": (5, {"U": (6, {})})})}), "more than the 5 of the gate it lies in ('T')",
    ),
    "no number": (workspace({"A1": (900, {"T": ("5.5", {})})}), "'5.5' is no number of events; legal: a whole number"),
    "two of a name": (TWICE, "'A1' is the name of another sample too"),
    "two gates of a name": (
        workspace({"A1": (900, {"T": (5, {})})}, extra='<Population name="T" count="4"/>'), "two gates of one name",
    ),
    "nothing gated": (workspace({"A1": (900, {})}), "is a workspace without gated samples"),
    "another XML": (b"<plates/>", "is no FlowJo workspace"),
    "entities": (
        workspace({"A1": (900, {"T": (5, {})})}).replace(
            b"<Workspace", b'<!DOCTYPE x [<!ENTITY a "aaaa">]>\n<Workspace', 1
        ),
        "defines entities or a document type",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("content", "words"), WORKSPACES.values(), ids=WORKSPACES)
def test_workspaces_that_are_refused(content, words):
    lines = refused(content)
    assert any(words in line for line in lines), lines


@requires_shared
def test_a_real_workspace():
    path = shared_study("instrument_exports") / "allotropy" / "flowjo_example_2.wsp"
    found = read(path.read_bytes())
    numbers = {path: value for (_, path, _), value in values(found).items()}
    assert found.software == "FlowJo 10.10.0"
    assert found.frame["written"].unique().tolist() == ["Spleenocytes_Tcells_Vaccinated_Saline_004"]
    assert numbers.pop("") == 65121
    assert len(numbers) == 19
    cells = "Lymphocytes/Single Cells/Single Cells/Live cells/CD3+"
    assert (numbers["Lymphocytes/Single Cells"], numbers["Lymphocytes/Single Cells/Single Cells"]) == (37464, 35058)
    inside = found.frame.groupby(found.frame["parent_path"].map("/".join), sort=False)["value"].apply(list)
    last = f"{cells}/Q4: Comp-PE-A- , Comp-BV786-A- (ellipsoid, spider)"
    curly = f"{last}/CD8, CD4 subset (Curly Gate)"
    assert numbers[cells] == 6891 == sum([4651, 13, 1968, 259])
    assert inside[cells] == [4651, 13, 1968, 259]
    assert inside[last] == [18, 13, 77, 102, 43, 37]
    assert sum(inside[last][2:]) == numbers[last] == 259
    assert inside[curly] == [5, 2, 6, 0]
    assert sum(inside[curly]) == numbers[curly] == 13
    assert checks(found)["group_gates"].numbers == {"gates": 19}


def named(*paths, names=()):
    found = name_gates([tuple(path.split("/")) for path in paths], NameBook(Name.model_validate(one) for one in names))
    return {"/".join(path): (gate.written, gate.feature.id, gate.step) for path, gate in found.items()}


def test_gates_are_called_by_the_shortest_end_of_their_path():
    found = named("Cells/Single Cells", "Cells/Single Cells/Single Cells", "Cells/Single Cells/Single Cells/CD4+")
    assert [written for written, _, _ in found.values()] == ["Cells/Single Cells", "Single Cells/Single Cells", "CD4+"]
    assert [step for _, _, step in found.values()] == [True, True, False]
    assert found["Cells/Single Cells/Single Cells/CD4+"][1] == "cd4_t_cells"


def test_a_gate_is_no_population_that_cannot_lie_where_it_lies():
    found = named("B cells/CD4+", "CD8+/FOXP3+", "Lymphocytes/T cells/CD8+")
    assert found["B cells/CD4+"][:2] == ("B cells/CD4+", "b_cells_cd4_pos")
    assert found["CD8+/FOXP3+"][1] == "cd8_pos_foxp3_pos"
    assert found["Lymphocytes/T cells/CD8+"][1] == "cd8_t_cells"
    assert named("PBMC/Monocytes")["PBMC/Monocytes"][1] == "monocytes"


def test_two_gates_are_never_one_population():
    found = named("Live/CD4", "Live/T cells/CD4+")
    assert found["Live/CD4"][1] != found["Live/T cells/CD4+"][1]
    chosen = named("Live/CD4", "Live/T cells/CD4+", names=[{"written": "T cells/CD4+", "is": "cd4_t_cells"}])
    assert chosen["Live/T cells/CD4+"][:2] == ("T cells/CD4+", "cd4_t_cells")
    assert chosen["Live/CD4"][1] == "live_cd4_pos" or chosen["Live/CD4"][1] == "live_cd4"


SHEET = "sample,subject,visit\nA1,A,V1\nA2,A,V2\n"


@pytest.fixture
def study(tmp_path, monkeypatch):
    """Reads one FlowJo file as the cells of a study with the samples A1 and A2."""
    monkeypatch.chdir(tmp_path)

    def read_it(content, samples=SHEET, names=(), exclude=(), **changes):
        (tmp_path / "samples.csv").write_text(samples, encoding="utf-8")
        (tmp_path / "flow.file").write_bytes(content if isinstance(content, bytes) else written(content))
        source = {"id": "flow", "format": "flowjo", "files": ["flow.file"]} | changes
        plan = {
            "design": "single_arm", "time_unit": "week", "visits": [{"id": "v1"}, {"id": "v2"}], "arms": [],
            "samples": {"file": "samples.csv"}, "cytokines": [], "cells": [source], "outcomes": [],
            "names": list(names), "exclude": list(exclude),
        }  # fmt: skip
        return read_study(IntakePlan.model_validate(plan))

    return read_it


@pytest.mark.parametrize("format_", ["flowjo", "auto"])
def test_shares_become_cells_of_the_study(study, format_):
    intake = study(SHARES, format=format_)
    cells = intake.cells
    assert cells.columns.tolist() == [column.name for column in CELLS.columns]
    assert cells["sample"].tolist() == ["A1", "A1", "A2", "A2"]
    assert cells["population"].tolist() == ["t_cells", "cd4_t_cells"] * 2
    assert cells["parent"].tolist() == ["lymphocytes", "t_cells"] * 2
    assert cells["value"].tolist() == pytest.approx([0.66, 0.592, 0.714, 0.574])
    assert set(cells["measure"]) == {"fraction_of_parent"}
    assert cells["resolution"].tolist() == pytest.approx([0.001] * 4)
    said = intake.findings.set_index("check")["message"]
    assert said["tubes_linked"] == "flow.file: 2 tubes taken for the sample of the same name, the ending .fcs aside."
    assert ("format_recognised" in said.index) == (format_ == "auto")
    conform(cells, CELLS)


def test_counts_have_the_gate_around_them_as_parent(study):
    intake = study(COUNTS)
    cells = intake.cells.set_index(["sample", "population"])
    assert cells.loc[("A1", "cd4_t_cells"), ["value", "parent", "measure"]].tolist() == [700, "t_cells", "events"]
    # live cells divide, and are no population themselves
    assert cells.loc[("A1", "t_cells"), "parent"] == "live"
    assert cells.loc[("A1", "live"), ["value", "parent"]].tolist() == [8000, ""]
    assert cells.loc[("A2", "t_cells"), ["status", "lower", "upper"]].tolist() == ["below", 0, 0.5]
    checks = set(intake.findings["check"])
    assert {"gating_divisors", "statistics_left_out", "zero_count"} <= checks


def test_steps_of_the_gating_are_no_populations(study):
    content = workspace({"A1.fcs": (1000, GATES), "A2.fcs": (900, GATES)}, group=GATES)
    intake = study(content)
    cells = intake.cells[intake.cells["sample"] == "A1"].set_index("population_as_written")
    assert cells["population"].to_dict() == {
        "Lymphocytes": "lymphocytes", "Single Cells/Single Cells": "single_cells_single_cells", "CD3+": "t_cells",
        "CD4+": "cd4_t_cells",
    }  # fmt: skip
    assert cells["parent"].to_dict() == {
        "Lymphocytes": "", "Single Cells/Single Cells": "", "CD3+": "single_cells_single_cells", "CD4+": "t_cells",
    }  # fmt: skip
    steps = intake.findings.set_index("check").loc["gating_steps", "message"]
    assert "Lymphocytes/Single Cells;" in steps


def test_no_events_in_any_sample_are_fewer_than_one(study):
    gates = {"T cells": (50, {"CD4+": (0, {})})}
    cells = study(workspace({"A1": (90, gates), "A2": (80, gates)})).cells.set_index("population").loc["cd4_t_cells"]
    assert cells[["status", "lower", "upper"]].to_numpy().tolist() == [["below", 0, 0.5]] * 2


def test_a_population_in_shares_and_in_counts_without_its_parents(study):
    rows = [["", "T/CD4+ | Count", "T/CD4+ | Freq. of Parent"], ["A1", "700", "58.3"], ["A2", "500", "52.1"]]
    cells = study(rows).cells
    assert cells["population"].tolist() == ["cd4_t_cells_events", "cd4_t_cells_fraction"] * 2
    assert cells["parent"].tolist() == ["", "t"] * 2


def test_a_parent_that_the_plan_names(study):
    cells = study(COUNTS, parents={"cd4_t_cells": "live"}).cells.set_index(["sample", "population"])
    assert cells.loc[("A1", "cd4_t_cells"), "parent"] == "live"


def test_mistakes_with_the_study_are_one_line_each(study):
    lines = lines_of(study, [*SHARES[:2], ["FMO.fcs", "60", "50", ""]])
    assert lines == ["flow.file: row 3: 'FMO' is no sample of the study"]
    intake = study([*SHARES[:2], ["FMO.fcs", "60", "50", ""]], exclude=[{"sample": "FMO", "reason": "control tube"}])
    assert intake.cells["excluded"].tolist() == [False, False, True, True]
    assert any(
        "units: has no effect on FlowJo's files" in line for line in lines_of(study, SHARES, units={"t_cells": "%"})
    )
    assert any("'tregs' is no population" in line for line in lines_of(study, SHARES, parents={"tregs": "t_cells"}))
    both = [{"written": gate, "is": "treg"} for gate in ("CD3+ T cells", "CD4+ T cells")]
    assert any(
        "would both be 'treg'; tell them apart with `names`" in line for line in lines_of(study, SHARES, names=both)
    )
    assert "is no file of FlowJo" in lines_of(study, b"a,b\n1,2\n", format="auto")[0]


def lines_of(study, *args, **changes):
    with pytest.raises(Problems) as raised:
        study(*args, **changes)
    return str(raised.value).splitlines()


def test_gaps_are_missing(study):
    cells = study([*SHARES[:2], ["A2", "n/a", "", ""]]).cells
    assert cells["status"].tolist() == ["observed", "observed", "missing", "missing"]
    assert np.isnan(cells["value"].tolist()[2:]).all()
