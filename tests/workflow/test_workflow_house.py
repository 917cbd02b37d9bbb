"""The rules of the house, checked on the code itself: who may import whom, and that a change reruns what it touches."""

import ast
import re
from functools import cache
from itertools import pairwise
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SCRIPTS = ROOT / "workflow" / "scripts"
LIBRARY = SCRIPTS / "cytoshift"
RULES = sorted((ROOT / "workflow" / "rules").glob("*.smk"))
STAGES = ["sources", "intake", "calibrate", "quality", "normalize", "shift", "explore", "figures", "report"]
GROUND = {"__init__.py", "jobs.py", "tables", "frames.py", "findings.py", "study", "vocabulary"}
# Not stages: they stand beside the line and may look at all of it.
BESIDE = {"simulate", "drafting", "check.py", "__main__.py"}


def imported_modules(path: Path) -> set[str]:
    """Dotted names of the package's modules that a file imports, anywhere in it."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    return {name for name in found if name.split(".")[0] == "cytoshift"}


def file_of(module: str) -> Path | None:
    path = SCRIPTS.joinpath(*module.split("."))
    return next((file for file in (path.with_suffix(".py"), path / "__init__.py") if file.is_file()), None)


@cache
def closure(path: Path) -> frozenset[Path]:
    """Every file of the package that a file imports, directly or not."""
    found: set[Path] = set()
    todo = [path]
    while todo:
        for file in map(file_of, imported_modules(todo.pop())):
            if file is not None and file not in found:
                found.add(file)
                todo.append(file)
    return frozenset(found)


def part_of(file: Path) -> str:
    return file.relative_to(LIBRARY).parts[0]


def blocks_of(path: Path) -> list[str]:
    """The text of each rule of a file, also of rules made in a loop."""
    text = path.read_text(encoding="utf-8")
    starts = [match.start() for match in re.finditer(r"^ *rule\b[^\n]*:$", text, re.MULTILINE)] + [len(text)]
    return [text[start:end] for start, end in pairwise(starts)]


NAMED_ITSELF = {
    name for path in RULES for name in re.findall(r'"\.\./scripts/(\w+)\.py"', path.read_text(encoding="utf-8"))
}


def scripts_of(block: str) -> list[Path]:
    """The scripts a rule can run; a placeholder in the name stands for all that fit and that no rule names itself."""
    named = re.search(r'"\.\./scripts/([\w.{}]+)\.py"', block)
    if named is None:
        return []
    fitting = sorted(SCRIPTS.glob(re.sub(r"\{[^}]*\}", "*", named.group(1)) + ".py"))
    return [script for script in fitting if script.stem == named.group(1) or script.stem not in NAMED_ITSELF]


SCRIPTED = [(script.stem, block) for path in RULES for block in blocks_of(path) for script in scripts_of(block)]
# It checks what it fetches by sha256; new code is no reason to fetch a file again.
WITHOUT_LIBRARY = {"sources_fetch"}


def test_every_script_belongs_to_one_rule_of_its_name() -> None:
    assert sorted(name for name, _ in SCRIPTED) == sorted(path.stem for path in SCRIPTS.glob("*.py"))
    for name, body in SCRIPTED:
        assert body.startswith(f"rule {name}:") or 'f"report_draw_{kind}"' in body, name


@pytest.mark.parametrize(("name", "body"), SCRIPTED, ids=[name for name, _ in SCRIPTED])
def test_a_rule_names_every_library_folder_its_script_imports(name: str, body: str) -> None:
    script = SCRIPTS / f"{name}.py"
    if name in WITHOUT_LIBRARY:
        assert "library(" not in body
        return
    named = re.search(r"library=library\(([^)]*)\)", body)
    assert named, "params has no library=library(…)"
    folders = set(re.findall(r'"([^"]+)"', named.group(1))) | GROUND
    needed = {part_of(file) for file in closure(script)}
    assert needed - folders == set(), f"{name} imports these, so an edit there must rerun it"
    assert folders - needed - GROUND == set(), f"{name} does not import these, so an edit there must not rerun it"


@pytest.mark.parametrize("stage", STAGES)
def test_stages_import_leftwards_only(stage: str) -> None:
    allowed = GROUND | set(STAGES[: STAGES.index(stage) + 1])
    wrong = [
        f"{file.relative_to(LIBRARY)} imports {module}"
        for file in (LIBRARY / stage).rglob("*.py")
        for module in imported_modules(file)
        if (target := file_of(module)) and part_of(target) not in allowed
    ]
    assert wrong == []


def test_the_ground_imports_nothing_above_it_and_nobody_imports_snakemake() -> None:
    wrong = []
    for file in LIBRARY.rglob("*.py"):
        if re.search(r"^\s*(from|import) snakemake", file.read_text(encoding="utf-8"), re.MULTILINE):
            wrong.append(f"{file.relative_to(LIBRARY)} imports snakemake")
        if part_of(file) in GROUND:
            above = {part_of(target) for module in imported_modules(file) if (target := file_of(module))} - GROUND
            wrong += [f"{file.relative_to(LIBRARY)} imports {part}" for part in sorted(above)]
    assert wrong == []
    known = GROUND | set(STAGES) | BESIDE
    assert {path.name for path in LIBRARY.iterdir() if path.name != "__pycache__"} - known == set()


def test_every_rule_has_a_log_a_benchmark_an_environment_and_resources() -> None:
    wanted = ("log:", "benchmark:", "conda:", "threads: 1", "mem_mb=", "runtime=")
    missing = [f"{name}: {part}" for name, body in SCRIPTED for part in wanted if part not in body]
    assert missing == ["check: benchmark:"], "check has nothing that Snakemake could take for a result"
    assert len(SCRIPTED) >= 18


def test_no_run_blocks_no_ancient_inputs_and_short_files() -> None:
    for path in [*RULES, ROOT / "Snakefile"]:
        text = path.read_text(encoding="utf-8")
        assert not re.search(r"^\s+run:\s*$", text, re.MULTILINE), f"{path.name} has a run: block"
        assert "ancient(" not in text, f"{path.name} hides changes with ancient()"
    assert len((ROOT / "Snakefile").read_text(encoding="utf-8").splitlines()) <= 60
    long = [
        f"{file.relative_to(ROOT)}: {lines} lines"
        for file in SCRIPTS.rglob("*.py")
        if (lines := len(file.read_text(encoding="utf-8").splitlines())) > 320
    ]
    assert long == []


def test_scripts_are_thin() -> None:
    long = {
        path.name: len(path.read_text(encoding="utf-8").splitlines())
        for path in SCRIPTS.glob("*.py")
        if len(path.read_text(encoding="utf-8").splitlines()) > 30
    }
    assert long == {}


def test_unit_tests_mirror_the_library() -> None:
    folders = {
        path.name for path in (ROOT / "tests" / "unit").iterdir() if path.is_dir() and list(path.glob("test_*.py"))
    }
    library = {path.name for path in LIBRARY.iterdir() if path.is_dir() and path.name != "__pycache__"}
    assert library - folders == set()
