"""What Sirenflow is measured against: the loop of a home-made script.

Decode each alert, read its sky map with Table.read, find the most probable cell and print its
position and the header's distance: the algorithm of the user guide's sample code, and nothing more.
Nothing is written, hashed or checked.
"""

import sys
from io import BytesIO
from pathlib import Path

import astropy_healpix as ah
import fastavro
import numpy as np
from astropy.table import Table

for path in sys.argv[1:]:
    with Path(path).open("rb") as file:
        (record,) = fastavro.reader(file)
    skymap = Table.read(BytesIO(record["event"]["skymap"]))
    level, ipix = ah.uniq_to_level_ipix(skymap[np.argmax(skymap["PROBDENSITY"])]["UNIQ"])
    ra, dec = ah.healpix_to_lonlat(ipix, ah.level_to_nside(level), order="nested")
    print(record["superevent_id"], ra.deg, dec.deg, skymap.meta["DISTMEAN"], skymap.meta["DISTSTD"])
