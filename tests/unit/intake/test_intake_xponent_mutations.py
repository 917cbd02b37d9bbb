"""However an xPONENT export was cut, re-saved or edited: the same numbers, fewer and said so, or a refusal."""

import random
from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import xponent_files as files
from cytoshift.intake.instruments.readout import Options
from cytoshift.intake.texts import read_delimited
from shared_data import requires_shared, shared_study

LINE_ENDS = ("\n", "\r\n", "\r")
SAVED = {"separator": st.sampled_from(",;\t"), "quoted": st.booleans(), "padded": st.booleans(),
         "line_end": st.sampled_from(LINE_ENDS)}  # fmt: skip
few = settings(max_examples=16, deadline=None, derandomize=True)
fewer = settings(max_examples=8, deadline=None, derandomize=True)


@cache
def small():
    export = files.compose()
    return export, files.read(files.write(export.lines()).encode())


@cache
def plate1():
    raw = (shared_study("instrument_exports") / "xponent" / "plate1.csv").read_bytes()
    return raw, files.read(raw), read_delimited(raw).rows


def blocks_of(rows):
    starts = [place for place, row in enumerate(rows) if row[:1] == ["DataType:"]]
    end = next(place for place, row in enumerate(rows) if row[:1] == ["-- CRC --"])
    return starts, [*starts[1:], end], end


@few
@given(st.fixed_dictionaries(SAVED), st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "utf-16-le"]))
def test_other_separators_quotes_line_ends_and_encodings_say_the_same(saved, encoding):
    export, truth = small()
    raw = files.write(export.lines(), **saved).encode(encoding)
    assert files.compare(raw, truth)[0] == "same"


@pytest.mark.parametrize("line_end", LINE_ENDS)
def test_windows_code_page_says_the_same(line_end):
    export, _ = small()
    rows = [[cell.replace("TNF-α", "TNFµ") for cell in row] for row in export.lines()]
    truth = files.read(files.write(rows).encode())
    assert "TNFµ" in set(truth.wells["analyte"])
    assert files.compare(files.write(rows, line_end=line_end).encode("cp1252"), truth)[0] == "same"


@few
@given(st.data(), st.sampled_from(LINE_ENDS), st.sampled_from(["utf-8", "utf-16"]))
def test_a_file_cut_off_anywhere_is_refused_unless_its_checksum_is_whole(data, line_end, encoding):
    export, truth = small()
    text = files.write(export.lines(), line_end=line_end)
    whole = len(text) - len(line_end)
    cut = data.draw(st.one_of(st.integers(1, len(text)), st.integers(whole - 40, len(text))))
    outcome, _ = files.compare(text[:cut].encode(encoding), truth)
    assert outcome == ("same" if cut >= whole else "refused")


@few
@given(st.permutations(list(files.compose().blocks)), st.integers(0, 6))
def test_blocks_in_any_order_and_without_some(order, left_out):
    export, truth = small()
    outcome, found = files.compare(files.write(export.lines(order[left_out:])).encode(), truth)
    dropped = set(order[:left_out]) - {"Range", "Audit Logs"}
    if outcome == "refused":
        assert {"Median", "Net MFI", "Result"} <= dropped
    else:
        said = " ".join(remark.message for remark in found.remarks)
        assert all(name in said for name in dropped)


def test_without_its_dilutions_a_bound_is_open_and_numbers_stay():
    export, truth = small()
    order = [name for name in export.blocks if name != "Dilution Factor"]
    outcome, found = files.compare(files.write(export.lines(order)).encode(), truth)
    assert outcome == "subset"
    bound = truth.wells["status"].isin(["below", "above"]).to_numpy()
    assert found.wells.loc[bound, "open_limit"].all()
    assert found.wells["value"].equals(truth.wells["value"])


@few
@given(st.data())
def test_lines_twice_anywhere_change_nothing(data):
    export, truth = small()
    lines = files.write(export.lines()).splitlines(keepends=True)
    twice = data.draw(st.sets(st.integers(0, len(lines) - 1), min_size=1, max_size=4))
    raw = "".join(line * (1 + (place in twice)) for place, line in enumerate(lines)).encode()
    assert files.compare(raw, truth)[0] == "same"


@few
@given(st.data())
def test_a_line_lost_anywhere_is_noticed(data):
    export, truth = small()
    lines = files.write(export.lines()).splitlines(keepends=True)
    lost = data.draw(st.sets(st.integers(0, len(lines) - 1), min_size=1, max_size=2))
    files.compare("".join(line for place, line in enumerate(lines) if place not in lost).encode(), truth)


@few
@given(st.randoms(use_true_random=False))
def test_rows_of_a_block_in_another_order_say_the_same(shuffler: random.Random):
    export, truth = small()
    blocks = {name: [rows[0], *shuffler.sample(rows[1:], len(rows) - 1)] for name, rows in export.blocks.items()}
    raw = files.write(files.Export(export.head, blocks).lines()).encode()
    assert files.compare(raw, truth)[0] == "same"


@few
@given(st.fixed_dictionaries(SAVED))
def test_decimal_commas_say_the_same_or_do_not_fit(saved):
    export, truth = small()
    text = files.write(files.with_decimal_comma(export.lines()), **saved)
    assert files.compare(text.encode(), truth)[0] == "same"


@few
@given(st.booleans(), st.booleans())
def test_decimal_commas_that_split_cells_are_refused(padded, quoted_locations):
    export, truth = small()
    rows = files.with_decimal_comma(export.lines())
    text = files.write(rows, separator=";", quoted=False, padded=padded).replace(";", ",")
    if quoted_locations:
        text = text.replace("(1,", '"(1,')
    assert files.compare(text.encode(), truth)[0] == "refused"


@few
@given(
    st.sampled_from([(",", "."), (".", ","), (" ", "."), ("'", "."), ("\u00a0", ","), ("\u202f", ",")]), st.booleans()
)
def test_thousands_separators_are_refused(marks, quoted):
    export, truth = small()
    rows = files.with_thousands(export.lines(), *marks)
    assert files.compare(files.write(rows, separator=";", quoted=quoted).encode(), truth)[0] == "refused"


def test_whole_numbers_in_groups_of_three_are_not_taken_for_fractions():
    export, _ = small()
    names = ("Median", "Count")
    blocks = {name: [[c.partition(".")[0] if p > 1 else c for p, c in enumerate(row)] for row in export.blocks[name]]
              for name in names}  # fmt: skip
    rows = files.with_thousands(files.Export(export.head, blocks).lines(), ".", ",")
    with pytest.raises(files.Problems, match=r"'8\.\d{3}': may mean 8\.\d{3} or 8\d{3}; declare decimal"):
        files.read(files.write(rows, separator=";").encode())


@few
@given(st.data())
def test_blank_columns_change_nothing(data):
    export, truth = small()
    rows = export.lines()
    for _ in range(data.draw(st.integers(1, 3))):
        column = data.draw(st.integers(0, max(map(len, rows))))
        rows = [[*row[:column], "", *row[column:]] if len(row) >= column else row for row in rows]
    assert files.compare(files.write(rows, padded=data.draw(st.booleans())).encode(), truth)[0] == "same"


@few
@given(st.data())
def test_a_cell_pushed_in_or_taken_out_of_one_row_is_refused(data):
    export, truth = small()
    rows = export.lines()
    names = ("Median", "Net MFI", "Count", "Result", "% Recovery", "Dilution Factor")
    name = data.draw(st.sampled_from(names))
    start = next(place for place, row in enumerate(rows) if row == ["DataType:", name])
    place = start + data.draw(st.integers(2, len(export.blocks[name])))
    column = data.draw(st.integers(2, len(rows[place]) - 1))
    row = rows[place]
    changed = [*row[:column], "", *row[column:]] if data.draw(st.booleans()) else row[:column] + row[column + 1 :]
    raw = files.write([*rows[:place], changed, *rows[place + 1 :]]).encode()
    assert files.compare(raw, truth)[0] == "refused"


def test_a_row_of_the_same_well_with_another_number_is_refused():
    export, truth = small()
    again = [*export.blocks["Median"][4][:2], "1", *export.blocks["Median"][4][3:]]
    blocks = export.blocks | {"Median": [*export.blocks["Median"], again]}
    outcome, problems = files.compare(files.write(files.Export(export.head, blocks).lines()).encode(), truth)
    assert outcome == "refused"
    assert "Median: has another row for well D1 of plate 1, with other values, on line" in str(problems)


@pytest.mark.parametrize("raw", [b"", b"\x00\x01", b"Program,xPONENT", b"DataType:,Median\r\n", b"\xff\xfeP"])
def test_scraps_are_refused(raw):
    _, truth = small()
    assert files.compare(raw, truth)[0] == "refused"


@requires_shared
@fewer
@given(st.floats(0, 1))
def test_plate1_cut_off_anywhere_is_refused(share):
    raw, truth, _ = plate1()
    cut = int(share * (len(raw) - 34))  # the last line has 32 commas after its checksum
    assert files.compare(raw[:cut], truth)[0] == "refused"


@requires_shared
@fewer
@given(st.data())
def test_plate1_without_some_blocks_and_in_another_order(data):
    _, truth, rows = plate1()
    starts, stops, end = blocks_of(rows)
    order = data.draw(st.permutations(range(len(starts))))[data.draw(st.integers(0, 5)) :]
    parts = [rows[starts[place] : stops[place]] for place in order]
    raw = files.write(rows[: starts[0]] + [row for part in parts for row in part] + rows[end:], quoted=False).encode()
    files.compare(raw, truth)


@requires_shared
@fewer
@given(st.sampled_from(";\t"), st.booleans(), st.sampled_from(LINE_ENDS), st.sampled_from(["utf-8-sig", "utf-16"]))
def test_plate1_saved_otherwise_says_the_same(separator, comma, line_end, encoding):
    _, truth, rows = plate1()
    written = files.with_decimal_comma(rows) if comma else rows
    text = files.write(written, separator, quoted=False, line_end=line_end)
    assert files.compare(text.encode(encoding), truth)[0] == "same"


@requires_shared
@fewer
@given(st.data())
def test_plate1_with_lines_twice_or_lost(data):
    raw, truth, _ = plate1()
    lines = raw.decode().splitlines(keepends=True)
    places = st.integers(0, len(lines) - 1)
    twice, lost = data.draw(st.sets(places, max_size=3)), data.draw(st.sets(places, max_size=2))
    files.compare("".join(line * (1 + (p in twice)) for p, line in enumerate(lines) if p not in lost).encode(), truth)


@requires_shared
def test_plate1_with_thousands_separators_is_refused():
    _, truth, rows = plate1()
    for marks in ((",", "."), (".", ",")):
        text = files.write(files.with_thousands(rows, *marks), ";", quoted=False)
        assert files.compare(text.encode(), truth)[0] == "refused"


@requires_shared
def test_plate1_with_a_declared_decimal_comma_is_refused():
    raw, _, _ = plate1()
    with pytest.raises(files.Problems, match="decimal point where the file's other numbers do not"):
        files.read(raw, Options(decimal=","))
