"""Shared by the figures' tests: one demo study and one crossover, drawn once."""

from __future__ import annotations

import pandas as pd
import pytest
from matplotlib.figure import Figure

import figure_frames as frames
from cytoshift.study.study import FigurePlan
from figure_checks import drawn
from plate_frames import plate_tables


@pytest.fixture(scope="session")
def demo() -> tuple[FigurePlan, dict[str, pd.DataFrame], dict[str, dict[str, Figure]]]:
    """The two-arm study: plan, tables and every figure."""
    study = frames.plan()
    t = frames.tables(study, subjects=16) | plate_tables()
    return study, t, drawn(study, t)


@pytest.fixture(scope="session")
def ride() -> tuple[FigurePlan, dict[str, pd.DataFrame], dict[str, dict[str, Figure]]]:
    """The crossover with five conditions and eight times, three of its twelve contrasts."""
    study = frames.crossover(["h3"])
    t = frames.tables(study, subjects=6) | plate_tables(("one",))
    return study, t, drawn(study, t)
