"""Files come from a mirror or the network, are checked, and every failure is one line that says what to do."""

import hashlib
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from cytoshift.sources.catalogue import PublicFile
from cytoshift.sources.fetch import fetch_file, is_file
from cytoshift.sources.rda import rda_table_to_csv
from cytoshift.study.problem import Problems

CONTENT = b"subject,il6\n2,1.5\n"
SYNTHETIC = Path(__file__).with_name("synthetic.rda")


def entry(content=CONTENT, url="http://127.0.0.1:1/values.csv", table=None):
    """A catalogue entry; built without the check for https, so that a test can serve it."""
    sha256 = hashlib.sha256(content).hexdigest()
    return PublicFile.model_construct(name="values.csv", url=url, sha256=sha256, table=table)


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *args):
        """A test server has nothing to say."""


@pytest.fixture
def server(tmp_path):
    folder = tmp_path / "served"
    folder.mkdir()
    (folder / "values.csv").write_bytes(CONTENT)
    (folder / "table.rda").write_bytes(SYNTHETIC.read_bytes())
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder))) as running:
        threading.Thread(target=running.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{running.server_port}"
        running.shutdown()


def line(*arguments, **options):
    with pytest.raises(Problems) as problems:
        fetch_file("cycling", *arguments, **options)
    text = str(problems.value)
    assert "\n" not in text
    assert text.startswith("cycling/values.csv: ")
    return text


def test_a_mirror_is_used_instead_of_the_network(tmp_path):
    (tmp_path / "cycling").mkdir()
    (tmp_path / "cycling" / "values.csv").write_bytes(CONTENT)
    assert fetch_file("cycling", entry(), str(tmp_path)) == CONTENT


def test_a_mirror_holds_the_converted_table(tmp_path):
    (tmp_path / "cycling").mkdir()
    (tmp_path / "cycling" / "values.csv").write_bytes(CONTENT)
    assert fetch_file("cycling", entry(table="counts"), str(tmp_path)) == CONTENT


def test_a_changed_file_is_refused(tmp_path):
    (tmp_path / "cycling").mkdir()
    (tmp_path / "cycling" / "values.csv").write_bytes(CONTENT + b"3,1.6\n")
    text = line(entry(), str(tmp_path))
    assert "not the described file" in text
    assert entry().sha256 in text


def test_a_mirror_without_the_file_or_without_a_folder(tmp_path):
    assert "is not in the folder" in line(entry(), str(tmp_path))
    assert "CYTOSHIFT_MIRROR names" in line(entry(), str(tmp_path / "nowhere"))


@pytest.mark.parametrize("mirror", [None, ""])
def test_a_download_is_checked(server, mirror):
    assert fetch_file("cycling", entry(url=f"{server}/values.csv"), mirror) == CONTENT
    assert "not the described file" in line(entry(b"other", url=f"{server}/values.csv"), mirror)


def test_a_downloaded_r_table_is_converted_and_then_checked(server):
    expected = rda_table_to_csv(SYNTHETIC.read_bytes(), "counts")
    file = entry(expected, url=f"{server}/table.rda", table="counts")
    assert fetch_file("cycling", file) == expected
    assert "holds no data frame 'count'" in line(file.model_copy(update={"table": "count"}))
    assert "not the described file" in line(file.model_copy(update={"sha256": "0" * 64}))


def test_no_network_and_a_moved_file_are_told_apart(server):
    assert "no answer from the server" in line(entry(), timeout=1)
    assert "the server said 404" in line(entry(url=f"{server}/gone.csv"))
    assert "CYTOSHIFT_MIRROR" in line(entry(), timeout=1)


def test_a_file_that_is_there_is_recognised(tmp_path):
    path = tmp_path / "values.csv"
    assert not is_file(entry(), path)
    path.write_bytes(CONTENT)
    assert is_file(entry(), path)
    path.write_bytes(CONTENT + b"3,1.6\n")
    assert not is_file(entry(), path)
