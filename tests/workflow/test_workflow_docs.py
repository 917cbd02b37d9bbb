"""The generated documents say what the models and tables say, and the examples in them work."""

import difflib
import doctest
import json
import re
from pathlib import Path

import jsonschema
import pytest
import yaml

from cytoshift.study.documentation import documents, json_schema, reference_markdown, write_documentation
from cytoshift.study.loading import load_study
from cytoshift.study.problems import problems
from cytoshift.study.yaml_text import read_yaml
from cytoshift.tables import TABLES

ROOT = Path(__file__).parents[2]
PLANS = [*(ROOT / "tests" / "workflow" / "plans").glob("*.yaml"), *(ROOT / "config" / "studies").glob("*.yaml")]


@pytest.mark.parametrize("name", ["config/README.md", "workflow/schemas/study.schema.json", "results/README.md"])
def test_generated_documents_are_up_to_date(name: str) -> None:
    path = ROOT / name
    now = path.read_text(encoding="utf-8") if path.exists() else ""
    wanted = documents(ROOT)[path]
    difference = difflib.unified_diff(
        now.splitlines(), wanted.splitlines(), f"{name} (stored)", f"{name} (now)", "", ""
    )
    assert now == wanted, "`make docs` brings it up to date:\n" + "\n".join(difference)


def test_writing_keeps_the_prose_and_is_stable(tmp_path: Path) -> None:
    page = tmp_path / "config" / "README.md"
    page.parent.mkdir()
    before, _, rest = (ROOT / "config" / "README.md").read_text(encoding="utf-8").partition("<!-- reference")
    page.write_text(f"My words.\n<!-- reference{rest}More words.\n", encoding="utf-8")
    write_documentation(tmp_path)
    once = page.read_text(encoding="utf-8")
    write_documentation(tmp_path)
    assert before
    assert once == page.read_text(encoding="utf-8")
    assert once.startswith("My words.\n")
    assert once.endswith("More words.\n")
    assert reference_markdown() in once
    page.write_text("no place for it\n", encoding="utf-8")
    with pytest.raises(ValueError, match="are needed, in this order"):
        write_documentation(tmp_path)


def test_the_reference_has_every_section_and_the_results_every_table() -> None:
    reference = reference_markdown()
    for section in ("visits[]", "cytokines[].columns", "quality.unit_slip", "contrasts[].each", "endpoints[]"):
        assert f"### `{section}`" in reference
    assert "### `contrasts[].reference`, `contrasts[].target`, `contrasts[].at`" in reference
    results = documents(ROOT)[ROOT / "results" / "README.md"]
    assert all(f"### {name}\n" in results for name in TABLES)


@pytest.mark.parametrize("plan", PLANS, ids=lambda plan: plan.stem)
def test_the_schema_accepts_real_plans(plan: Path) -> None:
    jsonschema.Draft202012Validator(json_schema()).validate(as_editors_read(plan.read_text(encoding="utf-8")))


def as_editors_read(text: str) -> object:
    """Plain JSON values of a study file."""
    return json.loads(json.dumps(read_yaml(text).data))


@pytest.mark.parametrize(
    "edit",
    [
        ("design: single_arm", "design: one_arm"),
        ("title:", "titel:"),
        ("visits: [before, after]", "visits: []"),
        ("{id: change,", "{"),
    ],
)
def test_the_schema_refuses_mistakes(edit: tuple[str, str]) -> None:
    plan = smallest_study().replace(*edit)
    assert plan != smallest_study()
    assert not jsonschema.Draft202012Validator(json_schema()).is_valid(as_editors_read(plan))


def test_the_smallest_study_of_the_page_loads(tmp_path: Path) -> None:
    (tmp_path / "plan.yaml").write_text(smallest_study(), encoding="utf-8")
    loaded = load_study(tmp_path / "plan.yaml")
    assert problems(loaded.study, loaded.lines, loaded.path) == []


def test_every_example_of_the_page_is_yaml() -> None:
    for example in examples():
        assert yaml.safe_load(example) is not None or example.startswith("#")


def examples() -> list[str]:
    return re.findall(r"```yaml\n(.*?)```", (ROOT / "config" / "README.md").read_text(encoding="utf-8"), re.DOTALL)


def smallest_study() -> str:
    return next(example for example in examples() if example.startswith("id: my-study"))


def test_the_examples_of_the_readme_run_and_print_what_they_say() -> None:
    found = doctest.testfile(str(ROOT / "README.md"), module_relative=False)
    assert found.attempted >= 8
    assert found.failed == 0
