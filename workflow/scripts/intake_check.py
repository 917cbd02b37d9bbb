"""Read every file of the study and stop with all mistakes at once, before any earlier result is replaced."""

import json

from cytoshift.intake.read import read_study
from cytoshift.jobs import job, whole_file
from cytoshift.study.study import IntakePlan

with job(snakemake.log[0], snakemake.params.library) as log:
    intake = read_study(IntakePlan.model_validate(snakemake.params.plan))
    summary = {
        "files": intake.files,
        "samples": len(intake.samples),
        "measurements": len(intake.measurements),
        "cells": len(intake.cells),
        "outcomes": len(intake.outcomes),
    }
    log.info("%d samples, %d measurements, no mistakes", summary["samples"], summary["measurements"])
    with whole_file(snakemake.output[0]) as path:
        path.write_text(json.dumps(summary, indent=1, sort_keys=True) + "\n", encoding="utf-8")
