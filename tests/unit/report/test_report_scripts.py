"""The scripts that draw figures: one per kind, alike but for the kind, as the loop in figures.smk takes them to be."""

import ast
import re
from pathlib import Path

WORKFLOW = Path(__file__).resolve().parents[3] / "workflow"
COMMON = (WORKFLOW / "rules" / "common.smk").read_text(encoding="utf-8")
REPORT = (WORKFLOW / "rules" / "figures.smk").read_text(encoding="utf-8")
FIGURES = re.findall(r'"(\w+)"', re.search(r"^FIGURES = \((.*?)\)", COMMON, re.DOTALL | re.MULTILINE).group(1))
PLATE_FIGURES = re.findall(r'"(\w+)"', re.search(r"^PLATE_FIGURES = \((.*?)\)", COMMON, re.MULTILINE).group(1))


def body(kind: str) -> str:
    """A script without its docstring, the kind's imports left out."""
    lines = (WORKFLOW / "scripts" / f"report_draw_{kind}.py").read_text(encoding="utf-8").splitlines()[1:]
    own = f"from cytoshift.figures.{kind} import draw"
    assert own in lines
    return "\n".join(line for line in lines if line != own)


def test_every_kind_has_a_script_a_caption_and_its_tables() -> None:
    scripts = {path.stem.removeprefix("report_draw_") for path in (WORKFLOW / "scripts").glob("report_draw_*.py")}
    captions = {path.stem for path in (WORKFLOW / "report").glob("*.rst")} - {"workflow"}
    tables = set(re.findall(r'^    "(\w+)": \(', REPORT, re.MULTILINE))
    assert scripts == {*FIGURES, "plates"}, "figures of plates share one script"
    assert captions == {*FIGURES, *PLATE_FIGURES}
    assert tables == set(FIGURES)


def test_the_scripts_differ_in_the_kind_alone() -> None:
    assert len({body(kind) for kind in FIGURES}) == 1


def test_a_figure_asks_for_the_tables_it_is_drawn_from() -> None:
    for kind in FIGURES:
        source = (WORKFLOW / "scripts" / "cytoshift" / "figures" / f"{kind}.py").read_text(encoding="utf-8")
        draw = next(
            node for node in ast.parse(source).body if isinstance(node, ast.FunctionDef) and node.name == "draw"
        )
        required = [argument.arg for argument in draw.args.args][: len(draw.args.args) - len(draw.args.defaults)]
        given = re.search(rf'^    "{kind}": \(([^)]*)\)', REPORT, re.MULTILINE).group(1)
        assert sorted(re.findall(r'"(\w+)"', given)) == sorted(set(required) - {"plan"}), kind
