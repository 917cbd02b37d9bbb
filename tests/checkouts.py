"""Copies of the shipped workflow in which tests may run and edit things."""

import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from cytoshift.simulate.demo import DEMO_SEED, tiny_design
from cytoshift.simulate.study import simulate_study
from cytoshift.simulate.writing import write_study
from raw_study import write_raw_study

ROOT = Path(__file__).resolve().parents[1]
SHIPPED = ("Snakefile", "workflow", "config", "profiles", "environment.yml", "data/ldn-ms-demo", "data/public")


@dataclass(frozen=True)
class Checkout:
    """A copy of the workflow, and how to run it there."""

    folder: Path

    def snakemake(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run snakemake with two cores unless the arguments say otherwise; never raises on failure."""
        cores = [] if any(word.startswith("--cores") for word in arguments) else ["--cores=2"]
        inherited = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST", "SNAKEMAKE"))}
        command = [Path(sys.executable).parent / "snakemake", *cores, *arguments]
        return subprocess.run(
            list(map(str, command)), cwd=self.folder, env=inherited | environment, capture_output=True, text=True
        )

    def planned_rules(self, *arguments: str) -> set[str]:
        """Rules that a dry run would execute, targets aside."""
        run = self.snakemake("--dry-run", "--quiet", "host", *arguments)
        assert run.returncode == 0, run.stdout + run.stderr
        rules = re.findall(r"^(?:local)?rule (\w+):$", run.stdout + run.stderr, re.MULTILINE)
        return {rule for rule in rules if "_" in rule}

    def results(self) -> dict[str, bytes]:
        """Every file below results/, logs and benchmarks aside, by its path."""
        folder = self.folder / "results"
        files = (path for path in sorted(folder.rglob("*")) if path.is_file() and not path.name.startswith("."))
        contents = {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}
        return {name: content for name, content in contents.items() if name.split("/")[0] not in ("logs", "benchmarks")}


def edit(path: Path, old: str, new: str) -> None:
    """Replace a text that stands in a file, where it stands first."""
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


def add_raw_study(folder: Path) -> None:
    """Write a tiny study of instruments' files, and make it the one that `snakemake` runs."""
    write_raw_study(folder / "data" / "raw")
    shutil.copy2(ROOT / "tests" / "workflow" / "raw.yaml", folder / "config" / "studies" / "raw.yaml")
    (folder / "config" / "config.yaml").write_text("studies: [raw]\n")


def add_tiny_study(folder: Path) -> None:
    """Write the tiny study's files and make it the one that `snakemake` runs."""
    write_study(simulate_study(tiny_design(), DEMO_SEED), folder / "data" / "tiny")
    shutil.copy2(ROOT / "tests" / "workflow" / "tiny.yaml", folder / "config" / "studies" / "tiny.yaml")
    (folder / "config" / "config.yaml").write_text("studies: [tiny]\n")


def copy_workflow(folder: Path) -> None:
    """Copy what the repository ships into `folder`."""
    for name in SHIPPED:
        source, target = ROOT / name, folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__", "*.pyc"))
        elif source.exists():
            shutil.copy2(source, target)
