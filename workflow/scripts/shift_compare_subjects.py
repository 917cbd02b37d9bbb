"""Hold every subject's change against how far values move by themselves."""

from cytoshift import tables
from cytoshift.frames import read_table, write_table
from cytoshift.jobs import job, whole_file
from cytoshift.shift.subjects.reference_change import SubjectTables, compare_subjects
from cytoshift.study.study import SubjectsPlan

with job(snakemake.log[0], snakemake.params.library) as log:
    read = {name: read_table(path, tables.TABLES[name]) for name, path in snakemake.input.items()}
    limits = compare_subjects(SubjectTables(**read), SubjectsPlan.model_validate(snakemake.params.plan))
    log.info("%d limits", int(limits["limit_low"].notna().sum()))
    with whole_file(snakemake.output[0]) as path:
        write_table(limits, tables.REFERENCE_CHANGE, path)
