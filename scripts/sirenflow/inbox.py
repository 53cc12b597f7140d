"""The inbox: every alert as it arrived, under a name that its content decides.

    {superevent_id}/{alert_type}/{time_created}-{sha256[:12]}.avro|json    the bytes that arrived
    {superevent_id}/{alert_type}/{time_created}-{sha256[:12]}.meta.json    how and when they came
    quarantine/                                                            sirenflow.quarantine
    .incoming/                                                             sirenflow.incoming
    .listener/                                                             sirenflow.kafka.listener

Superevent id and alert type together are not unique, so the time and the hash follow. The same
bytes always get the same name: what is delivered twice is stored once, and nothing is overwritten.
The same alert in another encoding is other bytes: it is stored too, and its notes name the first.
"""

from __future__ import annotations

import json
import logging
import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from sirenflow.alert import ALERT_TYPES, SUPEREVENT_ID, Identity
from sirenflow.durable import link_durably, write_durably
from sirenflow.errors import AlertError, InboxError
from sirenflow.judge import judge_content

_LOG = logging.getLogger(__name__)

SUFFIXES = (".avro", ".json")
"""File name endings of alerts."""

HASH_DIGITS = 12
"""So much of the SHA-256 is in a file's name."""

_NOT_ALERTS = (".meta.json", ".reason.json")
# What a shell, Snakemake's wildcards and a URL all take literally.
_PLAIN_NAME = re.compile(r"[0-9A-Za-z][0-9A-Za-z._-]{0,200}")


@dataclass(frozen=True)
class Stored:
    """An alert that is safe on disk.

    Attributes
    ----------
    path
        Its file.
    new
        False if the inbox held these bytes already.
    same_alert_as
        Names of files beside it that hold the same alert in other bytes.
    """

    path: Path
    new: bool
    same_alert_as: tuple[str, ...] = ()


def is_alert_name(name: str) -> bool:
    """Tell whether a file of this name is taken for an alert."""
    return name.lower().endswith(SUFFIXES) and not name.endswith(_NOT_ALERTS)


def alert_path(alert: Identity, digits: int = HASH_DIGITS) -> Path:
    """Path of an alert below its inbox."""
    name = f"{_time_in_name(alert)}-{alert.sha256[:digits]}.{alert.encoding}"
    return Path(alert.superevent_id, alert.alert_type, name)


def _time_in_name(alert: Identity) -> str:
    return alert.time_created.replace("-", "").replace(":", "").removesuffix("Z") + "Z"


def store(
    inbox: Path, alert: Identity, data: bytes, how: Mapping[str, Any], synced: Path | None = None
) -> Stored:
    """Keep an alert for good.

    Parameters
    ----------
    inbox
        The inbox directory; created if needed.
    alert
        Which one `data` is.
    data
        The bytes that arrived, kept unchanged.
    how
        How and when they came, for the ``.meta.json`` beside them.
    synced
        A file in the inbox with these bytes, on disk already; only its name is to be given.

    Returns
    -------
    Stored
        When the call returns, the alert is on disk.

    Raises
    ------
    InboxError
        If it cannot be written.
    """
    path = inbox / alert_path(alert)
    if is_taken(path, data):
        _LOG.warning("%s holds other bytes than its name says: is the disk sound?", path)
        path = inbox / alert_path(alert, digits=64)
        refuse_if_taken(path, data)
    same = _same_alerts(path, alert, data)
    new = link_durably(synced, path) if synced else write_durably(path, data)
    meta = {
        "sha256": alert.sha256,
        "size_bytes": alert.size_bytes,
        "same_alert_as": list(same),
        **how,
    }
    # Also for what is there already: whoever wrote it may have been stopped before this.
    write_durably(path.with_suffix(".meta.json"), notes(meta))
    return Stored(path, new, same)


def _same_alerts(path: Path, alert: Identity, data: bytes) -> tuple[str, ...]:
    """Find files beside a path that hold the same alert in other bytes."""
    try:
        names = [entry.name for entry in path.parent.iterdir()]
    except FileNotFoundError:
        return ()
    except OSError as error:
        raise InboxError(f"{path.parent} cannot be read: {error.strerror}") from error
    start = f"{_time_in_name(alert)}-"
    beside = sorted(name for name in names if name.startswith(start))
    others = [path.with_name(name) for name in beside if is_alert_name(name) and name != path.name]
    content = judge_content(data) if others else ""
    return tuple(file.name for file in others if _is_same(file, content))


def _is_same(file: Path, content: str) -> bool:
    try:
        found = file.stat()
        return _content(file, found.st_size, found.st_mtime_ns) == content
    except (OSError, AlertError):  # damaged: the workflow says so
        return False


# Or alerts of the same second, each compared with all before, would take longer and longer.
@lru_cache(maxsize=4096)
def _content(file: Path, size_bytes: int, time_changed_ns: int) -> str:  # noqa: ARG001
    return judge_content(file.read_bytes())


def is_taken(path: Path, data: bytes) -> bool:
    """Tell whether a path holds other bytes: damaged on disk, or the hash's start collides.

    Raises
    ------
    InboxError
        If it cannot be read.
    """
    try:
        return path.exists() and path.read_bytes() != data
    except OSError as error:
        raise InboxError(f"{path} cannot be read: {error.strerror}") from error


def refuse_if_taken(path: Path, data: bytes) -> None:
    """Raise InboxError if a path holds other bytes: no name is left for these."""
    if is_taken(path, data):
        raise InboxError(f"{path} holds other bytes than its name says; move it away")


def notes(value: Mapping[str, Any]) -> bytes:
    """Write what is kept beside a file."""
    return json.dumps(value, sort_keys=True, indent=1).encode() + b"\n"


def list_superevents(inbox: Path, only: Iterable[str] | None = None) -> dict[str, list[Path]]:
    """List the alert files of each superevent in an inbox, in the order of their names.

    Parameters
    ----------
    inbox
        The inbox directory.
    only
        The superevents to list; all if it is None.

    Raises
    ------
    InboxError
        If there is no such directory, or it cannot be read.
    """
    if not inbox.is_dir():
        raise InboxError(
            f"inbox {str(inbox)!r} does not exist; fill it with `sirenflow ingest PATH...`, "
            "or name another with `--config inbox=DIR`"
        )
    try:
        names = [entry.name for entry in os.scandir(inbox)] if only is None else only
        ids = sorted({name for name in names if SUPEREVENT_ID.fullmatch(name)})
        listed = {superevent: list_alerts(inbox / superevent) for superevent in ids}
    except OSError as error:
        raise InboxError(f"{error.filename} cannot be read: {error.strerror}") from error
    return {superevent: files for superevent, files in listed.items() if files}


def list_alerts(directory: Path) -> list[Path]:
    """List the alert files of one superevent, in the order of types and names."""
    alerts = []
    for type_ in ALERT_TYPES:
        try:
            entries = os.scandir(directory / type_)
        except (FileNotFoundError, NotADirectoryError):
            continue
        with entries:
            files = sorted((entry.name, entry.is_file()) for entry in entries)
        for name, is_file in files:
            if is_file and is_alert_name(name) and _PLAIN_NAME.fullmatch(name):
                alerts.append(directory / type_ / name)
            elif not name.startswith(".") and not name.endswith(_NOT_ALERTS):
                file = str(directory / type_ / name)
                _LOG.warning(
                    "%r is not taken for an alert: expected a file named like x.avro", file
                )
    return alerts
