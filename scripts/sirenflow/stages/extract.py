"""Alerts of one superevent to everything they say, their sky maps, and numbers.

The three products are made in one pass: an alert is read, hashed and decoded once, and a job of the
workflow costs more than all of it.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sirenflow.alert import MAX_ALERT_BYTES, Alert, AttachedMap, parse_alert
from sirenflow.errors import AlertError, SkymapError, SkymapValueError
from sirenflow.measure import measure, unmeasured
from sirenflow.products import write_json
from sirenflow.skymap import read_skymap

SCHEMA_VERSION = 1

_NAMED_HASH = re.compile(r"-([0-9a-f]{12}|[0-9a-f]{64})\.")


@dataclass(frozen=True)
class _File:
    """A file of the inbox, and the alert in it."""

    path: Path
    alert: Alert

    @property
    def preference(self) -> tuple[bool, str]:
        """Key that sorts the files of one alert: Avro first, then by hash, never by arrival.

        Avro, because it holds numbers and maps as they are, without a text between.
        """
        return (self.alert.encoding != "avro", self.alert.sha256)


def extract(
    files: Sequence[Path],
    alerts: Path,
    skymaps: Path,
    localization: Path,
    levels_percent: Sequence[int],
) -> None:
    """Decode the alerts of one superevent.

    An alert that came in both encodings is one alert: the first of its files is described, the
    others are listed beside it.

    Parameters
    ----------
    files
        Its alert files, ``{superevent_id}/{alert_type}/{name}`` below the inbox.
    alerts
        Written: every field of every alert but the maps' bytes, and which files were rejected.
    skymaps
        Directory, written: each map as sent.
    localization
        Written: what is measured on each map.
    levels_percent
        Credible levels of areas and volumes, in per cent.
    """
    superevent_id = files[0].parent.parent.name
    accepted, rejected = _read_alerts(files, superevent_id)
    skymaps.mkdir(parents=True, exist_ok=True)
    known: dict[str, dict[str, Any]] = {}
    described, localized = [], []
    for number, (first, *others) in enumerate(_same_alerts(accepted), start=1):
        described.append(_describe(number, first, others))
        localized.append(_localize(number, first.alert, skymaps, levels_percent, known))
    retracted = bool(described) and described[-1]["alert_type"] == "RETRACTION"
    head = {
        "schema_version": SCHEMA_VERSION,
        "superevent_id": superevent_id,
        "retracted": retracted,
    }
    write_json(alerts, {**head, "alerts": described, "rejected": rejected})
    write_json(localization, {**head, "alerts": localized})


def _read_alerts(
    files: Sequence[Path], superevent_id: str
) -> tuple[list[_File], list[dict[str, Any]]]:
    """Decode files; return those with alerts, and those that are none with their reasons."""
    accepted: dict[str, _File] = {}
    rejected = []
    for file in sorted(files):
        try:
            alert = _read_alert(file)
            _check_name(file, alert)
            if alert.superevent_id != superevent_id:
                raise AlertError(f"is of {alert.superevent_id}; expected {superevent_id}")
            if alert.sha256 in accepted:
                raise AlertError(f"same bytes as {_relative(accepted[alert.sha256].path)}")
        except (AlertError, OSError, MemoryError) as error:
            rejected.append(_reject(file, error))
        else:
            accepted[alert.sha256] = _File(file, alert)
    return list(accepted.values()), rejected


def _same_alerts(files: Iterable[_File]) -> list[list[_File]]:
    """Bring the files of each alert together; alerts in their order, files by preference."""
    alerts: dict[str, list[_File]] = {}
    for file in sorted(files, key=lambda file: file.preference):
        alerts.setdefault(file.alert.content_sha256, []).append(file)
    return sorted(alerts.values(), key=lambda same: same[0].alert.order)


def _read_alert(file: Path) -> Alert:
    with file.open("rb") as stream:
        return parse_alert(stream.read(MAX_ALERT_BYTES + 1))


def _check_name(file: Path, alert: Alert) -> None:
    """Check the hash in the name that the inbox gave the file, if it did."""
    named = _NAMED_HASH.search(file.name)
    if named and not alert.sha256.startswith(named[1]):
        raise AlertError(
            f"damaged since it was stored: its name says sha256 {named[1]}, its content has "
            f"{alert.sha256[: len(named[1])]}"
        )


def _reject(file: Path, error: Exception) -> dict[str, Any]:
    sha256: str | None = None
    size_bytes: int | None = None
    try:
        with file.open("rb") as stream:
            sha256 = hashlib.file_digest(stream, "sha256").hexdigest()
        size_bytes = file.stat().st_size
    except OSError:
        pass  # which is the reason given
    return {
        "file": _relative(file),
        "sha256": sha256,
        "size_bytes": size_bytes,
        "reason": _reason(error),
    }


def _reason(error: Exception) -> str:
    match error:
        case OSError():
            return f"cannot be read: {error.strerror}"
        case MemoryError():
            return "takes more memory than a worker may have"
        case _:
            return str(error)


def _relative(file: Path) -> str:
    return f"{file.parent.name}/{file.name}"


def _describe(number: int, first: _File, others: Sequence[_File]) -> dict[str, Any]:
    return {
        "number": number,
        **_describe_file(first),
        "also_received_as": [_describe_file(other) for other in others],
        "alert_type": first.alert.alert_type,
        "time_created": first.alert.time_created,
        "record": first.alert.record,
    }


def _describe_file(file: _File) -> dict[str, Any]:
    return {
        "file": _relative(file.path),
        "format": file.alert.encoding,
        "sha256": file.alert.sha256,
        "size_bytes": file.alert.size_bytes,
    }


def _localize(
    number: int,
    alert: Alert,
    skymaps: Path,
    levels_percent: Sequence[int],
    known: dict[str, dict[str, Any]],
) -> dict[str, Any]:
    absent = "retraction" if alert.alert_type == "RETRACTION" else "not provided"
    name = f"{number:02d}-{alert.alert_type}"
    return {
        "number": number,
        "alert_type": alert.alert_type,
        "time_created": alert.time_created,
        "sha256": alert.sha256,
        "skymap_absent_because": None if alert.maps else absent,
        "skymaps": [
            _deliver(attached, name, skymaps, levels_percent, known) for attached in alert.maps
        ],
    }


def _deliver(
    attached: AttachedMap,
    name: str,
    skymaps: Path,
    levels_percent: Sequence[int],
    known: dict[str, dict[str, Any]],
) -> dict[str, Any]:
    """Write a map as sent, and measure it unless the same bytes were measured before."""
    suffix = "" if attached.kind == "gw" else f"-{attached.kind}"
    if attached.sha256 is None:
        numbers = {**unmeasured(levels_percent), "rejected_because": attached.error}
    elif attached.sha256 in known:
        numbers = known[attached.sha256]
    else:
        numbers = known[attached.sha256] = _measure(attached.data, levels_percent)
    file = None
    if numbers["rejected_because"] is None:
        file = f"{name}{suffix}.multiorder.fits"
        (skymaps / file).write_bytes(attached.data)
    return {
        "kind": attached.kind,
        "file": file,
        "sha256": attached.sha256,
        "size_bytes": len(attached.data),
        **numbers,
    }


def _measure(data: bytes, levels_percent: Sequence[int]) -> dict[str, Any]:
    try:
        return measure(read_skymap(data), levels_percent)
    except (SkymapValueError, MemoryError) as error:
        return {**unmeasured(levels_percent), "numbers_withheld_because": _reason(error)}
    except SkymapError as error:
        return {**unmeasured(levels_percent), "rejected_because": str(error)}
