"""Runs the shipped workflow in a temporary folder, on a study small enough to be quick."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from checkouts import Checkout, add_tiny_study, copy_workflow


@pytest.fixture
def make_checkout(tmp_path: Path) -> Callable[..., Checkout]:
    """Copies the shipped files into a new folder, which the test may edit."""

    def make(name: str = "checkout") -> Checkout:
        folder = tmp_path / name
        copy_workflow(folder)
        return Checkout(folder)

    return make


@pytest.fixture(scope="session")
def finished_tiny(tmp_path_factory: pytest.TempPathFactory) -> Checkout:
    """The tiny study, run once from start to report; tests copy it before they change anything."""
    folder = tmp_path_factory.mktemp("finished") / "tiny"
    copy_workflow(folder)
    add_tiny_study(folder)
    checkout = Checkout(folder)
    run = checkout.snakemake()
    assert run.returncode == 0, run.stdout + run.stderr
    return checkout


@pytest.fixture
def tiny(finished_tiny: Checkout, tmp_path: Path) -> Checkout:
    """A copy of the finished tiny study, file times kept, so that Snakemake sees nothing to do."""
    folder = tmp_path / "tiny"
    shutil.copytree(finished_tiny.folder, folder)
    return Checkout(folder)
