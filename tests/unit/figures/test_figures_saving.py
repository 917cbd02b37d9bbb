"""The same figure is the same file everywhere, and no name leaves its folder."""

from __future__ import annotations

import os
import subprocess
import sys
from hashlib import sha256
from pathlib import Path

import pytest
from matplotlib.figure import Figure

from cytoshift.figures.saving import safe_name, save_figures, shorten_numbers

SCRIPT = """
import sys
import figure_frames as frames
from cytoshift.figures import forest, heatmap, slopes
from cytoshift.figures.saving import save_figures
study = frames.plan()
t = frames.tables(study, subjects=6)
s, d = t["shifts"], t["decisions"]
save_figures(forest.draw(s, d, study), sys.argv[1] + "/forest")
save_figures(heatmap.draw(t["pairs"], s, d, study), sys.argv[1] + "/heatmap")
save_figures(slopes.draw(t["pairs"], t["panel"], t["samples"], s, d, study, 2), sys.argv[1] + "/slopes")
"""


def digests(folder: Path, **settings: str) -> dict[str, str]:
    path = os.pathsep.join(entry for entry in sys.path if entry)
    environment = {**os.environ, "PYTHONPATH": path, **settings}
    subprocess.run([sys.executable, "-W", "error", "-c", SCRIPT, str(folder)], env=environment, check=True, timeout=120)
    files = sorted(file for file in folder.rglob("*") if file.is_file())
    return {str(file.relative_to(folder)): sha256(file.read_bytes()).hexdigest() for file in files}


def test_files_do_not_depend_on_clock_hash_seed_home_or_locale(tmp_path: Path) -> None:
    home = tmp_path / "home"
    (home / ".config" / "matplotlib").mkdir(parents=True)
    (home / ".config" / "matplotlib" / "matplotlibrc").write_text("font.size: 40\naxes.grid: True\n")
    here = digests(tmp_path / "a", PYTHONHASHSEED="1", TZ="UTC")
    there = digests(
        tmp_path / "b", PYTHONHASHSEED="77", TZ="Pacific/Auckland", HOME=str(home), LC_ALL="C", SOURCE_DATE_EPOCH="1"
    )
    assert len(here) == 2 * (4 + 2 + 2)
    assert here == there


NAMES = {
    "a contrast id": ("week_16.ldn", "week_16.ldn"),
    "two sources": ("il6@msd", "il6_at_msd"),
    "a folder up": ("../../x", None),
    "markup": ("<script>", None),
    "a hidden file": (".profile", None),
    "too long": ("a" * 300, None),
}


@pytest.mark.parametrize(("name", "file"), NAMES.values(), ids=NAMES)
def test_names_are_safe_for_files(name: str, file: str | None) -> None:
    made = safe_name(name)
    assert file in (made, None)
    assert set(made) <= set("abcdefghijklmnopqrstuvwxyz0123456789_.-")
    assert ".." not in made and not made.startswith(".") and 0 < len(made) <= 100


def test_names_that_are_not_ids_stay_apart() -> None:
    assert len({safe_name(name) for name in ("<a>", "(a)", "a", "A", "a b")}) == 5


def test_two_figures_of_one_name_are_refused(tmp_path: Path) -> None:
    figures = [("a@b", Figure(figsize=(1, 1))), ("a_at_b", Figure(figsize=(1, 1)))]
    with pytest.raises(ValueError, match="two figures are called 'a_at_b'"):
        save_figures(iter(figures), tmp_path)


def test_only_coordinates_are_shortened() -> None:
    svg = '<path d="M 1.234567 2.3456 \nL 3.1 4" style="stroke-width: 0.12345"/><text>p = 0.012345</text>'
    assert shorten_numbers(svg) == svg.replace("1.234567 2.3456", "1.23 2.34")
