"""Set the plates' page from the tables and figures on disk."""

from pathlib import Path

from cytoshift.jobs import job, whole_file
from cytoshift.report.inputs import read_tables
from cytoshift.report.plates import build_plates_page
from cytoshift.study.study import Study

with job(snakemake.log[0], snakemake.params.library) as log:
    page = build_plates_page(
        read_tables(dict(snakemake.input.items()), snakemake.input.findings),
        Study.model_validate(snakemake.params.study),
        figures={Path(folder).name: folder for folder in snakemake.input.figures},
        captions=snakemake.params.captions,
    )
    log.info("%d bytes", len(page.encode()))
    with whole_file(snakemake.output[0]) as path:
        path.write_text(page, encoding="utf-8")
