"""Which public files can be fetched, from where, under which licence, and how is each recognised as the right one?"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import yaml
from pydantic import Field, StringConstraints, ValidationError

from cytoshift.study.base import Model, Text
from cytoshift.study.problem import Problem, Problems
from cytoshift.study.study import StudyId

FileName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_][A-Za-z0-9_.-]*$", max_length=120)]
Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
Url = Annotated[str, StringConstraints(pattern=r"^https://\S+$")]


class PublicFile(Model):
    """One file of a public study, as it lies in the study's folder once fetched."""

    name: FileName = Field(description="File name in the study's folder.")
    url: Url = Field(description="Where the publisher keeps it, at a fixed commit.")
    sha256: Sha256 = Field(description="Of the file in the study's folder (of a converted file: of the result).")
    table: Text | None = Field(
        None, description="The address holds an .rda; this data frame of it is written as CSV and checked."
    )


class PublicStudy(Model):
    """A public study: what to cite, under which licence, and its files."""

    id: StudyId = Field(description="Name of the folder in data/public.")
    title: Text = Field(description="What was measured in whom.")
    licence: Text = Field(description="Licence of the files, with its holder.")
    licence_url: Url = Field(description="Where the licence's text is.")
    citation: Text = Field(description="What to cite, or the attribution line the licence asks for.")
    files: list[PublicFile] = Field(min_length=1, description="Its files.")


class Catalogue(Model):
    """Every public study the project knows."""

    studies: list[PublicStudy] = Field(min_length=1, description="The studies.")

    def paths(self, folder: str = "data/public") -> Iterator[str]:
        """The path of every file once fetched: folder/study/file."""
        for study in self.studies:
            for file in study.files:
                yield f"{folder}/{study.id}/{file.name}"

    def file(self, study: str, file: str) -> PublicFile:
        """One file by study id and file name. Raises KeyError when the catalogue does not hold it."""
        for entry in self.studies:
            for listed in entry.files:
                if (entry.id, listed.name) == (study, file):
                    return listed
        raise KeyError(f"{study}/{file}")


def read_catalogue(path: Path | str) -> Catalogue:
    """Read a catalogue of public studies (YAML). Raises Problems with one line per mistake."""
    try:
        content = yaml.safe_load(Path(path).read_text(encoding="utf-8"))
        catalogue = Catalogue.model_validate(content)
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise Problems([Problem(str(path), "", f"cannot be read: {' '.join(str(error).split())}")]) from None
    except ValidationError as error:
        raise Problems(
            Problem(str(path), ".".join(map(str, mistake["loc"])), mistake["msg"]) for mistake in error.errors()
        ) from None
    seen = list(catalogue.paths(""))
    twice = sorted({name for name in seen if seen.count(name) > 1})
    if twice:
        raise Problems(Problem(str(path), name.lstrip("/"), "is listed twice") for name in twice)
    return catalogue
