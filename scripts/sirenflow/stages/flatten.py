"""Rule flatten: sky maps at one resolution, for tools that read no multi-order maps."""

import gzip
from pathlib import Path

from sirenflow.formats.fits_file import fits_padding
from sirenflow.skymap.flat_map import FlatMap, flat_header
from sirenflow.superevent.load import SupereventReader

# Pixels at a time: 32 MiB of table.
_PIECE = 2**20
# Most of a map repeats itself; more effort gains little.
_COMPRESSION = 4


def flatten(alerts: Path, localization: Path, skymaps: Path, flat: Path, nside: int) -> None:
    """Write the flat maps of one superevent, of each distinct map one.

    Parameters
    ----------
    flat
        Directory, written: ``{name of the map}.flat.fits.gz``, the name that of the first of
        identical maps.
    nside
        HEALPix resolution; a power of two.
    """
    superevent = SupereventReader(alerts, localization, skymaps)
    summary = superevent.summary
    flat.mkdir(parents=True, exist_ok=True)
    distinct = {
        skymap.sha256: skymap
        for alert in reversed(summary.history)
        for skymap in (alert.combined_skymap, alert.skymap)
        if skymap and skymap.is_usable
    }
    for named in distinct.values():
        skymap = superevent.read_skymap(named)
        if skymap is None:
            continue
        stem = (named.file or "").removesuffix(".multiorder.fits")
        target = flat / f"{stem}.flat.fits.gz"
        flat_map = FlatMap(skymap, nside)
        # No name and no time in the gzip header: the same map is the same bytes.
        with (
            target.open("wb") as raw,
            gzip.GzipFile("", "wb", _COMPRESSION, raw, mtime=0) as stream,
        ):
            stream.write(flat_header(flat_map, skymap, summary.superevent_id, summary.retracted))
            for start in range(0, flat_map.pixels, _PIECE):
                piece = flat_map.piece(start, min(start + _PIECE, flat_map.pixels))
                stream.write(piece.tobytes())
            stream.write(fits_padding(flat_map.pixels * flat_map.dtype.itemsize))
