"""The inbox: every alert as it arrived, under a name that its content decides.

    {superevent_id}/{alert_type}/{time_created}-{sha256[:12]}.avro|json    the bytes that arrived
    {superevent_id}/{alert_type}/{time_created}-{sha256[:12]}.meta.json    how and when they came
    quarantine/{sha256[:12]}.bin and .reason.json                          what is no alert, and why

Superevent id and alert type together are not unique, so the time and the hash follow. The same
bytes always get the same name: what is delivered twice is stored once, and nothing is overwritten.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import re
import secrets
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from sirenflow.alert import ALERT_TYPES, SUPEREVENT_ID, Alert
from sirenflow.errors import InboxError

_LOG = logging.getLogger(__name__)

QUARANTINE = "quarantine"
SUFFIXES = (".avro", ".json")
"""File name endings of alerts."""

_NOT_ALERTS = (".meta.json", ".reason.json")
_HASH_DIGITS = 12
# What a shell, Snakemake's wildcards and a URL all take literally.
_PLAIN_NAME = re.compile(r"[0-9A-Za-z][0-9A-Za-z._-]{0,200}")


def is_alert_name(name: str) -> bool:
    """Tell whether a file of this name is taken for an alert."""
    return name.lower().endswith(SUFFIXES) and not name.endswith(_NOT_ALERTS)


def alert_path(alert: Alert, digits: int = _HASH_DIGITS) -> Path:
    """Path of an alert below its inbox."""
    time = alert.time_created.replace("-", "").replace(":", "").removesuffix("Z") + "Z"
    name = f"{time}-{alert.sha256[:digits]}.{alert.encoding}"
    return Path(alert.superevent_id, alert.alert_type, name)


def store(inbox: Path, alert: Alert, data: bytes, how: Mapping[str, Any]) -> bool:
    """Keep an alert for good.

    Parameters
    ----------
    inbox
        The inbox directory; created if needed.
    alert
        What `data` says.
    data
        The bytes that arrived, kept unchanged.
    how
        How and when they came, for the ``.meta.json`` beside them.

    Returns
    -------
    bool
        False if the inbox holds these bytes already. When the call returns, the alert is on disk.

    Raises
    ------
    InboxError
        If it cannot be written.
    """
    path = inbox / alert_path(alert)
    if _is_taken(path, data):
        _LOG.warning("%s holds other bytes than its name says: is the disk sound?", path)
        path = inbox / alert_path(alert, digits=64)
    new = write_durably(path, data)
    meta = {"sha256": alert.sha256, "size_bytes": alert.size_bytes, **how}
    # Also for what is there already: whoever wrote it may have been stopped before this.
    write_durably(path.with_suffix(".meta.json"), _json(meta))
    return new


def quarantine(inbox: Path, data: bytes, reason: str, how: Mapping[str, Any]) -> bool:
    """Keep bytes that are no alert, with the reason; return False if they are there already.

    Raises
    ------
    InboxError
        If they cannot be written.
    """
    sha256 = hashlib.sha256(data).hexdigest()
    path = inbox / QUARANTINE / f"{sha256[:_HASH_DIGITS]}.bin"
    if _is_taken(path, data):
        path = path.with_name(f"{sha256}.bin")
    new = write_durably(path, data)
    note = {"sha256": sha256, "size_bytes": len(data), "reason": reason, **how}
    write_durably(path.with_suffix(".reason.json"), _json(note))
    return new


def write_durably(path: Path, data: bytes) -> bool:
    """Write a file so that, on return, it survives a power cut; never replace one.

    A temporary file in the same directory is written and synced, then linked to its name: whoever
    looks sees the whole file or none.

    Returns
    -------
    bool
        False if the path exists already.

    Raises
    ------
    InboxError
        If it cannot be written; no temporary file is left behind.
    """
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(8)}.tmp")
    try:
        new = not path.exists() and _write_new(temporary, path, data)
        _sync_directory(path.parent)  # also if it exists: its writer may have been stopped here
    except OSError as error:
        raise InboxError(f"{path} cannot be written: {error.strerror}") from error
    finally:
        with suppress(OSError):
            temporary.unlink()
    return new


def _write_new(temporary: Path, path: Path, data: bytes) -> bool:
    _make_directories(path.parent)
    with temporary.open("xb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    try:
        os.link(temporary, path)
    except FileExistsError:  # another writer was faster, with the same bytes
        return False
    return True


def _is_taken(path: Path, data: bytes) -> bool:
    """Tell whether a path holds other bytes: damaged on disk, or the hash's start collides."""
    try:
        return path.exists() and path.read_bytes() != data
    except OSError as error:
        raise InboxError(f"{path} cannot be read: {error.strerror}") from error


def list_superevents(inbox: Path) -> dict[str, list[Path]]:
    """List the alert files of each superevent in an inbox, in the order of their names.

    Raises
    ------
    InboxError
        If there is no such directory.
    """
    if not inbox.is_dir():
        raise InboxError(
            f"inbox {str(inbox)!r} does not exist; fill it with `sirenflow ingest PATH...`, "
            "or name another with `--config inbox=DIR`"
        )
    ids = sorted(entry.name for entry in os.scandir(inbox) if SUPEREVENT_ID.fullmatch(entry.name))
    listed = {superevent: _list_alerts(inbox / superevent) for superevent in ids}
    return {superevent: files for superevent, files in listed.items() if files}


def _list_alerts(directory: Path) -> list[Path]:
    types = [directory / name for name in ALERT_TYPES if (directory / name).is_dir()]
    files = [file for type_ in types for file in sorted(type_.iterdir())]
    alerts = []
    for file in files:
        plain = is_alert_name(file.name) and _PLAIN_NAME.fullmatch(file.name)
        if plain and file.is_file():
            alerts.append(file)
        elif not file.name.startswith(".") and not file.name.endswith(_NOT_ALERTS):
            _LOG.warning(
                "%r is not taken for an alert: expected a file named like x.avro", str(file)
            )
    return alerts


def _make_directories(directory: Path) -> None:
    """Create a directory and its parents, each synced into the one that holds it."""
    if directory.is_dir():
        return
    _make_directories(directory.parent)
    with suppress(FileExistsError):
        directory.mkdir()
    _sync_directory(directory.parent)


def _sync_directory(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _json(value: Mapping[str, Any]) -> bytes:
    return json.dumps(value, sort_keys=True, indent=1).encode() + b"\n"
