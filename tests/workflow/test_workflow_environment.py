"""One set of versions: the lock, the conda environment and the reasons in pyproject.toml agree."""

import difflib
import re
import sys
from pathlib import Path

import environment_versions

ROOT = Path(__file__).resolve().parents[2]


def test_environment_yml_holds_the_locked_versions() -> None:
    wanted = environment_versions.environment_text()
    found = (ROOT / "environment.yml").read_text()
    difference = "".join(
        difflib.unified_diff(found.splitlines(True), wanted.splitlines(True), "environment.yml", "lock")
    )
    assert not difference, f"run `make lock`, or `python tests/environment_versions.py --write`:\n{difference}"


def test_lock_has_one_version_and_hashes_per_package() -> None:
    text = (ROOT / "requirements.lock").read_text()
    pinned = re.findall(r"^([a-z0-9][a-z0-9._-]*)==(\S+)", text, re.MULTILINE)
    names = [name for name, _ in pinned]
    assert len(names) == len(set(names)) > 50
    blocks = re.split(r"^(?=[a-z0-9])", text, flags=re.MULTILINE)[1:]
    assert [block.split("==")[0] for block in blocks if "--hash=sha256:" not in block] == []


def test_every_dependency_is_locked_and_carries_its_reason() -> None:
    text = (ROOT / "pyproject.toml").read_text().split("[tool.")[0]
    listed = re.findall(r'^  "([A-Za-z0-9_.-]+)[^"]*",(.*)$', text, re.MULTILINE)
    dependencies = [(name.lower(), rest) for name, rest in listed if rest.strip().startswith("#") or "=" in rest]
    assert set(environment_versions.runtime_dependencies()) <= {name for name, _ in dependencies}
    locked = environment_versions.locked_versions()
    assert [name for name, _ in dependencies if name not in locked] == []
    assert [name for name, rest in dependencies if not rest.strip().startswith("# ")] == []


def test_the_running_environment_is_the_locked_one() -> None:
    from importlib.metadata import version

    locked = environment_versions.locked_versions()
    running = {name: version(name) for name in environment_versions.runtime_dependencies()}
    assert running == {name: locked[name] for name in running}
    assert sys.version_info >= (3, 11)
