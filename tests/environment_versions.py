"""environment.yml holds the versions of requirements.lock: compare them, or write the file anew (`--write`)."""

import re
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
# The same package under another name on conda-forge; the rest have the same name.
CONDA_NAMES = {"types-pyyaml": "types-pyyaml", "matplotlib": "matplotlib-base"}


def locked_versions() -> dict[str, str]:
    """Version of every package of requirements.lock, by normalised name."""
    text = (ROOT / "requirements.lock").read_text()
    return dict(re.findall(r"^([a-z0-9][a-z0-9._-]*)==([^ ;\\]+)", text, re.MULTILINE))


def runtime_dependencies() -> list[str]:
    """Names of the direct run-time dependencies in pyproject.toml."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    return [re.split(r"[<>=!~ ]", entry, maxsplit=1)[0].lower() for entry in project["dependencies"]]


def environment_text() -> str:
    """What environment.yml should be."""
    versions = locked_versions()
    lines = [
        "# For `snakemake --sdm conda`; the versions are those of requirements.lock (`make lock` writes both).",
        "channels:",
        "  - conda-forge",
        "  - bioconda",
        "  - nodefaults",
        "dependencies:",
        "  - python >=3.11,<3.14",
    ]
    lines += [f"  - {CONDA_NAMES.get(name, name)} ={versions[name]}" for name in sorted(runtime_dependencies())]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    if "--write" in sys.argv:
        (ROOT / "environment.yml").write_text(environment_text())
    else:
        sys.stdout.write(environment_text())
