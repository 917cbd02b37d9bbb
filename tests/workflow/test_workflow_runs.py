"""The shipped workflow on the tiny study: complete, repeatable, rerunning what a change touches and nothing else."""

import hashlib
import json
import time
from pathlib import Path

import pytest
import yaml

from checkouts import Checkout, add_tiny_study, copy_workflow, edit

REPORT = {"report.html", "plates.html", "tables.xlsx", "manifest.json"}


def test_a_run_makes_report_workbook_and_manifest_and_leaves_nothing_to_do(tiny: Checkout) -> None:
    report = tiny.folder / "results" / "tiny" / "report"
    assert {path.name for path in report.iterdir() if path.is_file()} == REPORT
    again = tiny.snakemake()
    assert again.returncode == 0
    assert "Nothing to be done" in again.stdout + again.stderr


def test_every_log_says_something(tiny: Checkout) -> None:
    logs = sorted((tiny.folder / "results" / "logs").rglob("*.log"))
    assert len(logs) >= 9
    assert [log.name for log in logs if "finished after" not in log.read_text(encoding="utf-8")] == []


def test_bytes_do_not_depend_on_cores_hash_seed_time_zone_locale_home_or_folder(tiny: Checkout, tmp_path: Path) -> None:
    folder = tmp_path / "another place" / "with a space"
    copy_workflow(folder)
    add_tiny_study(folder)
    home = tmp_path / "home"
    home.mkdir()
    other = Checkout(folder)
    surroundings = {"PYTHONHASHSEED": "4242", "TZ": "Asia/Kathmandu", "LC_ALL": "C", "HOME": str(home)}
    run = other.snakemake("all", "--cores=1", **surroundings)
    assert run.returncode == 0, run.stdout + run.stderr
    here, there = tiny.results(), other.results()
    assert set(here) == set(there)
    assert [name for name in here if here[name] != there[name]] == []


def test_manifest_names_every_result_by_its_checksum(tiny: Checkout) -> None:
    results = tiny.results()
    manifest = json.loads(results["tiny/report/manifest.json"])
    sums = {name.removeprefix("tiny/"): hashlib.sha256(content).hexdigest() for name, content in results.items()}
    del sums["report/manifest.json"]
    assert manifest["outputs"] == sums
    assert len(sums) > 30
    assert str(tiny.folder) not in results["tiny/report/manifest.json"].decode()


@pytest.mark.parametrize(
    ("file", "old", "new", "expected", "spared"),
    [
        (
            "figures/theme.py",
            '"""',
            '"""Edited. ',
            {"report_draw", "report_"},
            {"intake", "calibrate", "quality", "normalize", "shift"},
        ),
        (
            "shift/classical/paired.py",
            '"""',
            '"""Edited. ',
            {"shift_", "report_"},
            {"intake", "calibrate", "quality", "normalize"},
        ),
        (
            "quality/review.py",
            '"""',
            '"""Edited. ',
            {"quality_", "normalize_", "shift_", "report_"},
            {"intake", "calibrate"},
        ),
    ],
)
def test_an_edit_in_the_library_reruns_the_stage_and_what_follows(
    tiny: Checkout, file: str, old: str, new: str, expected: set[str], spared: set[str]
) -> None:
    edit(tiny.folder / "workflow" / "scripts" / "cytoshift" / file, old, new)
    rules = tiny.planned_rules()
    assert [stage for stage in expected if not any(rule.startswith(stage) for rule in rules)] == []
    assert [rule for rule in rules if rule.split("_")[0] in spared] == []


@pytest.mark.parametrize(
    ("old", "new", "first", "spared"),
    [
        (
            "title: Six subjects",
            "title: Six people",
            "report_page",
            {"intake", "calibrate", "quality", "normalize", "shift", "report_draw"},
        ),
        (
            "contrasts:",
            "quality: {max_replicate_cv: {limit: 0.1}}\ncontrasts:",
            "quality_review",
            {"intake", "calibrate"},
        ),
        (
            "contrasts:",
            "limits: {policy: half_limit}\ncontrasts:",
            "shift_estimate",
            {"intake", "calibrate", "normalize_"},
        ),
        ("direction: decrease", "direction: increase", "shift_decide", {"intake", "calibrate", "quality", "normalize"}),
    ],
)
def test_a_change_of_the_plan_reruns_what_uses_it(
    tiny: Checkout, old: str, new: str, first: str, spared: set[str]
) -> None:
    edit(tiny.folder / "config" / "studies" / "tiny.yaml", old, new)
    rules = tiny.planned_rules()
    assert first in rules
    assert [rule for rule in rules if any(rule.startswith(stage) for stage in spared)] == []


def test_a_changed_data_file_is_read_again(tiny: Checkout) -> None:
    plate = next((tiny.folder / "data" / "tiny" / "plates").glob("*.csv"))
    time.sleep(1.1)  # file systems with whole seconds
    plate.write_text(plate.read_text(encoding="utf-8").replace("\n", "\r\n"), encoding="utf-8")
    assert "intake_read" in tiny.planned_rules()


TEN_MISTAKES = {
    "unknown key": ("title: Six", "titel: x\ntitle: Six", "titel"),
    "wrong type": ("contrasts:", "alpha: much\ncontrasts:", "alpha"),
    "missing file": ("file: data/tiny/samples.csv", "file: data/tiny/sampels.csv", "samples.csv"),
    "missing glob": ("files: [data/tiny/cbc.csv]", "files: [data/tiny/cbs.csv]", "cbc.csv"),
    "visit misspelt": ("target: week_8}", "target: week8}", "week_8"),
    "role misspelt": ("features: [all]", 'features: ["role:pro_inflamatory"]', "pro_inflammatory"),
    "tier": ("tier: exploratory", "tier: explorative", "exploratory"),
    "contrast misspelt": ("tier: secondary, contrasts: [week_8]", "tier: secondary, contrasts: [week8]", "week_8"),
    "correction": ("correction: max_t}", "correction: benjamini_hochberg}", "max_t"),
    "single arm randomised": ("design: single_arm", "design: single_arm\nrandomised: true", "single_arm"),
}  # fmt: skip


def test_ten_mistakes_give_ten_lines_and_leave_the_results_alone(tiny: Checkout) -> None:
    before = tiny.results()
    plan = tiny.folder / "config" / "studies" / "tiny.yaml"
    for old, new, _ in TEN_MISTAKES.values():
        edit(plan, old, new)
    run = tiny.snakemake()
    assert run.returncode != 0
    lines = [line for line in (run.stdout + run.stderr).splitlines() if line.startswith("config/studies/tiny.yaml")]
    assert len(lines) == 10, run.stdout + run.stderr
    for what, (_, _, hint) in TEN_MISTAKES.items():
        assert any(hint in line for line in lines), f"{what}: nothing says {hint!r} in {lines}"
    assert "Traceback" not in run.stdout + run.stderr
    assert tiny.results() == before


def test_mistakes_in_plan_and_data_are_reported_together(tiny: Checkout) -> None:
    edit(tiny.folder / "config" / "studies" / "tiny.yaml", "title: Six", "titel: x\ntitle: Six")
    sheet = tiny.folder / "data" / "tiny" / "samples.csv"
    rows = sheet.read_text(encoding="utf-8").splitlines()
    sheet.write_text("\n".join([*rows, rows[1], rows[2].replace(",V2,", ",V9,")]) + "\n", encoding="utf-8")
    run = tiny.snakemake()
    text = run.stdout + run.stderr
    assert run.returncode != 0
    assert "titel" in text
    assert "'V9'" in text
    assert rows[1].split(",")[0] in text


def test_a_letter_in_a_number_names_file_row_and_column_and_spares_the_results(tiny: Checkout) -> None:
    before = tiny.results()
    time.sleep(1.1)
    counts = tiny.folder / "data" / "tiny" / "cbc.csv"
    rows = counts.read_text(encoding="utf-8").splitlines()
    header, cells = rows[0].split(","), rows[3].split(",")
    cells[1] = "6.O1"
    counts.write_text("\n".join([*rows[:3], ",".join(cells), *rows[4:]]) + "\n", encoding="utf-8")
    run = tiny.snakemake()
    assert run.returncode != 0
    line = next(line for line in (run.stdout + run.stderr).splitlines() if "6.O1" in line)
    assert "data/tiny/cbc.csv" in line
    assert "row 4" in line
    assert header[1] in line
    assert tiny.results() == before


def test_a_refusal_in_a_later_stage_spares_the_results_too(tiny: Checkout) -> None:
    before = tiny.results()
    plan = tiny.folder / "config" / "studies" / "tiny.yaml"
    edit(plan, "contrasts:", "indices: [{id: odd, numerator: [il6], denominator: [neutrofils]}]\ncontrasts:")
    run = tiny.snakemake()
    assert run.returncode != 0
    assert "neutrofils" in run.stdout + run.stderr
    assert {name for name, content in tiny.results().items() if before[name] != content} == set()


def test_check_prints_what_was_understood_and_makes_no_result(make_checkout: object, tmp_path: Path) -> None:
    folder = tmp_path / "fresh"
    copy_workflow(folder)
    add_tiny_study(folder)
    run = Checkout(folder).snakemake("check", "--config", "studies=config/studies/tiny.yaml")
    assert run.returncode == 0, run.stdout + run.stderr
    for words in (
        "Who was measured",
        "How names were read",
        "IL-6",
        "Pairs per contrast",
        "week_8",
        "Defaults taken",
        "alpha",
    ):
        assert words in run.stdout, words
    assert not (folder / "results" / "tiny").exists()


def test_lint_is_clean(tiny: Checkout) -> None:
    run = tiny.snakemake("--lint")
    assert run.returncode == 0, run.stdout + run.stderr


def test_the_shim_and_another_workflow_can_use_it(tiny: Checkout, tmp_path: Path) -> None:
    shim = tiny.snakemake("--snakefile", "workflow/Snakefile", "--dry-run")
    assert shim.returncode == 0, shim.stdout + shim.stderr
    outer = tmp_path / "outer"
    outer.mkdir()
    (outer / "data").symlink_to(tiny.folder / "data")
    plan = yaml.safe_load((tiny.folder / "config" / "studies" / "tiny.yaml").read_text(encoding="utf-8"))
    (outer / "study.yaml").write_text(yaml.safe_dump(plan), encoding="utf-8")
    (outer / "Snakefile").write_text(
        f"module cytoshift:\n    snakefile: {str(tiny.folder / 'Snakefile')!r}\n"
        "    config: {'studies': 'study.yaml'}\n    pathvars:\n        results='elsewhere',\n\n"
        "use rule * from cytoshift as cytoshift_*\n\nrule all:\n    default_target: True\n"
        "    input: rules.cytoshift_shift_decide.output.families.format(study='tiny')\n",
        encoding="utf-8",
    )
    run = Checkout(outer).snakemake()
    assert run.returncode == 0, run.stdout + run.stderr
    assert (outer / "elsewhere" / "tiny" / "shift" / "families.tsv").is_file()


def test_snakemake_report_holds_the_figures_with_their_captions(tiny: Checkout) -> None:
    run = tiny.snakemake("--report", "report.html")
    assert run.returncode == 0, run.stdout + run.stderr
    assert "how to read" in (tiny.folder / "report.html").read_text(encoding="utf-8").lower()


def test_check_reads_again_after_an_edit(tiny: Checkout) -> None:
    first = tiny.snakemake("check")
    assert first.returncode == 0, first.stdout + first.stderr
    edit(tiny.folder / "config" / "studies" / "tiny.yaml", "subject: patient", "subject: patientt")
    second = tiny.snakemake("check")
    assert second.returncode != 0
    assert (second.stdout + second.stderr).count("did you mean 'patient'") == 1
