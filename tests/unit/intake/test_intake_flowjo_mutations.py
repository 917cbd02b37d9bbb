"""FlowJo's files cut off, re-saved and edited: the same numbers, a part that is said to be one, or a refusal."""

import re

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from cytoshift.intake.flowjo import read_flowjo, sniff_flowjo
from cytoshift.intake.instruments.content import Content
from cytoshift.study.problem import Problems
from plate_files import ENCODINGS, spoilt, workspace

HEADER = ["", "| Count", "Live/T cells | Count", "Live/T cells/CD4+ | Count", "Live/T cells/CD8, gd | Freq. of Parent"]
TABLE = [
    HEADER,
    ["A1.fcs", "9000", "1200", "700", "31.5"],
    ["A2.fcs", "7000", "2100", "1350", "24.9"],
    ["A3.fcs", "5500", "900", "250", "44.1"],
    ["A4.fcs", "8100", "1800", "1010", "12.7"],
    ["Mean", "7400", "1500", "828", "28.3"],
]
GATES = {"Lymphocytes": (900, {"T cells": (500, {"CD4+": (300, {}), "CD8+": (120, {})}), "B cells": (90, {})})}
OTHER = {"Lymphocytes": (800, {"T cells": (410, {"CD4+": (210, {}), "CD8+": (140, {})}), "B cells": (70, {})})}
WORKSPACE = workspace({"Ä1.fcs": (1000, GATES), "A2.fcs": (950, OTHER)}, group=GATES)
SETTINGS = settings(max_examples=60, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))


def read(content):
    readout = read_flowjo(Content("flow.file", content))
    frame = readout.frame
    keys = zip(frame["written"], frame["path"], frame["measure"], strict=True)
    return dict(zip(keys, frame["value"], strict=True)), {remark.check for remark in readout.remarks}


def attempt(content):
    """What is read, or None where it is refused with lines that name the file."""
    try:
        return read(content)
    except Problems as problems:
        assert all(line.startswith("flow.file") for line in str(problems).splitlines())
        return None


WHOLE_TABLE = read("".join(",".join(f'"{cell}"' for cell in row) + "\n" for row in TABLE).encode())[0]
WHOLE_WORKSPACE = read(WORKSPACE)[0]


@SETTINGS
@given(spoilt(TABLE))
def test_a_spoilt_table(content):
    if (found := attempt(content)) is None:
        return
    numbers, remarks = found
    for key, value in numbers.items():
        assert value == pytest.approx(WHOLE_TABLE[key], rel=1e-12)
    if len(numbers) < len(WHOLE_TABLE):
        assert remarks & {"mean_differs", "no_summary_rows"}


@SETTINGS
@given(st.integers(0, len(WORKSPACE) - len(b"</Workspace>\n")))
@example(0)
@example(len(WORKSPACE) - 14)
def test_a_workspace_cut_off_anywhere_is_refused(length):
    assert attempt(WORKSPACE[:length]) is None


@SETTINGS
@given(st.sampled_from(ENCODINGS), st.sampled_from(["\n", "\r\n", "\r"]))
def test_a_workspace_in_another_encoding(encoding, line_end):
    text = WORKSPACE.decode().replace("\n", line_end)
    assert read(text.encode(encoding))[0] == WHOLE_WORKSPACE


@SETTINGS
@given(st.data())
def test_a_workspace_with_lines_gone_or_twice(data):
    lines = WORKSPACE.decode().splitlines(keepends=True)
    place = data.draw(st.integers(0, len(lines) - 1))
    what = data.draw(st.sampled_from(["drop", "twice", "blank"]))
    lines[place : place + 1] = {"drop": [], "twice": [lines[place]] * 2, "blank": ["\n", lines[place]]}[what]
    found = attempt("".join(lines).encode())
    if found is not None and found[0] != WHOLE_WORKSPACE:
        # only the template of the group may be lost without a sample missing
        assert found[1] & {"samples_absent", "gates_absent", "sample_without_gates"}
        assert found[0].items() <= WHOLE_WORKSPACE.items()


@pytest.mark.parametrize("gate", ["T cells", "CD4+", "B cells"])
def test_a_gate_taken_out_of_a_sample_is_missed(gate):
    text = WORKSPACE.decode()
    sample = text.index("A2.fcs")
    without = re.sub(rf'<Population name="{re.escape(gate)}"', '<Other name="x"', text[sample:], count=1)
    depth, closed = 0, None
    start = without.index('<Other name="x"')
    for match in re.finditer(r"<(/?)(?:Population|Other)\b", without[start:]):
        depth += -1 if match[1] else 1
        if depth == 0:
            closed = start + match.start()
            break
    without = without[:start] + without[closed + len("</Population>") :]
    numbers, remarks = read((text[:sample] + without).encode())
    assert "gates_absent" in remarks
    assert numbers.items() < WHOLE_WORKSPACE.items()


@SETTINGS
@given(
    st.sampled_from(['<!DOCTYPE w [<!ENTITY a "9">]>', '<!DOCTYPE w SYSTEM "file:///etc/passwd">', "<!DOCTYPE w>"]),
    st.booleans(),
)
def test_entities_and_document_types_are_refused(definition, used):
    text = WORKSPACE.decode().replace("<Workspace", f"{definition}\n<Workspace", 1)
    text = text.replace('count="300"', 'count="30&a;"') if used else text
    assert attempt(text.encode()) is None


def test_an_entity_bomb_is_refused_at_once():
    entities = "".join(f'<!ENTITY e{n} "{f"&e{n - 1};" * 10}">' for n in range(1, 12))
    bomb = WORKSPACE.decode().replace("<Workspace", f'<!DOCTYPE w [<!ENTITY e0 "x">{entities}]>\n<Workspace', 1)
    with pytest.raises(Problems, match="defines entities or a document type"):
        read(bomb.replace('name="CD4+"', 'name="&e11;"').encode())


@SETTINGS
@given(st.binary(max_size=200))
def test_anything_else_is_refused(content):
    assert sniff_flowjo(Content("x", content)) == ""
    assert attempt(content) is None
