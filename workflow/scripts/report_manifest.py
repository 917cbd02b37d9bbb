"""Write down what was run on what, and the checksum of everything that came out."""

import json
from pathlib import Path

from cytoshift import tables
from cytoshift.frames import read_table
from cytoshift.jobs import job, whole_file
from cytoshift.report.manifest import build_manifest, manifest_text

with job(snakemake.log[0], snakemake.params.library) as log:
    manifest = build_manifest(
        study_id=snakemake.wildcards.study,
        seed=snakemake.params.seed,
        plan_sha256=snakemake.params.plan_sha256,
        families=read_table(snakemake.input.families, tables.FAMILIES),
        inputs=json.loads(Path(snakemake.input.checked).read_text(encoding="utf-8"))["files"],
        outputs=snakemake.input,
        root=Path(snakemake.output[0]).parents[1],
        library=snakemake.params.code,
    )
    log.info("%d files read, %d written", len(manifest["inputs"]), len(manifest["outputs"]))
    with whole_file(snakemake.output[0]) as path:
        path.write_text(manifest_text(manifest), encoding="utf-8")
