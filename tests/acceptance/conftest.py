"""Whole studies through the shipped workflow, each once per session, in a copy of what a clone would hold."""

import html
import os
import re
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import pytest

from checkouts import ROOT, Checkout
from cytoshift.study.loading import load_study
from shared_data import VARIABLE, shared_data

TAIL = 6000  # characters of a failed run that are shown


@dataclass(frozen=True)
class Results:
    """The results folder of a finished study."""

    folder: Path

    def table(self, name: str) -> pd.DataFrame:
        """A table by its path below the folder: Parquet typed, TSV with numbers where a whole column is numbers."""
        path = self.folder / name
        if path.suffix == ".parquet":
            return pd.read_parquet(path)
        return pd.read_csv(path, sep="\t", keep_default_na=False, na_values=[""], dtype_backend="numpy_nullable")

    def findings(self) -> pd.DataFrame:
        """What every stage noticed, as text."""
        stages = ("intake", "calibrate", "quality", "normalize", "shift")
        paths = [self.folder / stage / "findings.tsv" for stage in stages]
        paths.insert(2, self.folder / "quality" / "plate_findings.tsv")
        tables = [pd.read_csv(path, sep="\t", dtype=str, keep_default_na=False) for path in paths]
        return pd.concat(tables, ignore_index=True)

    def found(self, check: str) -> pd.DataFrame:
        """The findings of one check."""
        findings = self.findings()
        return findings[findings["check"] == check].reset_index(drop=True)

    def page(self) -> str:
        """The words on the report page, without markup, scripts and drawings, spaces collapsed."""
        text = (self.folder / "report/report.html").read_text(encoding="utf-8")
        text = re.sub(r"(?s)<(script|style|svg)\b.*?</\1>", " ", text)
        return " ".join(html.unescape(re.sub(r"(?s)<[^>]+>", " ", text)).split())


def copy_project(folder: Path) -> None:
    """Copy what is tracked, or would be added, by git."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, check=True)
    for name in filter(None, listed.stdout.decode().split("\0")):
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name)


def succeed(checkout: Checkout, *arguments: str) -> None:
    """Run snakemake with real data from the mirror; the test fails with the end of the output when the run does."""
    mirror = shared_data()
    environment = {} if mirror is None else {"CYTOSHIFT_MIRROR": str(mirror.resolve())}
    done = checkout.snakemake(*arguments, **environment)
    if done.returncode:
        pytest.fail(f"snakemake {' '.join(arguments)}\n{(done.stdout + done.stderr)[-TAIL:]}")


@pytest.fixture(scope="session")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Checkout:
    """One copy of the project for the session."""
    folder = tmp_path_factory.mktemp("project")
    copy_project(folder)
    return Checkout(folder)


@pytest.fixture(scope="session")
def run_study(checkout: Checkout) -> Callable[[str], Path]:
    """Runs a study (an id in config/studies, or the path of a plan in the copy) and returns its results folder."""
    finished: dict[str, Path] = {}

    def run(study: str) -> Path:
        if study not in finished:
            plan = checkout.folder / (study if study.endswith(".yaml") else f"config/studies/{study}.yaml")
            id_ = load_study(plan).study.id
            succeed(checkout, id_, "--config", f"studies={study}")
            finished[study] = checkout.folder / "results" / id_
        return finished[study]

    return run


@pytest.fixture(scope="session")
def public_data(checkout: Checkout) -> Path:
    """The real studies, fetched into the copy by `snakemake public_data`; absent ones skip, or fail in CI."""
    if shared_data() is None:
        message = f"the real studies are not here; {VARIABLE} names the folder that holds them"
        if os.environ.get("CI", "").lower() in {"true", "1"}:
            pytest.fail(message)
        pytest.skip(message)
    succeed(checkout, "public_data")
    return checkout.folder / "data" / "public"


@pytest.fixture(scope="session")
def run_real_study(public_data: Path, run_study: Callable[[str], Path]) -> Callable[[str], Results]:
    """The same for a study whose data are public."""
    return lambda study: Results(run_study(study))
