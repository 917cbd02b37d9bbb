"""Do the parts of a plan fit together, and are its files there?"""

from pathlib import Path

import pytest

from cytoshift.study.loading import load_study
from cytoshift.study.problems import problems
from study_plan_example import PLAN, Mistake, edited, mistakes

RELATIONS = list(mistakes(Path(__file__).with_name("mistakes_in_relations.txt")))
FILES = ["samples.csv", "plates/p1.csv", "lod.csv", "npx.csv", "cbc.csv", "fatigue.csv"]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for name in FILES:
        path = tmp_path / "data" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    return tmp_path


def lines_of(folder: Path, text: str, *, check_files: bool = False) -> list[str]:
    (folder / "plan.yaml").write_text(text, encoding="utf-8")
    loaded = load_study("plan.yaml")
    found = problems(loaded.study, loaded.lines, loaded.path, reserved={"check"}, check_files=check_files)
    return [str(problem) for problem in found]


def test_a_valid_plan_has_no_problems(folder: Path) -> None:
    assert lines_of(folder, PLAN, check_files=True) == []


@pytest.mark.parametrize("mistake", RELATIONS, ids=lambda mistake: mistake.name)
def test_each_mistake_gives_its_lines(folder: Path, mistake: Mistake) -> None:
    assert lines_of(folder, edited(*mistake.edits)) == mistake.lines


@pytest.mark.parametrize(
    ("edit", "line"),
    {
        ("data/samples.csv", "data/sample.csv"): (
            "plan.yaml:16: samples.file: 'data/sample.csv' does not exist; did you mean 'samples.csv'?"
        ),
        ("data/plates/*.csv", "data/plates/*.xlsx"): (
            "plan.yaml:21: cytokines[luminex].files: 'data/plates/*.xlsx' matches no file"
        ),
        ("data/plates/*.csv", "data/plate/*.csv"): (
            "plan.yaml:21: cytokines[luminex].files: 'data/plate/*.csv' leads nowhere: there is no folder 'data/plate'"
        ),
        ("data/plates/*.csv", "data/plates"): (
            "plan.yaml:21: cytokines[luminex].files: 'data/plates' is a folder; "
            "name a file in it, or all of a kind: 'data/plates/*.csv'"
        ),
        ("data/lod.csv", "data/lods.csv"): (
            "plan.yaml:24: cytokines[luminex].limits: 'data/lods.csv' does not exist; did you mean 'lod.csv'?"
        ),
        ("data/fatigue.csv", "fatigue.csv"): "plan.yaml:37: outcomes[fatigue].file: 'fatigue.csv' does not exist",
        (
            "data/cbc.csv",
            "x" * 300,
        ): f"plan.yaml:32: cells[cbc].files: '{'x' * 300}' cannot be looked up: File name too long",
    }.items(),
)
def test_files_that_are_not_there(folder: Path, edit: tuple[str, str], line: str) -> None:
    assert lines_of(folder, edited(edit), check_files=True) == [line]


def test_files_are_looked_for_from_the_root_given(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    (folder / "plan.yaml").write_text(PLAN, encoding="utf-8")
    loaded = load_study("plan.yaml")
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    assert problems(loaded.study, loaded.lines, loaded.path, check_files=True, root=folder) == []
    assert len(problems(loaded.study, loaded.lines, loaded.path, check_files=True, root=elsewhere)) == len(FILES)


def test_a_file_name_with_brackets_is_a_file(folder: Path) -> None:
    (folder / "data" / "npx[1].csv").touch()
    assert lines_of(folder, edited(("data/npx.csv", '"data/npx[1].csv"')), check_files=True) == []


def test_in_a_crossover_arms_are_the_same_people(folder: Path) -> None:
    crossover = [
        ("design: parallel", "design: crossover"),
        ("patient, visit: visit, score", "patient, visit: visit, arm: arm, score"),
    ]
    lines = lines_of(folder, edited(*crossover))
    assert [line.split(": ")[1] for line in lines] == ["contrasts[week_16].method", "contrasts[at_start].method"]
    fitting = [
        *crossover,
        ("adjust: [age], method: ancova", "method: paired_t"),
        ("method: welch_t", "method: signed_rank"),
    ]
    assert lines_of(folder, edited(*fitting)) == []
    adjusted = [*crossover, ("method: ancova", "method: auto"), ("method: welch_t", "method: signed_rank")]
    assert lines_of(folder, edited(*adjusted)) == [
        "plan.yaml:47: contrasts[week_16].adjust: has no effect: "
        "the same people are compared with themselves; leave it out"
    ]


@pytest.mark.parametrize("method", ["crossover", "crossover_model"])
def test_an_effect_adjusted_for_period_needs_the_periods(folder: Path, method: str) -> None:
    named = [
        ("design: parallel", "design: crossover"),
        ("patient, visit: visit, score", "patient, visit: visit, arm: arm, score"),
        ("adjust: [age], method: ancova", f"method: {method}"),
        ("method: welch_t", "method: auto"),
    ]
    assert lines_of(folder, edited(*named)) == [
        f"plan.yaml:47: contrasts[week_16].method: '{method}' needs the order of the conditions: name the column of "
        "the period in `samples.columns.period` (or that of the date in `samples.columns.date`)"
    ]
    for column in ("period", "date"):
        assert lines_of(folder, edited(*named, ("type: type,", f"type: type, {column}: {column},"))) == []
    (between,) = lines_of(folder, edited(("method: welch_t", f"method: {method}")))
    assert f"'{method}' does not fit arms at one visit, different people" in between


def test_a_global_test_may_be_one_sided_and_words_of_direction_are_free(folder: Path) -> None:
    assert lines_of(folder, edited(("test: global", "test: global, sides: one"))) == []
    assert lines_of(folder, edited(("sides: two", "direction: increase"))) == []


@pytest.mark.parametrize("method", ["ancova", "change", "welch_t"])
def test_a_named_method_says_what_is_assumed_of_arms_that_were_not_randomised(folder: Path, method: str) -> None:
    observed = [("randomised: true\nstrata: [site]", "randomised: false")]
    named = ("against: placebo}", f"against: placebo, method: {method}}}")
    assert lines_of(folder, edited(*observed, named)) == []


def test_ten_mistakes_in_the_relations_give_ten_lines(folder: Path) -> None:
    plan = edited(
        ("strata: [site]", "strata: [sex]"),
        ("visits: [baseline]", "visits: [start]"),
        ("data/samples.csv", "data/sample.csv"),
        ("value: NPX", "value: '{analyte}'"),
        ('"{population}"', "Value"),
        ("sample: S12, ", ""),
        ("target: week_16, arm: ldn", "target: week_61, arm: ldn"),
        ("where: {cohort: 2021}", "where: {site: A}, method: rank_sum"),
        ("role:pro_inflammatory", "role:inflammatory"),
        ("sides: two", "sides: one"),
    )
    assert len(lines_of(folder, plan, check_files=True)) == 10
