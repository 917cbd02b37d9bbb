"""Is a01 the well that another file calls A1?"""

from __future__ import annotations


def well_key(well: str) -> str:
    """A1 for a1, A1 and A01."""
    well = well.strip()
    if len(well) > 1 and well[0].isalpha() and well[1:].isdigit():
        return well[0].upper() + str(int(well[1:]))
    return well
