"""What was run on what, and what came out? One file with which a rerun can be compared."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from cytoshift.report.grids import records
from cytoshift.report.provenance import output_checksums, short_checksums, software_versions


def build_manifest(
    *,
    study_id: str,
    seed: int,
    plan_sha256: str,
    families: pd.DataFrame,
    inputs: Mapping[str, str],
    outputs: Iterable[Path | str],
    root: Path | str,
    library: Mapping[str, str],
) -> dict[str, Any]:
    """The manifest of a finished study.

    plan_sha256: digest of the plan as written; families: the table, whose resolved feature lists enter a digest of
    their own; inputs: sha256 by path; outputs: files and folders below `root`, the study's results; library: sha256 of
    the code by stage. Nothing in it depends on the machine, the folder or the day.
    """
    resolved = {
        f"{row.contrast}/{row.endpoint}": sorted(name for name in str(row.features).split(",") if name)
        for row in records(families)
    }
    plan = {"plan": plan_sha256, "features": resolved}
    digest = hashlib.sha256(json.dumps(plan, sort_keys=True, separators=(",", ":")).encode()).hexdigest()
    return {
        "study": study_id,
        "seed": seed,
        "plan": {"sha256": plan_sha256, "sha256_with_features": digest, "features": resolved},
        "inputs": short_checksums(inputs),
        "outputs": output_checksums(outputs, root),
        "library": dict(library),
        "versions": software_versions(),
    }


def manifest_text(manifest: Mapping[str, Any]) -> str:
    """The manifest as JSON with sorted keys, ending with a newline."""
    return json.dumps(manifest, indent=1, sort_keys=True, ensure_ascii=False) + "\n"
