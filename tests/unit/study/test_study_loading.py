"""What reading a study file keeps, and what it says about mistakes."""

import subprocess
import sys
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import cytoshift
from cytoshift.study.lines import entry_names, line_of
from cytoshift.study.loading import load_study, plan_digest
from cytoshift.study.problem import Problems
from cytoshift.study.problems import problems
from cytoshift.study.yaml_text import read_yaml
from study_plan_example import PLAN, Mistake, edited, mistakes

READING = list(mistakes(Path(__file__).with_name("mistakes_in_reading.txt")))


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write(folder: Path, text: str) -> str:
    (folder / "plan.yaml").write_text(text, encoding="utf-8")
    return "plan.yaml"


def lines_of(folder: Path, text: str) -> list[str]:
    """Everything said about a plan: at reading, or about its relations."""
    try:
        loaded = load_study(write(folder, text))
    except Problems as error:
        return str(error).split("\n")
    return [str(problem) for problem in problems(loaded.study, loaded.lines, loaded.path)]


@pytest.mark.parametrize(
    ("written", "meant"),
    {
        "1": 1,
        "-1": -1,
        "1.5": 1.5,
        "1e3": 1000.0,
        ".5": 0.5,
        "true": True,
        "false": False,
        "01": "01",
        "1_000": "1_000",
        "0x1F": "0x1F",
        "0o17": "0o17",
        "12:30:00": "12:30:00",
        "2024-01-05": "2024-01-05",
        "no": "no",
        "yes": "yes",
        "on": "on",
        "True": "True",
        "null": "null",
        "~": "~",
        ".inf": ".inf",
        ".nan": ".nan",
        "1e999": "1e999",
        "NA": "NA",
        "'1'": "1",
        '""': "",
        "9" * 5000: "9" * 5000,
    }.items(),
)
def test_only_numbers_and_true_false_are_not_text(written: str, meant: object) -> None:
    value = read_yaml(f"key: {written}").data["key"]
    assert value == meant
    assert isinstance(value, str) == isinstance(meant, str)
    assert isinstance(value, bool) == isinstance(meant, bool)


def test_text_keeps_the_way_a_number_was_written(folder: Path) -> None:
    study = load_study(write(folder, edited(("written: [V1]", "written: [1.50, 1e3, +5, 007]")))).study
    assert study.visits[0].written == ["1.50", "1e3", "+5", "007"]


def test_a_valid_plan_is_read_with_the_line_of_each_key(folder: Path) -> None:
    loaded = load_study(write(folder, PLAN))
    assert [visit.id for visit in loaded.study.visits] == ["baseline", "week_8", "week_16"]
    assert loaded.study.contrasts[1].where == {"cohort": ["2021"]}
    rows = PLAN.splitlines()
    for key, text in {
        "alpha": "alpha:",
        "visits[week_8].time": "week_8",
        "exclude[1].reason": "S12",
        "cytokines[olink].columns.value": "NPX}",
        "contrasts[load].each.arm": "id: load",
    }.items():
        assert text in rows[loaded.lines[key] - 1]
    assert line_of(loaded.lines, "visits[week_8].label") == loaded.lines["visits[week_8]"]
    assert line_of(loaded.lines, "seed") is None


@pytest.mark.parametrize("mistake", READING, ids=lambda mistake: mistake.name)
def test_each_mistake_gives_its_line(folder: Path, mistake: Mistake) -> None:
    assert lines_of(folder, edited(*mistake.edits)) == mistake.lines


def test_ten_mistakes_give_ten_lines(folder: Path) -> None:
    plan = edited(
        ("title:", "titel:"),
        ("design: parallel", "design: paralell"),
        ("randomised: true", "randomised: maybe"),
        ("time: 8", "time: eight"),
        ("{id: ldn, dose_mg", "{id: LDN, dose_mg"),
        ("analyte: Assay, value: NPX", "analyte: Assay"),
        ("unit: 10^9/L", "unit: 10^9"),
        ("reason: haemolysed", "reason:"),
        ("tier: secondary", "tier: second"),
        ("alpha: 0.05", "alpha: 5"),
    )
    lines = lines_of(folder, plan)
    assert len(lines) == 10
    assert [line.split(":")[1].strip() for line in lines] == sorted(
        (line.split(":")[1].strip() for line in lines), key=int
    )


@pytest.mark.parametrize(
    ("content", "message"),
    {
        b"\xff\xfe\x00": "plan.yaml:1: is not UTF-8 text; save it as UTF-8",
        b"id: pilot\ntitle: caf\xe9\n": "plan.yaml:2: is not UTF-8 text; save it as UTF-8",
        b"id: pilot\ntitle: a\x07b\n": "plan.yaml:2: contains a character that cannot be printed",
        b"": "plan.yaml: is not a study file: it must start with keys, e.g. `id: my-study`",
        b"- a\n- b\n": "plan.yaml: is not a study file: it must start with keys, e.g. `id: my-study`",
        b"a: " + b"[" * 5000: "plan.yaml:1: is nested more than 20 levels deep",
        b"x" * 1_000_001: "plan.yaml: is larger than 1,000,000 bytes: not a study file",
    }.items(),
    ids=lambda value: repr(value[:12]),
)
def test_what_is_not_a_study_file_is_one_line(folder: Path, content: bytes, message: str) -> None:
    (folder / "plan.yaml").write_bytes(content)
    with pytest.raises(Problems) as error:
        load_study("plan.yaml")
    assert str(error.value) == message


def test_a_file_that_is_not_there_is_one_line(folder: Path) -> None:
    with pytest.raises(Problems, match=r"^nowhere\.yaml: no such file or directory$"):
        load_study("nowhere.yaml")


def test_aliases_cannot_multiply(folder: Path) -> None:
    laughs = "a: &a [x, x]\nb: &b [*a, *a]\nc: &c [*b, *b]\nd: [*c, *c]\n"
    with pytest.raises(Problems, match="anchors and aliases") as error:
        load_study(write(folder, laughs))
    assert len(error.value.problems) == 1


def test_a_byte_order_mark_and_windows_line_ends_are_no_mistake(folder: Path) -> None:
    (folder / "plan.yaml").write_bytes(b"\xef\xbb\xbf" + PLAN.replace("\n", "\r\n").encode())
    assert load_study("plan.yaml").study.id == "pilot"


def test_starting_snakemake_stays_cheap() -> None:
    """The Snakefile is parsed in every cluster job, so that what it imports must not bring pandas along."""
    code = "import sys, cytoshift.study.loading, cytoshift.study.problems; print(*sys.modules)"
    scripts = Path(cytoshift.__file__ or "").parents[1]
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=scripts, capture_output=True, text=True, check=True, timeout=60
    )
    assert not {"pandas", "numpy", "pyarrow", "scipy", "snakemake"} & set(done.stdout.split())


@pytest.mark.parametrize(
    ("entries", "names"),
    [
        (["baseline", {"id": "week_8"}, {"time": 3}], ["baseline", "week_8", "3"]),
        ([{"id": "a"}, {"id": "a"}], ["a", "2"]),
        ([{"id": "2"}, {"id": "1"}], ["1", "2"]),
        (["a b", "<x>", "c[1]", True], ["1", "2", "3", "4"]),
    ],
)
def test_entries_go_by_their_id_or_their_place(entries: list[Any], names: list[str]) -> None:
    assert entry_names(entries) == names


def test_the_digest_is_of_the_plan_not_of_its_layout(folder: Path) -> None:
    plan = load_study(write(folder, PLAN))
    same = load_study(write(folder, "# a comment\n" + PLAN.replace("alpha: 0.05\n", "seed: 20261122\nalpha: 5e-2\n")))
    other = load_study(write(folder, edited(("alpha: 0.05", "alpha: 0.01"))))
    assert plan.digest == same.digest == plan_digest(plan.study)
    assert plan.digest != other.digest
    assert len(plan.digest) == 64


PIECES = [
    "",
    "{",
    "}",
    "[",
    "]",
    ":",
    "- ",
    "*a",
    "&a",
    "!x",
    "\t",
    "\n",
    "#",
    "'",
    '"',
    "0",
    "-1",
    "true",
    "null",
    "é",
]
PIECES += ["baseline", "week_16", "ldn", "1e400", "{mean: [a]}", "role:", "@", "\\", "%", "|", ">", "? ", "<<: ", "\0"]


PLAIN = yaml.safe_load(PLAN)
ODD = [None, True, -1, 1e300, "", "x", [], {}, ["baseline"], {"id": "ldn"}, [[1]], {"mean": ["week_8", "nowhere"]}]


def survives(path: str) -> None:
    """Reading and checking end in a plan or in problems of one line each."""
    try:
        loaded = load_study(path)
    except Problems as error:
        assert error.problems
        found = error.problems
    else:
        found = problems(loaded.study, loaded.lines, loaded.path, check_files=True)
    for problem in found:
        assert str(problem).startswith("plan.yaml")
        assert "\n" not in str(problem)


@settings(deadline=None, max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    edits=st.lists(
        st.tuples(
            st.integers(0, len(PLAN)), st.integers(0, 12), st.one_of(st.sampled_from(PIECES), st.text(max_size=4))
        ),
        min_size=1,
        max_size=4,
    )
)
def test_no_edit_of_the_text_gives_anything_but_problems(folder: Path, edits: list[tuple[int, int, str]]) -> None:
    text = PLAN
    for start, length, piece in edits:
        text = text[:start] + piece + text[start + length :]
    (folder / "plan.yaml").write_bytes(text.encode("utf-8", "surrogatepass"))
    survives("plan.yaml")


def mutate(data: Any, draw: st.DrawFn) -> None:
    """Walk down to a random place of the plan, and delete, replace, rename or repeat what is there."""
    while True:
        keys = list(data) if isinstance(data, dict) else list(range(len(data)))
        if not keys:
            return
        key = draw(st.sampled_from(keys))
        if isinstance(data[key], dict | list) and draw(st.integers(0, 3)):
            data = data[key]
            continue
        what = draw(st.sampled_from(["delete", "replace", "text", "again"]))
        if what == "delete":
            del data[key]
        elif what == "replace":
            data[key] = deepcopy(draw(st.sampled_from(ODD)))
        elif what == "text":
            data[key] = draw(st.text(max_size=12))
        elif isinstance(data, list):
            data.append(deepcopy(data[key]))
        else:
            data[f"{key}s"] = data.pop(key)
        return


@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_no_edit_of_a_key_or_value_gives_anything_but_problems(folder: Path, data: st.DataObject) -> None:
    plan = deepcopy(PLAIN)
    for _ in range(data.draw(st.integers(1, 4))):
        mutate(plan, data.draw)
    (folder / "plan.yaml").write_text(yaml.safe_dump(plan, allow_unicode=True, sort_keys=False), encoding="utf-8")
    survives("plan.yaml")
