"""A page as headless Chromium shows it at a given width: what it printed to the console, and what sticks out."""

import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
# Elements in a box that scrolls by itself (tables, plots, contents) may be wider than the page.
MEASURE = """(() => {
  const width = document.documentElement.clientWidth;
  const boxed = (element) => element.closest(".scroll, .plot, nav, .skip");
  return {
    width, scrolled: document.documentElement.scrollWidth,
    beyond: [...document.querySelectorAll("body *")]
      .filter((element) => !boxed(element) && element.getBoundingClientRect().right > width + 1)
      .map((element) => element.tagName + "." + element.className),
    broken: [...document.images].filter((image) => image.complete && !image.naturalWidth).map((image) => image.alt),
  };
})()"""


@dataclass(frozen=True)
class Seen:
    """`width` of the view, the page's own (`scrolled`), elements `beyond` it, `broken` images, console lines `said`."""

    width: int
    scrolled: int
    beyond: list[str]
    broken: list[str]
    said: list[str]


class _Pipe:
    """Chromium's debugging protocol over two pipes: messages of JSON that end in a zero byte."""

    def __init__(self, write: int, read: int) -> None:
        self._write, self._read = os.fdopen(write, "wb"), os.fdopen(read, "rb")
        self._number, self._rest, self.events = 0, b"", []

    def receive(self) -> dict[str, Any]:
        while b"\0" not in self._rest:
            piece = self._read.read1(1 << 16)
            if not piece:
                raise EOFError("Chromium closed its pipe")
            self._rest += piece
        message, _, self._rest = self._rest.partition(b"\0")
        return json.loads(message)

    def ask(self, method: str, session: str = "", **parameters: Any) -> dict[str, Any]:
        self._number += 1
        message = {"id": self._number, "method": method, "params": parameters}
        self._write.write(json.dumps(message | ({"sessionId": session} if session else {})).encode() + b"\0")
        self._write.flush()
        while True:
            answer = self.receive()
            if answer.get("id") == self._number:
                if "error" in answer:
                    raise RuntimeError(f"{method}: {answer['error']}")
                return answer["result"]
            self.events.append(answer)

    def wait(self, event: str) -> None:
        while not any(message.get("method") == event for message in self.events):
            self.events.append(self.receive())


@contextmanager
def _chromium() -> Iterator[_Pipe]:
    """A browser of its own; it reads from descriptor 3 and writes to descriptor 4."""
    their_read, our_write = os.pipe()
    our_read, their_write = os.pipe()
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        command = [
            str(CHROMIUM), "--headless", "--no-sandbox", "--disable-gpu", "--remote-debugging-pipe",
            f"--user-data-dir={profile}", "about:blank",
        ]  # fmt: skip
        # A shell moves the pipes to where Chromium looks for them, without code between fork and exec.
        moved = ["sh", "-c", f'exec "$@" 3<&{their_read} 4>&{their_write}', "sh", *command]
        process = subprocess.Popen(moved, pass_fds=(their_read, their_write), stderr=subprocess.DEVNULL)
        os.close(their_read)
        os.close(their_write)
        pipe = _Pipe(our_write, our_read)
        try:
            yield pipe
            pipe.ask("Browser.close")
        finally:
            process.terminate()
            process.wait()


def look_at(page: Path, width: int) -> Seen:
    """Open a page at a width (a phone below 600) and say what went wrong on it. Raises where Chromium is missing."""
    if CHROMIUM is None:
        raise FileNotFoundError("Chromium is not installed")
    with _chromium() as pipe:
        target = pipe.ask("Target.createTarget", url="about:blank")["targetId"]
        session = pipe.ask("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log"):
            pipe.ask(f"{domain}.enable", session)
        pipe.ask("Emulation.setDeviceMetricsOverride", session, width=width, height=900, deviceScaleFactor=1,
                 mobile=width < 600)  # fmt: skip
        pipe.events.clear()
        pipe.ask("Page.navigate", session, url=page.resolve().as_uri())
        pipe.wait("Page.loadEventFired")
        found = pipe.ask("Runtime.evaluate", session, expression=MEASURE, returnByValue=True)["result"]["value"]
        said = [json.dumps(event["params"]) for event in pipe.events if _complains(event)]
    return Seen(**found, said=said)


def _complains(event: dict[str, Any]) -> bool:
    return event.get("method") in ("Runtime.consoleAPICalled", "Runtime.exceptionThrown", "Log.entryAdded")
