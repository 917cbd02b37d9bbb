"""Fetch one public file, check it, and put it into its study's folder; one that is there and right stays."""

import os

from cytoshift.jobs import job, library_digest, whole_file
from cytoshift.sources.catalogue import PublicFile
from cytoshift.sources.fetch import MIRROR, fetch_file, is_file

# No `library` among the rule's params: whatever the code, the file is the one with this sha256, so editing the code
# is no reason to fetch it again, or to read it again.
with job(snakemake.log[0], {"folders": [], "sha256": library_digest()}) as log:
    file = PublicFile.model_validate(snakemake.params.file)
    if is_file(file, snakemake.output[0]):
        log.info("%s: is here already", file.name)
    else:
        mirror = os.environ.get(MIRROR)
        content = fetch_file(snakemake.wildcards.study, file, mirror)
        log.info("%s: %d bytes from %s", file.name, len(content), mirror or file.url)
        with whole_file(snakemake.output[0]) as path:
            path.write_bytes(content)
