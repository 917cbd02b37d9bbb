"""Set the report page from the tables and figures on disk."""

import json
from pathlib import Path

from cytoshift.jobs import job, whole_file
from cytoshift.report.inputs import read_tables
from cytoshift.report.page import build_page
from cytoshift.study.study import Study

with job(snakemake.log[0], snakemake.params.library) as log:
    checked = json.loads(Path(snakemake.input.checked).read_text(encoding="utf-8"))
    page = build_page(
        read_tables(dict(snakemake.input.items()), snakemake.input.findings),
        Study.model_validate(snakemake.params.study),
        figures={Path(folder).name: folder for folder in snakemake.input.figures},
        captions=snakemake.params.captions,
        inputs=checked["files"],
        plan_sha256=snakemake.params.plan_sha256,
    )
    log.info("%d bytes", len(page.encode()))
    with whole_file(snakemake.output[0]) as path:
        path.write_text(page, encoding="utf-8")
