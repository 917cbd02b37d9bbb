"""How many events of each sample fell into each gate, as a FlowJo workspace (.wsp) stores them?

The counts are FlowJo's own; nothing is gated again. The file holds every gate twice, as the template of a group and in
each sample: only the samples' count. Gates are known by their whole path ("Single Cells" lies inside "Single Cells").
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from xml.parsers.expat import ExpatError

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import DefusedXMLParser, ParseError

from cytoshift.findings import listed, plural
from cytoshift.intake.flowjo_readout import (
    ALL_EVENTS,
    Path,
    PopulationReadout,
    gates,
    oversized,
    population_frame,
    sample_name,
)
from cytoshift.intake.instruments.content import Content
from cytoshift.intake.instruments.readout import Remark
from cytoshift.intake.texts import Unreadable
from cytoshift.study.problem import Problem, Problems

_GATES = frozenset(("Population", "AndNode", "OrNode", "NotNode"))
_CHUNK = 1 << 16


def is_workspace(content: Content) -> bool:
    """Does the text begin as a FlowJo workspace does?"""
    return content.kind == "xml" and "<Workspace" in content.head and "flowJoVersion" in content.head


def read_workspace(content: Content) -> PopulationReadout:
    """Events of every gate of every sample in a workspace; the sample's own count is the row with the path ().

    Raises Problems for XML that is not whole or defines entities, for counts that are no whole numbers, for two
    samples of one name, and for gates with more events than the gate they lie in.
    """
    if not is_workspace(content):
        raise Problems([Problem(content.path, "", "is no FlowJo workspace (XML with the element Workspace)")])
    found = _parse(content)
    problems = [Problem(content.path, f"line {line}", message) for line, message in found.mistakes]
    if not found.rows and not problems:
        problems.append(Problem(content.path, "", "is a workspace without gated samples"))
    frame = population_frame(found.rows)
    for line, _, message in oversized(frame):
        problems.append(Problem(content.path, f"line {line}", f"{message}: the file is damaged"))
    if problems:
        raise Problems(problems)
    return PopulationReadout(f"FlowJo {found.version}".strip(), frame, list(_remarks(found)))


def _parse(content: Content) -> _Workspace:
    handler = _Workspace()
    parser: Any = DefusedXMLParser(target=handler, forbid_dtd=True)
    handler.line = lambda: parser.parser.CurrentLineNumber
    text = content.text.lstrip("\ufeff \t\r\n")
    skipped = content.text[: len(content.text) - len(text)].count("\n")
    handler.skipped = skipped
    try:
        for start in range(0, len(text), _CHUNK):
            parser.feed(text[start : start + _CHUNK])
        parser.close()
    except DefusedXmlException as error:
        message = "defines entities or a document type; a workspace has neither, so it is not read"
        raise Problems([Problem(content.path, "", message)]) from error
    except (ParseError, ExpatError, ValueError, LookupError) as error:
        message = f"is XML that is not whole ({error}): was it cut off or changed? Save the workspace again"
        raise Unreadable(message) from error
    return handler


class _Workspace:
    """Takes the elements of a workspace one after the other."""

    def __init__(self) -> None:
        self.line: Any = None
        self.skipped = 0
        self.version = ""
        self.rows: list[tuple[Any, ...]] = []
        self.mistakes: list[tuple[int, str]] = []
        self.statistics: dict[str, int] = {}
        self.uncounted: list[str] = []
        self.bare: list[str] = []
        self.referred: dict[str, None] = {}
        self.present: set[str] = set()
        self.templates: dict[str, dict[Path, None]] = {}
        self.owners: dict[str, dict[str, None]] = {}
        self.of_sample: dict[str, set[Path]] = {}
        self._open: list[tuple[str, bool]] = []
        self._path: list[str] = []
        self._owner = ""
        self._group = ""
        self._sample: tuple[Any, ...] | None = None
        self._written = ""
        self._seen: dict[str, int] = {}

    def start(self, name: str, attributes: dict[str, str]) -> None:
        tag = name.rsplit("}", 1)[-1]
        takes = False
        if tag == "Workspace":
            self.version = attributes.get("flowJoVersion", self.version)
        elif tag == "SampleRef":
            self.referred[attributes.get("sampleID", "")] = None
        elif tag in ("GroupNode", "SampleNode"):
            self._owner, self._path, self._group = tag, [], attributes.get("name", "")
            if tag == "SampleNode":
                self._start_sample(attributes)
        elif tag in _GATES and self._owner:
            takes = True
            self._path.append(attributes.get("name", ""))
            self._take(attributes)
        elif tag == "Statistic" and self._owner == "SampleNode":
            statistic = attributes.get("name", "?")
            self.statistics[statistic] = self.statistics.get(statistic, 0) + 1
        self._open.append((tag, takes))

    def end(self, name: str) -> None:
        tag, takes = self._open.pop()
        if takes:
            self._path.pop()
        elif tag in ("GroupNode", "SampleNode"):
            if tag == "SampleNode" and not self.of_sample[self._written]:
                self.bare.append(self._written)
            self._owner, self._path = "", []

    def data(self, text: str) -> None:
        """Text between elements says nothing here."""

    def close(self) -> None:
        """Everything was taken while it came."""

    def _at(self) -> int:
        return int(self.line()) + self.skipped

    def _start_sample(self, attributes: dict[str, str]) -> None:
        self._written = sample_name(attributes.get("name", ""))
        self.present.add(attributes.get("sampleID", ""))
        if not self._written:
            self.mistakes.append((self._at(), "a sample without a name"))
        elif self._written in self._seen:
            message = f"{self._written!r} is the name of another sample too (line {self._seen[self._written]})"
            self.mistakes.append((self._at(), message + "; rename one in FlowJo"))
        self._seen.setdefault(self._written, self._at())
        self.of_sample[self._written], self.owners[self._written] = set(), {}
        self._sample = (self._written, ALL_EVENTS, ALL_EVENTS, "events", self._count(attributes), self._at(), "count")

    def _take(self, attributes: dict[str, str]) -> None:
        path = tuple(self._path)
        if self._owner == "GroupNode":
            self.templates.setdefault(self._group, {})[path] = None
            return
        self.owners[self._written][attributes.get("owningGroup", "")] = None
        known = self.of_sample[self._written]
        if not path[-1]:
            self.mistakes.append((self._at(), f"a gate without a name in {gates(path[:-1])!r}"))
        elif path in known:
            message = f"{gates(path)!r} of {self._written} is there twice: two gates of one name; rename one in FlowJo"
            self.mistakes.append((self._at(), message))
        if self._sample is not None:
            self.rows.append(self._sample)
            self._sample = None
        known.add(path)
        self.rows.append((self._written, path, path[:-1], "events", self._count(attributes), self._at(), gates(path)))

    def _count(self, attributes: dict[str, str]) -> float:
        text = attributes.get("count", "-1").strip()
        if text == "-1":
            self.uncounted.append(f"{gates(tuple(self._path))} of {self._written}")
            return float("nan")
        if not text.isascii() or not text.isdigit():
            self.mistakes.append((self._at(), f"{text!r} is no number of events; legal: a whole number"))
            return float("nan")
        return float(text)


def _remarks(found: _Workspace) -> Iterator[Remark]:
    templates = sum(map(len, found.templates.values()))
    if templates:
        message = f"{plural(templates, 'gate')} of groups are templates; the counts of the samples are read."
        yield Remark("group_gates", message, "note", "nothing", {"gates": templates})
    absent = [name for name in found.referred if name not in found.present]
    if absent:
        message = (
            f"groups list {plural(len(absent), 'sample')} that the workspace does not hold (ids {listed(absent)})."
        )
        yield Remark("samples_absent", message, "warning", "flagged", {"samples": len(absent)})
    for written, paths in found.of_sample.items():
        wanted = [path for owner in found.owners[written] for path in found.templates.get(owner, {})]
        lacking = [gates(path) for path in wanted if path not in paths]
        if lacking:
            message = f"{written} lacks {plural(len(lacking), 'gate')} of its group: {listed(lacking, 4)}."
            yield Remark("gates_absent", message, "warning", "flagged", {"gates": len(lacking)})
    if found.bare:
        message = f"samples without any gate are left out: {listed(found.bare)}."
        yield Remark("sample_without_gates", message, "note", "excluded", {"samples": len(found.bare)})
    if found.uncounted:
        message = f"gates that FlowJo had not counted when it saved the file are missing: {listed(found.uncounted, 4)}."
        yield Remark("not_counted", message, "warning", "flagged", {"gates": len(found.uncounted)})
    if found.statistics:
        names = [f"{name} ({count})" for name, count in found.statistics.items()]
        message = f"statistics other than counts are not read: {listed(names)}."
        yield Remark("statistics_left_out", message, "note", "excluded", {"statistics": sum(found.statistics.values())})
