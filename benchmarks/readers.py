"""How fast are instrument files read, beside allotropy (the nearest public parser) and beside csv.reader alone?

Run in the repository: `.venv/bin/python benchmarks/readers.py INTERPRETER [REPEATS]`, where INTERPRETER is a Python of
another environment that has allotropy (`pip install allotropy`). The real files are found as the tests find them.
Prints a table: the smallest of the repeats, in milliseconds, from bytes in memory to the result.
"""

import csv
import io
import json
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "workflow" / "scripts"), str(ROOT / "tests")]

from cytoshift.intake.instruments.content import Content  # noqa: E402 (the library is not installed)
from cytoshift.intake.instruments.formats import read_instrument  # noqa: E402
from cytoshift.intake.instruments.readout import Options  # noqa: E402
from shared_data import shared_study  # noqa: E402

# file → our format and allotropy's vendor ('' where allotropy refuses the file)
FILES = {
    "xponent/plate1.csv": ("xponent", ""),
    "serolyzer/Chul_TotalIgG_2.csv": ("xponent", "LUMINEX_XPONENT"),
    "serolyzer/IGG_CO_1_xponent.csv": ("xponent", "LUMINEX_XPONENT"),
    "serolyzer/New_Batch_14_20140513_082522.csv": ("xponent", ""),
    "allotropy/luminex_xPONENT_example02.csv": ("xponent", "LUMINEX_XPONENT"),
    "allotropy/luminex_xPONENT_NaN_and_not_reported_values.csv": ("xponent", "LUMINEX_XPONENT"),
    "allotropy/luminex_intelliflex_example_01.csv": ("xponent", "LUMINEX_INTELLIFLEX"),
    "allotropy/luminex_intelliflex_v2_2.csv": ("intelliflex", "LUMINEX_INTELLIFLEX"),
    "allotropy/msd_workbench_test_2.csv": ("msd", "MSD_WORKBENCH"),
}
# one timing per line of standard input, {"file", "vendor", "repeats"}; answers {"seconds"} or {"error"}
ALLOTROPY = """
import io, json, sys, time
from allotropy.parser_factory import Vendor
from allotropy.to_allotrope import allotrope_from_io
for line in sys.stdin:
    job = json.loads(line)
    raw = open(job["file"], "rb").read()
    seconds = []
    try:
        for _ in range(job["repeats"]):
            started = time.perf_counter()
            allotrope_from_io(io.BytesIO(raw), job["file"].rsplit("/", 1)[-1], Vendor[job["vendor"]])
            seconds.append(time.perf_counter() - started)
        print(json.dumps({"seconds": min(seconds)}), flush=True)
    except Exception as error:
        print(json.dumps({"error": str(error)}), flush=True)
"""


def main(interpreter: str, repeats: int) -> None:
    """Time every file with all three, in one run, and print the table."""
    folder = shared_study("instrument_exports")
    jobs = [
        {"file": str(folder / name), "vendor": vendor, "repeats": repeats}
        for name, (_, vendor) in FILES.items()
        if vendor
    ]
    command = [interpreter, "-W", "ignore", "-c", ALLOTROPY]
    lines = "".join(json.dumps(job) + "\n" for job in jobs)
    done = subprocess.run(command, input=lines, capture_output=True, text=True, check=True)
    theirs = dict(zip((job["file"] for job in jobs), map(json.loads, done.stdout.splitlines()), strict=True))
    print(f"{'file':58} {'csv ms':>8} {'ours ms':>8} {'× csv':>6} {'allotropy ms':>13} {'times faster':>13}")
    for name, (form, vendor) in FILES.items():
        raw = (folder / name).read_bytes()
        answer = theirs[str(folder / name)] if vendor else {"error": "refuses the file"}
        report(name, form, raw, answer, repeats)
    plate = msd_plate((folder / "allotropy" / "msd_workbench_test_2.csv").read_text())
    report("msd_workbench_test_2.csv repeated to 960 rows", "msd", plate.encode(), {"error": "not asked"}, repeats)


def report(name: str, form: str, raw: bytes, theirs: dict[str, object], repeats: int) -> None:
    """One line of the table."""
    plain = smallest(lambda: list(csv.reader(io.StringIO(raw.decode(), newline=""))), 20 * repeats)
    ours = smallest(lambda: read_instrument(Content(name, raw), form, Options()), 20 * repeats)
    seconds = theirs.get("seconds")
    beside = f"{1000 * seconds:13.0f} {seconds / ours:13.0f}" if isinstance(seconds, float) else f"  {theirs['error']}"
    print(f"{name:58} {1000 * plain:8.2f} {1000 * ours:8.1f} {ours / plain:6.1f} {beside}")


def smallest(work: Callable[[], object], repeats: int) -> float:
    """Seconds of the fastest of several runs, after one that imports what is imported late."""
    work()
    seconds = []
    for _ in range(repeats):
        started = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - started)
    return min(seconds)


def msd_plate(text: str) -> str:
    """The 48 rows of the small file repeated to 96 wells × 10 assays: other wells and samples, then other assays."""
    title, header, *rows = text.splitlines()
    repeated = []
    for assay in range(1, 11):
        for half in (0, 1):
            for place, row in enumerate(rows, start=48 * half):
                sample, name, _, *rest = row.split(",")
                moved = f"{'ABCDEFGH'[place // 12]}{place % 12 + 1:02d}"
                other = f"U1{sample[1:]}" if half and sample[0] == "U" else sample
                repeated.append(",".join([other, name.replace("1.0", f"{assay}.0"), moved, *rest]))
    return "\n".join([title, header, *repeated]) + "\n"


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    main(sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 3)
