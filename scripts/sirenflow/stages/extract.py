"""Alerts of one superevent to everything they say, their sky maps, and numbers.

The three products are made in one pass: an alert is read, hashed and decoded once, and a job of the
workflow costs more than all of it.
"""

import errno
import hashlib
import os
import re
import shutil
import stat
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from types import MappingProxyType
from typing import Any

from msgspec import structs

from sirenflow.alerts.alert import Alert, AttachedMap, MapKind, parse_alert
from sirenflow.alerts.alert_type import RETRACTION, canonical_type, is_retracted
from sirenflow.alerts.decoding import MAX_ALERT_BYTES
from sirenflow.alerts.event_record import (
    read_coincidence,
    read_gracedb_url,
    read_values,
    times_without_zone,
)
from sirenflow.errors import AlertError, SkymapError, SkymapValueError
from sirenflow.formats.json_file import write_json
from sirenflow.formats.sanitize import text_or_none
from sirenflow.formats.timestamp import read_timestamp
from sirenflow.products.alerts import AlertFile, AlertRecord, Alerts, RejectedFile
from sirenflow.products.base import write_product
from sirenflow.products.localization import Localization
from sirenflow.skymap.localization import measure_skymap, unmeasured_map
from sirenflow.skymap.skymap import read_skymap

OF_OURS = "an error in Sirenflow"
"""How a reason begins that is no fault of the alert's."""

# A sparse file, put there by hand, can be of any size.
_MOST_HASHED_BYTES = 4 * MAX_ALERT_BYTES
_REASON_LIMIT = 400
_NAMED_HASH = re.compile(r"-([0-9a-f]{12}|[0-9a-f]{64})\.")
# What is wrong with a file itself. Every other error, of reading as of writing, is one of the
# machine: were an alert rejected for a full disk, it would stay so when there is room again. It
# fails the job instead, which the next run tries again.
_OF_THE_FILE = frozenset(
    {errno.ENOENT, errno.EACCES, errno.EPERM, errno.EISDIR, errno.ENOTDIR, errno.ELOOP}
)


@dataclass(frozen=True)
class _Map:
    """What is kept of a sky map when its bytes are on disk."""

    kind: MapKind
    sha256: str | None
    size_bytes: int
    error: str | None


@dataclass(frozen=True)
class _File:
    """A file of the inbox, and what the alert in it says."""

    path: Path
    alert_type: str
    time_created: str
    encoding: str
    sha256: str
    content_sha256: str
    size_bytes: int
    order: tuple[str, int, bool, str]
    record: dict[str, Any]
    maps: tuple[_Map, ...]

    @property
    def preference(self) -> tuple[bool, str]:
        """Key that sorts the files of one alert: Avro first, then by hash, never by arrival.

        Avro, because it holds numbers and maps as they are, without a text between.
        """
        return (self.encoding != "avro", self.sha256)


def extract(
    files: Sequence[Path],
    alerts: Path,
    skymaps: Path,
    localization: Path,
    levels_percent: Sequence[int],
    refused: Mapping[str, str] = MappingProxyType({}),
    unmeasured: Mapping[str, str] = MappingProxyType({}),
    superevent_id: str | None = None,
) -> None:
    """Decode the alerts of one superevent.

    An alert that came in both encodings is one alert: the first of its files is described, the
    others are listed beside it. The bytes of one alert at a time are in memory. Raise OSError if a
    product cannot be written, or an alert cannot be read for no fault of its file.

    Parameters
    ----------
    files
        Its alert files, ``{superevent_id}/{alert_type}/{name}`` below the inbox. A directory among
        them is one that could not be listed.
    alerts
        Written: every field of every alert but the maps' bytes, and which files were rejected.
    refused
        Files, as ``{alert_type}/{name}``, that must not be decoded, and why: whoever tried died.
    unmeasured
        Files of which only the maps must not be touched, and why.
    superevent_id
        Its identifier; None for that in the first file's path.
    """
    superevent_id = superevent_id or files[0].parent.parent.name
    with TemporaryDirectory(prefix=".", dir=_made(skymaps)) as received:
        maps = _Maps(Path(received), levels_percent)
        reader = _Reader(superevent_id, maps, refused, unmeasured)
        same_alerts = _same_alerts(reader.read(files))
        localized = [
            _localize(number, first, skymaps, maps)
            for number, (first, *_) in enumerate(same_alerts, start=1)
        ]
    described = [
        _describe(number, first, others)
        for number, (first, *others) in enumerate(same_alerts, start=1)
    ]
    retracted = is_retracted(alert.alert_type for alert in described)
    product = Alerts(
        superevent_id=superevent_id,
        retracted=retracted,
        alerts=tuple(described),
        rejected=tuple(reader.rejected),
    )
    write_product(alerts, product)
    # Written from dictionaries: some keys depend on the configured credible levels.
    head = structs.asdict(Localization(superevent_id=superevent_id, retracted=retracted))
    write_json(localization, {**head, "alerts": localized})


def _made(directory: Path) -> Path:
    directory.mkdir(parents=True, exist_ok=True)
    return directory


class _Maps:
    """The distinct sky maps of a superevent: each is measured and written once.

    Their names follow from the order of all alerts, so they are given in the end.
    """

    def __init__(self, received: Path, levels_percent: Sequence[int]) -> None:
        self._received = received
        self._levels_percent = levels_percent
        self._numbers: dict[str, dict[str, Any]] = {}
        self._files: dict[str, Path] = {}

    def receive(self, attached: AttachedMap, unmeasured: str | None) -> _Map:
        """Measure a map and write it, unless the same bytes came before."""
        error = attached.error or unmeasured
        sha256 = attached.sha256
        if error is None and sha256 is not None and sha256 not in self._numbers:
            numbers = self._numbers[sha256] = _measure(attached.data, self._levels_percent)
            if numbers["rejection_reason"] is None:
                self._files[sha256] = self._received / sha256
                self._files[sha256].write_bytes(attached.data)
        return _Map(attached.kind, sha256, len(attached.data), error)

    def deliver(self, attached: _Map, name: str, skymaps: Path) -> dict[str, Any]:
        """Return a map its name, and tell what is measured on it."""
        if attached.error is not None or attached.sha256 is None:
            numbers = {
                **unmeasured_map(self._levels_percent),
                "rejection_reason": text_or_none(attached.error),
            }
        else:
            numbers = self._numbers[attached.sha256]
        file = None
        if attached.sha256 is not None and numbers["rejection_reason"] is None:
            suffix = "" if attached.kind == "gw" else f"-{attached.kind}"
            file = skymaps / f"{name}{suffix}.multiorder.fits"
            self._put(attached.sha256, file)
        return {
            "kind": attached.kind,
            "file": file.name if file else None,
            "sha256": attached.sha256,
            "size_bytes": attached.size_bytes,
            **{key: text_or_none(v) if isinstance(v, str) else v for key, v in numbers.items()},
        }

    def _put(self, sha256: str, file: Path) -> None:
        """Put a map where it belongs: by its new name first, as a copy for every other alert."""
        if self._files[sha256].parent == self._received:
            try:
                self._files[sha256] = self._files[sha256].replace(file)
            except OSError as error:  # whose text names the temporary file first
                raise OSError(error.errno, error.strerror, str(file)) from None
        else:
            shutil.copyfile(self._files[sha256], file)


class _Reader:
    """Reads the files of a superevent, and tells why some hold no alert of it."""

    def __init__(
        self,
        superevent_id: str,
        maps: _Maps,
        refused: Mapping[str, str],
        unmeasured: Mapping[str, str],
    ) -> None:
        self._superevent_id = superevent_id
        self._maps = maps
        self._refused = refused
        self._unmeasured = unmeasured
        self._seen: dict[str, Path] = {}
        self.rejected: list[RejectedFile] = []

    def read(self, files: Iterable[Path]) -> list[_File]:
        """Read files; those without an alert go to `rejected`."""
        found = []
        for file in sorted(files):
            try:
                found.append(self._read(file))
            except OSError:
                raise
            except Exception as error:  # one of ours may cost this alert, and no other
                self.rejected.append(_reject(file, self._relative(file), error))
        return found

    def _relative(self, file: Path) -> str:
        """Name a file, or a directory that could not be listed, below the superevent's own."""
        within = file.parts[::-1]
        end = within.index(self._superevent_id) if self._superevent_id in within else 2
        return "/".join(reversed(within[:end])) or self._superevent_id

    def _read(self, file: Path) -> _File:
        name = self._relative(file)
        if name in self._refused:
            raise AlertError(self._refused[name])
        if not file.suffix:  # alerts have one, directories of the inbox do not
            _refuse_directory(file)
        alert = parse_alert(_content(file))
        _check_name(file, alert)
        if alert.superevent_id != self._superevent_id:
            raise AlertError(f"is of {alert.superevent_id}; expected {self._superevent_id}")
        if alert.sha256 in self._seen:
            raise AlertError(f"same bytes as {_relative(self._seen[alert.sha256])}")
        self._seen[alert.sha256] = file
        because = self._unmeasured.get(name)
        return _File(
            path=file,
            alert_type=alert.alert_type,
            time_created=alert.time_created,
            encoding=alert.encoding,
            sha256=alert.sha256,
            content_sha256=alert.content_sha256,
            size_bytes=alert.size_bytes,
            order=alert.order,
            record=alert.record,
            maps=tuple(self._maps.receive(attached, because) for attached in alert.maps),
        )


def _refuse_directory(directory: Path) -> None:
    """Raise the reason why a directory cannot be listed.

    Raise AlertError for a fault of the directory, such as a missing permission or a loop of links.
    Raise OSError for an error of the machine. That includes one that is over: the run did not list
    the alerts in this directory, so the products must wait for the next run.
    """
    try:
        with os.scandir(directory):
            pass
    except OSError as error:
        if error.errno not in _OF_THE_FILE:
            raise
        raise AlertError(f"directory cannot be read: {error.strerror}") from error
    reason = "could not be listed when the run began, and can be now; run again"
    raise OSError(errno.EIO, reason, str(directory))


def _content(file: Path) -> bytes:
    """Read a file, or of one that is larger than any alert a little more than that."""
    try:
        with file.open("rb") as stream:
            # A buffer for as much as might be read costs as much as to decode an alert.
            size = os.fstat(stream.fileno()).st_size
            return stream.read(min(size, MAX_ALERT_BYTES) + 1)
    except OSError as error:
        if error.errno not in _OF_THE_FILE:
            raise
        raise AlertError(f"cannot be read: {error.strerror}") from error


def _same_alerts(files: Iterable[_File]) -> list[list[_File]]:
    """Bring the files of each alert together; alerts in their order, files by preference."""
    alerts: dict[str, list[_File]] = {}
    for file in sorted(files, key=lambda file: file.preference):
        alerts.setdefault(file.content_sha256, []).append(file)
    return sorted(alerts.values(), key=lambda same: same[0].order)


def _check_name(file: Path, alert: Alert) -> None:
    """Check the hash in the name that the inbox gave the file, if it did."""
    named = _NAMED_HASH.search(file.name)
    if named and not alert.sha256.startswith(named[1]):
        raise AlertError(
            f"damaged since it was stored: its name says sha256 {named[1]}, its content has "
            f"{alert.sha256[: len(named[1])]}"
        )


def _reject(file: Path, name: str, error: Exception) -> RejectedFile:
    sha256: str | None = None
    size_bytes: int | None = None
    try:
        found = file.stat()
        if stat.S_ISREG(found.st_mode):
            size_bytes = found.st_size
            if size_bytes <= _MOST_HASHED_BYTES:
                sha256 = hashlib.sha256(file.read_bytes()).hexdigest()
    except OSError as unreadable:
        if unreadable.errno not in _OF_THE_FILE:  # otherwise it is the reason given
            raise
    return RejectedFile(
        file=text_or_none(name),
        sha256=sha256,
        size_bytes=size_bytes,
        reason=text_or_none(_reason(error), _REASON_LIMIT),
    )


def _reason(error: Exception) -> str:
    match error:
        case MemoryError():
            return "takes more memory than a worker may have"
        case AlertError():
            return str(error)
    return f"{OF_OURS}: {type(error).__name__}: {error}; please report it"


def _relative(file: Path) -> str:
    return f"{file.parent.name}/{file.name}"


def _describe(number: int, first: _File, others: Sequence[_File]) -> AlertRecord:
    values = read_values(first.alert_type, first.record)
    return AlertRecord(
        number=number,
        **structs.asdict(_describe_file(first)),
        also_received_as=tuple(_describe_file(other) for other in others),
        alert_type=first.alert_type,
        time_created=read_timestamp(first.time_created).display(),
        utc_assumed=times_without_zone(first.record, values),
        values=values,
        external_coinc=read_coincidence(first.record),
        gracedb=read_gracedb_url(first.record),
        record=first.record,
    )


def _describe_file(file: _File) -> AlertFile:
    return AlertFile(
        file=text_or_none(_relative(file.path)),
        format=file.encoding,
        sha256=file.sha256,
        size_bytes=file.size_bytes,
    )


def _localize(number: int, alert: _File, skymaps: Path, maps: _Maps) -> dict[str, Any]:
    absent = "retraction" if alert.alert_type == RETRACTION else "not provided"
    name = f"{number:02d}-{canonical_type(alert.alert_type)}"
    return {
        "number": number,
        "alert_type": alert.alert_type,
        "time_created": read_timestamp(alert.time_created).display(),
        "sha256": alert.sha256,
        "no_skymap_reason": None if alert.maps else absent,
        "skymaps": [maps.deliver(attached, name, skymaps) for attached in alert.maps],
    }


def _measure(data: bytes, levels_percent: Sequence[int]) -> dict[str, Any]:
    try:
        return measure_skymap(read_skymap(data), levels_percent)
    except SkymapValueError as error:
        return {
            **unmeasured_map(levels_percent),
            "not_measured_reason": text_or_none(str(error)),
        }
    except SkymapError as error:
        return {**unmeasured_map(levels_percent), "rejection_reason": str(error)}
    except Exception as error:  # one of ours may cost the numbers of this map, and no others
        return {
            **unmeasured_map(levels_percent),
            "not_measured_reason": text_or_none(_reason(error)),
        }
