"""Print what was understood of each study, or every mistake in it."""

from cytoshift.check import print_understanding, terminal, understand
from cytoshift.jobs import job
from cytoshift.study.loading import load_study

with job(snakemake.log[0], snakemake.params.library) as log:
    for name, path in snakemake.params.studies.items():
        # mistakes reach the terminal with the log, which the profile shows of every failed job
        print_understanding(understand(load_study(path).study), terminal())
        log.info("%s (%s): understood", name, path)
