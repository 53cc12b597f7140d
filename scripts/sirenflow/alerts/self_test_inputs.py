"""An alert and a sky map that are known to be good.

If a worker dies of an alert, the alert may be at fault or the machine: a library built for another
processor, too little memory, something that kills every process. So the worker is given these next.
If it cannot read them either, the fault is the machine's, and no alert is rejected for it.
"""

import json
import math
import struct

SELF_TEST_ALERT = json.dumps(
    {
        "superevent_id": "MS260101a",
        "alert_type": "RETRACTION",
        "time_created": "2026-01-01T00:00:00Z",
        "event": None,
        "external_coinc": None,
        "urls": {},
    }
).encode()
"""A retraction, as GCN sends it."""

_CELLS = 12


def self_test_skymap() -> bytes:
    """Write a multi-order map of the 12 base cells, each equally probable, as a FITS file."""
    from sirenflow.formats.fits_file import fits_file  # slow to import for a listener

    rows = b"".join(struct.pack(">qd", 4 + cell, 1 / (4 * math.pi)) for cell in range(_CELLS))
    cards: tuple[tuple[str, str | int], ...] = (
        *(("XTENSION", "BINTABLE"), ("BITPIX", 8), ("NAXIS", 2), ("NAXIS1", 16)),
        *(("NAXIS2", _CELLS), ("PCOUNT", 0), ("GCOUNT", 1), ("TFIELDS", 2)),
        *(("TTYPE1", "UNIQ"), ("TFORM1", "K"), ("TTYPE2", "PROBDENSITY"), ("TFORM2", "D")),
        *(("TUNIT2", "sr-1"), ("PIXTYPE", "HEALPIX"), ("ORDERING", "NUNIQ"), ("COORDSYS", "C")),
    )
    return fits_file(cards, rows)
