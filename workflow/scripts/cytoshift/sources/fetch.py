"""Where do a public study's files come from, and are they the files its description was written for?"""

from __future__ import annotations

import hashlib
import logging
import tempfile
from pathlib import Path

import pooch

from cytoshift.sources.catalogue import PublicFile
from cytoshift.sources.rda import rda_table_to_csv
from cytoshift.study.problem import Problem, Problems

MIRROR = "CYTOSHIFT_MIRROR"
TIMEOUT_SECONDS = 60.0


def is_file(file: PublicFile, path: Path | str) -> bool:
    """Is the described file at `path` already?"""
    path = Path(path)
    return path.is_file() and hashlib.sha256(path.read_bytes()).hexdigest() == file.sha256


def fetch_file(study: str, file: PublicFile, mirror: str | None = None, timeout: float = TIMEOUT_SECONDS) -> bytes:
    """The content of a public file, checked against its sha256.

    Parameters: `study`, id of the study; `file`, its entry in the catalogue; `mirror`, a folder that holds
    <study>/<name> for every file, used instead of the network when given and not empty; `timeout`, seconds without
    an answer after which the server counts as unreachable.
    Raises Problems with one line when the file cannot be had or is not the one the catalogue describes.
    """
    where = f"{study}/{file.name}"
    if mirror:
        content, origin = _from_mirror(where, mirror), f"the folder {mirror!r}"
    else:
        content, origin = _from_network(where, file.url, timeout), file.url
        if file.table:
            content = _converted(where, content, file)
    found = hashlib.sha256(content).hexdigest()
    if found != file.sha256:
        message = f"what {origin} holds is not the described file: sha256 is {found}, expected {file.sha256}; not kept"
        raise Problems([Problem(where, "", message)])
    return content


def _from_mirror(where: str, mirror: str) -> bytes:
    folder = Path(mirror).expanduser()
    if not folder.is_dir():
        message = f"{MIRROR} names {mirror!r}, which is not a folder; correct it, or unset it to download"
        raise Problems([Problem(where, "", message)])
    try:
        return (folder / where).read_bytes()
    except OSError:
        message = f"is not in the folder {mirror!r} that {MIRROR} names; put it there, or unset {MIRROR} to download"
        raise Problems([Problem(where, "", message)]) from None


def _from_network(where: str, url: str, timeout: float) -> bytes:
    pooch.get_logger().setLevel(logging.WARNING)
    with tempfile.TemporaryDirectory() as folder:
        try:
            # No hash here: it is checked once for all ways of getting a file, after a conversion where there is one.
            # No streaming: the files are small, and a refused one would leave its connection open.
            downloader = pooch.HTTPDownloader(timeout=timeout, stream=False)
            path = pooch.retrieve(url, known_hash=None, fname="download", path=folder, downloader=downloader)
        except OSError as error:
            response = getattr(error, "response", None)
            reason = "no answer from the server" if response is None else f"the server said {response.status_code}"
            message = (
                f"could not be downloaded from {url} ({reason}); check the connection and run again, "
                f"or set {MIRROR} to a folder that holds it"
            )
            raise Problems([Problem(where, "", message)]) from None
        return Path(path).read_bytes()


def _converted(where: str, content: bytes, file: PublicFile) -> bytes:
    try:
        return rda_table_to_csv(content, file.table or "")
    except ValueError as error:
        raise Problems([Problem(where, "", f"what {file.url} sent {error}; not kept")]) from None
