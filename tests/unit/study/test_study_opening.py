"""Which studies does a run concern, and does one run show everything that stands in the way?"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cytoshift.study.opening import open_studies, study_files
from cytoshift.study.problem import Problem, Problems
from cytoshift.study.salvage import STAND_IN, salvage_study
from cytoshift.study.study import Study
from study_plan_example import PLAN, edited

FILES = ["samples.csv", "plates/p1.csv", "lod.csv", "npx.csv", "cbc.csv", "fatigue.csv"]
BAD_TITLE = ("title: A pilot", "title: A pilot\ntitel: again")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for name in FILES:
        path = tmp_path / "data" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    (tmp_path / "config" / "studies").mkdir(parents=True)
    write("config/studies/pilot.yaml", PLAN)
    return tmp_path


def write(path: str, text: str) -> None:
    Path(path).write_text(text, encoding="utf-8")


def lines_of(named: object, **options: object) -> list[str]:
    with pytest.raises(Problems) as caught:
        open_studies(named, **options)  # type: ignore[arg-type]  # options are passed on as they are
    return [str(problem) for problem in caught.value.problems]


def lines_after(*edits: tuple[str, str]) -> list[str]:
    write("config/studies/pilot.yaml", edited(*edits))
    return lines_of("pilot")


class Asked:
    """Stands in for reading the data files, and remembers whether it was asked."""

    def __init__(self, problems: Sequence[Problem] = ()) -> None:
        self.problems = list(problems)
        self.studies: list[str] = []

    def __call__(self, study: Study) -> list[Problem]:
        self.studies.append(study.id)
        return self.problems


@pytest.mark.parametrize("named", ["pilot", "config/studies/pilot.yaml", ["pilot"], ["pilot", "pilot"]])
def test_a_study_is_named_by_id_by_path_or_in_a_list(folder: Path, named: object) -> None:
    opened = open_studies(named)
    assert {id_: loaded.path for id_, loaded in opened.items()} == {"pilot": "config/studies/pilot.yaml"}


def test_several_studies_come_in_the_order_named(folder: Path) -> None:
    write("elsewhere.yml", edited(("id: pilot", "id: another")))
    assert list(open_studies(["pilot", "elsewhere.yml"])) == ["pilot", "another"]
    assert list(open_studies(["elsewhere.yml", "pilot"])) == ["another", "pilot"]


def test_an_unknown_id_is_answered_with_the_studies_there_are(folder: Path) -> None:
    write("config/studies/other.yaml", edited(("id: pilot", "id: other")))
    assert lines_of("pilto") == [
        "config/config.yaml: studies: 'pilto' is neither a path nor a study of config/studies/; "
        "there are: other, pilot; did you mean 'pilot'?"
    ]


@pytest.mark.parametrize("named", [[], None, 3])
def test_no_study_is_answered_with_an_example(folder: Path, named: object) -> None:
    assert lines_of(named) == [
        "config/config.yaml: studies: names no study; for example: snakemake --config studies=ldn-ms-demo"
    ]


def test_a_path_that_leads_nowhere_is_one_line(folder: Path) -> None:
    assert lines_of("config/studies/pilto.yaml") == ["config/studies/pilto.yaml: no such file or directory"]


def test_two_files_cannot_have_one_id(folder: Path) -> None:
    write("config/studies/copy.yaml", PLAN)
    assert lines_of(["pilot", "copy"]) == [
        "config/studies/copy.yaml: id: 'pilot' is also the id of config/studies/pilot.yaml"
    ]


def test_the_name_of_a_rule_is_no_id(folder: Path) -> None:
    lines = lines_of("pilot", reserved={"pilot", "check"})
    assert lines == [
        "config/studies/pilot.yaml:1: id: 'pilot' is the name of a rule; choose another, e.g. 'pilot-study'"
    ]


def test_mistakes_of_every_study_come_at_once(folder: Path) -> None:
    write("config/studies/pilot.yaml", edited(("alpha: 0.05", "alpha: 5")))
    write("config/studies/other.yaml", edited(("id: pilot", "id: other"), ("data/lod.csv", "data/lods.csv")))
    starts = [line.split(": '")[0] for line in lines_of(["pilot", "other", "third"])]
    assert starts == [
        "config/config.yaml: studies",
        "config/studies/other.yaml:24: cytokines[luminex].limits",
        "config/studies/pilot.yaml:55: alpha",
    ]


def test_the_data_are_asked_only_when_the_plan_has_mistakes(folder: Path) -> None:
    asked = Asked()
    open_studies("pilot", data_problems=asked)
    assert asked.studies == []
    write("config/studies/pilot.yaml", edited(BAD_TITLE))
    lines_of("pilot", data_problems=asked)
    write("config/studies/pilot.yaml", edited(("sides: two", "sides: one")))
    lines_of("pilot", data_problems=asked)
    assert asked.studies == ["pilot", "pilot"]


def test_mistakes_in_plan_and_data_stand_together(folder: Path) -> None:
    write("config/studies/pilot.yaml", edited(BAD_TITLE))
    asked = Asked([Problem("data/cbc.csv", 'row 4, column "NEU"', "'6.O1' is not a number")])
    lines = lines_of("pilot", data_problems=asked)
    assert lines[0].startswith("config/studies/pilot.yaml:3: titel: unknown key")
    assert lines[1:] == ["data/cbc.csv: row 4, column \"NEU\": '6.O1' is not a number"]


def test_a_missing_file_is_reported_once(folder: Path) -> None:
    write("config/studies/pilot.yaml", edited(("data/cbc.csv", "data/cbs.csv")))
    asked = Asked([Problem("data/cbs.csv", "", "not found")])
    assert lines_of("pilot", data_problems=asked) == [
        "config/studies/pilot.yaml:32: cells[cbc].files: 'data/cbs.csv' does not exist; did you mean 'cbc.csv'?"
    ]


def test_data_are_not_read_by_a_plan_that_had_to_be_guessed(folder: Path) -> None:
    asked = Asked([Problem("data/cbc.csv", "", "has no column 'Sample'")])
    write("config/studies/pilot.yaml", edited(("sample: sample_id", "sample: [a, b]")))
    assert len(lines_of("pilot", data_problems=asked)) == 1
    assert asked.studies == []


def test_ten_mistakes_of_both_kinds_give_ten_lines(folder: Path) -> None:
    lines = lines_after(
        BAD_TITLE,
        ("alpha: 0.05", "alpha: much"),
        ("data/samples.csv", "data/sampels.csv"),
        ("data/plates/*.csv", "data/plate/*.csv"),
        ("target: week_16, arm: ldn", "target: week16, arm: ldn"),
        ("features: [all]", 'features: ["role:pro_inflamatory"]'),
        ("tier: exploratory", "tier: explorative"),
        ("contrasts: [load.week_8.ldn]", "contrasts: [load.week8.ldn]"),
        ("sides: two", "correction: benjamini_hochberg"),
        ("strata: [site]", "strata: [sitte]"),
    )
    hints = [
        *("did you mean 'title'", "strata: 'sitte'", "did you mean 'samples.csv'", "no folder 'data/plate'"),
        *("did you mean 'week_16'", "did you mean 'load.week_8.ldn'", "does not control the error rate"),
        *("did you mean 'pro_inflammatory'", "did you mean 'exploratory'", "'much' is not a number"),
    ]
    assert len(lines) == 10
    assert [hint for hint in hints if not any(hint in line for line in lines)] == []


@pytest.mark.parametrize(
    ("edit", "line"),
    {
        ("title: A pilot\n", ""): "config/studies/pilot.yaml: title: is missing",
        ("design: parallel", "design: paralel"): "config/studies/pilot.yaml:4: design: 'paralel' is not legal",
        ("design: parallel", "design: 3"): "config/studies/pilot.yaml:4: design: '3' is not legal",
        ("randomised: true", "randomised: yes"): "config/studies/pilot.yaml:5: randomised: 'yes' is neither",
        ("strata: [site]", "strata: site"): "config/studies/pilot.yaml:6: strata: 'site' is not a list",
        ("id: week_8, time", "id: Week 8, time"): "config/studies/pilot.yaml:9: visits[2].id: 'Week 8' is not an id",
        ("id: week_8, time", "time"): "config/studies/pilot.yaml:9: visits[2].id: is missing",
        ("id: luminex", "idd: luminex"): "config/studies/pilot.yaml:20: cytokines[1].idd: unknown key",
        ("columns: {sample: Sample, value: \"{population}\"}", "shape: wide"): (
            "config/studies/pilot.yaml:31: cells[cbc].columns: is missing"
        ),
        ("file: data/samples.csv", "file: [data/samples.csv]"): (
            "config/studies/pilot.yaml:16: samples.file: a list is not a text"
        ),
        ("file: data/samples.csv", "file:"): "config/studies/pilot.yaml:16: samples.file: has no value",
        ("reference: baseline, target: week_16", "refrence: baseline, target: week_16"): (
            "config/studies/pilot.yaml:47: contrasts[week_16].refrence: unknown key"
        ),
        ("arm: ldn, against: placebo, adjust", "arm: ldn, against: [placebo], adjust"): (
            "config/studies/pilot.yaml:47: contrasts[week_16].against: a list is not a text"
        ),
        ("{mean: [week_8, week_16]}", "{mean: [week_8]}"): (
            "config/studies/pilot.yaml:48: contrasts[within].target.mean: has 1 of at least 2 entries"
        ),
        ("method: ancova", "method: anova"): (
            "config/studies/pilot.yaml:47: contrasts[week_16].method: 'anova' is not legal"
        ),
        ("tier: primary", "tier: main"): "config/studies/pilot.yaml:52: endpoints[top].tier: 'main' is not legal",
        ("test: global", "test: all"): "config/studies/pilot.yaml:52: endpoints[top].test: 'all' is not legal",
        ("features: [all]", "features: all"): (
            "config/studies/pilot.yaml:54: endpoints[everything].features: 'all' is not a list"
        ),
        ("reason: haemolysed", "reson: haemolysed"): "config/studies/pilot.yaml:42: exclude[1].reson: unknown key",
    }.items(),
)  # fmt: skip
def test_a_mistake_has_no_consequences(folder: Path, edit: tuple[str, str], line: str) -> None:
    lines = lines_after(edit)
    assert len(lines) == 1, lines
    assert lines[0].startswith(line)


@pytest.mark.parametrize(
    "edit",
    [
        ("title: A pilot\n", ""),
        ("id: pilot\n", ""),
        ("design: parallel", "design: paralel"),
        ("randomised: true", "randomised: yes"),
        ("id: luminex", "idd: luminex"),
        ("tier: exploratory", "tier: explorative"),
        ("reason: haemolysed", "reson: haemolysed"),
        ("target: week_16, arm: ldn", "target: week_16, arm: 3.5.1, armm: ldn"),
    ],
)
def test_other_mistakes_still_show(folder: Path, edit: tuple[str, str]) -> None:
    lines = lines_after(edit, ("target: {mean: [week_8, week_16]}", "target: {mean: [week_8, week_61]}"))
    assert any("'week_61' is not a visit" in line for line in lines), lines


def test_what_cannot_be_parsed_is_not_salvaged(folder: Path) -> None:
    write("broken.yaml", "id: [pilot\n")
    assert salvage_study("broken.yaml") is None
    assert len(lines_of("broken.yaml")) == 1


def test_an_empty_plan_asks_for_the_required_keys_alone(folder: Path) -> None:
    write("empty.yaml", "id: pilot\n")
    no_data, *lines = lines_of("empty.yaml")
    assert no_data == "empty.yaml: has no data; at least one of the keys cytokines, cells, outcomes is needed"
    assert [line.split(": ")[1] for line in lines] == [
        "contrasts",
        "design",
        "endpoints",
        "origin",
        "samples",
        "title",
        "visits",
    ]


PLACES = [line for line in PLAN.splitlines() if ": " in line]


@settings(deadline=None)
@given(st.sampled_from(PLACES), st.sampled_from(["3", "[]", "{}", "[[]]", "{a: {b: 1}}", "''", "true", "1e400", "x y"]))
def test_any_value_anywhere_is_salvaged_or_refused_without_a_traceback(line: str, value: str) -> None:
    key, _, _ = line.partition(": ")
    with tempfile.TemporaryDirectory() as name:
        path = Path(name) / "plan.yaml"
        path.write_text(PLAN.replace(line, f"{key}: {value}", 1), encoding="utf-8")
        with pytest.raises(Problems) as caught:
            open_studies(str(path))
    assert len(caught.value.problems) > 0
    assert not any(STAND_IN in str(problem) for problem in caught.value.problems)


def test_files_of_a_study_hold_globs_and_layouts(folder: Path) -> None:
    write("data/plates.csv", "file;plate;layout\np1.csv;1;layout.csv\np2.csv;2;missing.csv\n")
    write("data/layout.csv", "well,sample\n")
    write(
        "config/studies/pilot.yaml",
        edited(("limits: data/lod.csv", "limits: data/lod.csv\n    plates: data/plates.csv")),
    )
    files = study_files(open_studies("pilot")["pilot"].study)
    assert files == sorted(f"data/{name}" for name in [*FILES, "plates.csv", "layout.csv"])
