"""How long does the demo take from an installed environment to its report, and how much memory does it use?

Run in the repository: `.venv/bin/python benchmarks/demo.py [cores]`. Works in a temporary copy; prints a table.
"""

import csv
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
NEEDED = ("Snakefile", "workflow", "config", "profiles", "environment.yml", "data")


def main(cores: str) -> None:
    """Run the demo once in a fresh folder and print wall seconds, job seconds and peak memory."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for part in NEEDED:
            source = ROOT / part
            (shutil.copytree if source.is_dir() else shutil.copy2)(source, folder / part)
        started = time.perf_counter()
        command = [Path(sys.executable).parent / "snakemake", "--cores", cores, "--quiet", "all"]
        subprocess.run(command, cwd=folder, check=True)
        wall = time.perf_counter() - started
        rows = []
        for path in sorted((folder / "results" / "benchmarks" / "ldn-ms-demo").glob("*.tsv")):
            with path.open() as file:
                row = next(csv.DictReader(file, delimiter="\t"))
            rows.append((path.stem, float(row["s"]), float(row["max_rss"])))
    print(f"wall {wall:.0f} s on {cores} cores; largest job {max(row[2] for row in rows):.0f} MB")
    for job, seconds, memory in sorted(rows, key=lambda row: -row[1]):
        print(f"{job:28} {seconds:6.1f} s {memory:6.0f} MB")


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "2")
