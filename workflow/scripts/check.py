"""Print what was understood of each study, or every mistake in it."""

import sys

from cytoshift.check import print_understanding, terminal, understand
from cytoshift.jobs import job
from cytoshift.study.loading import load_study
from cytoshift.study.problem import Problems

with job(snakemake.log[0], snakemake.params.library) as log:
    for name, path in snakemake.params.studies.items():
        try:
            print_understanding(understand(load_study(path).study), terminal())
        except Problems as problems:
            print(problems, file=sys.stderr)
            raise
        log.info("%s (%s): understood", name, path)
