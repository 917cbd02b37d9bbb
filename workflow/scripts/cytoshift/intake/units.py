"""Are two spellings of a unit the same unit?"""

from __future__ import annotations


def unit_key(unit: str) -> str:
    """Equal for two spellings of a unit: "pg/mL" and "pg / ml", "µL" and "uL"."""
    return "".join(unit.split()).casefold().replace("µ", "u").replace("μ", "u")
