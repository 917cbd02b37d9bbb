"""Write the tables as a workbook that explains its columns."""

from cytoshift.jobs import job, whole_file
from cytoshift.report.inputs import read_tables
from cytoshift.report.workbook import write_workbook
from cytoshift.study.study import Study

with job(snakemake.log[0], snakemake.params.library) as log:
    read = read_tables(dict(snakemake.input.items()), snakemake.input.findings)
    log.info("%d estimates, %d findings", len(read.shifts), len(read.findings))
    with whole_file(snakemake.output[0]) as path:
        write_workbook(read, Study.model_validate(snakemake.params.study), path)
