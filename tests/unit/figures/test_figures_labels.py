"""Names beside points never lie on each other, on a point or outside."""

from __future__ import annotations

import numpy as np
import pytest

from cytoshift.figures.labels import HIGH, place_labels
from cytoshift.figures.theme import text_width


@pytest.mark.parametrize("seed", range(5))
def test_placed_names_cover_nothing(seed: int) -> None:
    rng = np.random.default_rng(seed)
    points = rng.uniform([0, 0], [6, 3.5], (80, 2))
    line = (0.0, 1.0, 6.0, 1.02)
    placed = place_labels(points, [f"Marker {i}" for i in range(25)], 6, 3.5, taken=[line])
    boxes = [(*p.corner, p.corner[0] + text_width(p.name), p.corner[1] + HIGH) for p in placed]
    assert len(placed) > 15
    for index, box in enumerate(boxes):
        assert box[0] >= 0 and box[1] >= 0 and box[2] <= 6 and box[3] <= 3.5
        assert not ((points > box[:2]) & (points < box[2:])).all(axis=1).any()
        for other in [*boxes[index + 1 :], line]:
            assert box[2] <= other[0] or other[2] <= box[0] or box[3] <= other[1] or other[3] <= box[1]


def test_a_name_without_a_free_place_is_left_out() -> None:
    points = np.array([[0.5, 0.06]])
    assert place_labels(points, ["a name wider than the area"], 1.0, 0.12) == []


def test_a_distant_name_is_joined_to_its_point() -> None:
    grid = np.stack(np.meshgrid(np.linspace(1, 2, 9), np.linspace(1, 2, 9)), axis=-1).reshape(-1, 2)
    middle = np.vstack([[1.55, 1.55], grid])
    (placed,) = place_labels(middle, ["IL-6"], 3, 3)
    assert placed.joined
