"""ComBat against sva (tests/reference/combat)."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from cytoshift.normalize.plates import apply_plate_offsets, fit_plate_offsets

FOLDER = Path(__file__).parent / "combat"


def read(name: str) -> pd.DataFrame:
    return pd.read_csv(FOLDER / f"{name}.tsv", sep="\t", index_col=0)


def long_panel() -> pd.DataFrame:
    frame = read("panel").rename_axis("feature").reset_index().melt("feature", var_name="sample")
    frame["plate"] = frame["sample"].map(read("plates")["plate"])
    return frame.assign(source="msd", status="observed", lower=frame["value"], upper=frame["value"])


def adjusted_panel() -> np.ndarray:
    scaled = long_panel()
    aligned = apply_plate_offsets(scaled, fit_plate_offsets(scaled, "combat", set()))
    wide = aligned.pivot_table(index="feature", columns="sample", values="value")
    return wide.loc[read("panel").index, read("panel").columns].to_numpy()


def test_complete_data_agree_with_the_iterated_sva() -> None:
    np.testing.assert_allclose(adjusted_panel(), read("adjusted").to_numpy(), rtol=0, atol=1e-8)


def test_sva_as_shipped_differs_by_its_early_stop_only() -> None:
    shipped = read("adjusted_as_shipped").to_numpy()
    np.testing.assert_allclose(adjusted_panel(), shipped, rtol=0, atol=1e-3)
    assert np.abs(read("panel").to_numpy() - shipped).max() > 1  # what was done is a thousand times larger


@pytest.mark.parametrize("end", ["lower", "upper"])
def test_bounds_move_like_numbers(end: str) -> None:
    scaled = long_panel()
    aligned = apply_plate_offsets(scaled, fit_plate_offsets(scaled, "combat", set()))
    np.testing.assert_allclose(aligned[end], aligned["value"], rtol=1e-12)
