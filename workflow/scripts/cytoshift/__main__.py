"""`python -m cytoshift new my-study FILES…` writes a first study file; `simulate` makes a study with known truth."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.text import Text

application = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="CytoShift: did the inflammatory markers shift? Studies run with `snakemake`; this prepares them.",
)
STUDIES_FOLDER = Path("config/studies")


@application.command("new")
def new_study(
    study: Annotated[str, typer.Argument(help="Its id: lower-case letters, digits and hyphens.")],
    files: Annotated[list[str], typer.Argument(help="Tables and exports of instruments: files, folders or globs.")],
    force: Annotated[bool, typer.Option("--force", help="Replace the study file if there is one.")] = False,
) -> None:
    """Look at your files and write config/studies/STUDY.yaml, every guess commented."""
    from cytoshift.drafting.writing import write_draft  # pandas: not for --help
    from cytoshift.study.problem import Problems

    path = STUDIES_FOLDER / f"{study}.yaml"
    try:
        written = write_draft(study, files, path, force=force)
    except Problems as problems:
        print(problems, file=sys.stderr)
        raise typer.Exit(1) from None
    console = Console(highlight=False, soft_wrap=True)
    console.print(Text("\n".join(written.guesses)))
    for problem in written.problems:
        console.print(Text(f"to mend: {problem}", style="bold"))
    console.print(Text(f"\n{path.as_posix()} is written; read it and mend what is marked 'please check'. Then:"))
    console.print(Text(f"  snakemake check --config studies={study}", style="bold"))


@application.command("simulate", context_settings={"allow_extra_args": True, "ignore_unknown_options": True})
def simulate(context: typer.Context) -> None:
    """Write a simulated study with known truth to a folder; `python -m cytoshift.simulate --help` says more."""
    from cytoshift.simulate.__main__ import main

    main(context.args)


if __name__ == "__main__":
    application(prog_name="python -m cytoshift")
