"""The inbox: every alert as it arrived, under a name that its content decides.

    {superevent_id}/{alert_type}/{time}-{sha256[:12]}.avro|json    the bytes that arrived
    {superevent_id}/{alert_type}/{time}-{sha256[:12]}.meta.json    how and when they came
    quarantine/                                                    sirenflow.inbox.quarantine
    .incoming/                                                     sirenflow.inbox.spool
    .listener/                                                     sirenflow.kafka.listener

The alert type is in its canonical form (`canonical_type`), the time is `time_created` in UTC,
floored to the second. Superevent id and alert type together are not unique, so the time and the
hash follow. What is delivered twice is found by its hash and stored once; nothing is overwritten.
The same alert in another encoding is other bytes: it is stored too, and its notes name the first.
"""

from __future__ import annotations

import json
import logging
import os
import re
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

from sirenflow.alerts.alert import Identity
from sirenflow.alerts.alert_type import ALERT_TYPES, canonical_type
from sirenflow.alerts.identifier import is_identifier, same_but_for_case
from sirenflow.errors import AlertError, InboxError
from sirenflow.files.durable import link_durably, write_durably
from sirenflow.formats.timestamp import read_timestamp
from sirenflow.inbox.identify_isolated import hash_content_isolated

_LOG = logging.getLogger(__name__)

SUFFIXES = (".avro", ".json")
"""File name endings of alerts."""

HASH_DIGITS = 12
"""So much of the SHA-256 is in a file's name."""

_NOT_ALERTS = (".meta.json", ".reason.json")
# What a shell, Snakemake's wildcards and a URL all take literally.
_TYPE_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,63}")
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
    return Path(alert.superevent_id, canonical_type(alert.alert_type), name)


def _time_in_name(alert: Identity) -> str:
    return read_timestamp(alert.time_created).in_file_name


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
    AlertError
        If the inbox has a superevent whose identifier differs only in case.
    InboxError
        If it cannot be written.
    """
    _check_case_is_free(inbox, alert)
    path = _find_earlier_name(inbox / alert_path(alert), alert, data)
    if holds_other_bytes(path, data):
        _LOG.warning("%s holds other bytes than its name says: is the disk sound?", path)
        path = inbox / alert_path(alert, digits=64)
        check_name_is_free(path, data)
    same = _find_same_alerts(path, alert, data)
    new = link_durably(synced, path) if synced else write_durably(path, data)
    meta = {
        "sha256": alert.sha256,
        "size_bytes": alert.size_bytes,
        "same_alert_as": list(same),
        **how,
    }
    # Also for what is there already: whoever wrote it may have been stopped before this.
    write_durably(path.with_suffix(".meta.json"), encode_notes(meta))
    return Stored(path, new, same)


def _check_case_is_free(inbox: Path, alert: Identity) -> None:
    """Raise AlertError if a superevent is there whose name differs only in case.

    On a file system, or in a tool, that ignores case, both would be one.
    """
    superevent_id = alert.superevent_id
    with suppress(OSError):  # to write into it fails too, and says why
        if (inbox / superevent_id).is_dir():
            return
    present = same_but_for_case(superevent_id, _list_names(inbox))
    if present is not None:
        raise AlertError(
            f"superevent_id {superevent_id!r} differs only in case from {present!r}, which is in "
            "the inbox; if both are one superevent, look at this alert with `sirenflow quarantine "
            f"show`; if the older one is wrong, move {present!r} away and run `sirenflow "
            "quarantine retry`",
            "key",
            {key: getattr(alert, key) for key in ("superevent_id", "alert_type", "time_created")},
        )


def _list_names(directory: Path) -> list[str]:
    """List the names in a directory; none if it is not there.

    Raises
    ------
    InboxError
        If it cannot be read.
    """
    try:
        with os.scandir(directory) as entries:
            return [entry.name for entry in entries]
    except FileNotFoundError:
        return []
    except OSError as error:
        raise InboxError(f"{directory} cannot be read: {error.strerror}") from error


def _find_earlier_name(path: Path, alert: Identity, data: bytes) -> Path:
    """Return the file beside a path that holds the same bytes under another time, else the path.

    Version 0.3 wrote fractions of a second into names.
    """
    end = f"-{alert.sha256[:HASH_DIGITS]}.{alert.encoding}"
    others = (name for name in _list_names(path.parent) if name.endswith(end) and name != path.name)
    same = (path.with_name(name) for name in sorted(others))
    return next((other for other in same if not holds_other_bytes(other, data)), path)


def _find_same_alerts(path: Path, alert: Identity, data: bytes) -> tuple[str, ...]:
    """Find files beside a path that hold the same alert in other bytes."""
    second = _time_in_name(alert).removesuffix("Z")
    of_second = (f"{second}Z-", f"{second}.")  # with a fraction, as version 0.3 named them
    beside = sorted(name for name in _list_names(path.parent) if name.startswith(of_second))
    others = [path.with_name(name) for name in beside if is_alert_name(name) and name != path.name]
    content = hash_content_isolated(data) if others else ""
    return tuple(file.name for file in others if _has_content(file, content))


def _has_content(file: Path, content: str) -> bool:
    try:
        found = file.stat()
        return _content(file, found.st_size, found.st_mtime_ns) == content
    except (OSError, AlertError):  # damaged: the workflow says so
        return False


# Or alerts of the same second, each compared with all before, would take longer and longer.
@lru_cache(maxsize=4096)
def _content(file: Path, size_bytes: int, time_changed_ns: int) -> str:  # noqa: ARG001
    return hash_content_isolated(file.read_bytes())


def holds_other_bytes(path: Path, data: bytes) -> bool:
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


def check_name_is_free(path: Path, data: bytes) -> None:
    """Raise InboxError if a path holds other bytes: no name is left for these."""
    if holds_other_bytes(path, data):
        raise InboxError(f"{path} holds other bytes than its name says; move it away")


def encode_notes(value: Mapping[str, Any]) -> bytes:
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
        ids = _list_superevent_ids(_list_names(inbox))
    except OSError as error:
        raise InboxError(f"{error.filename} cannot be read: {error.strerror}") from error
    wanted = ids if only is None else sorted({*ids} & {*only})
    listed = {superevent: list_alerts(inbox / superevent) for superevent in wanted}
    return {superevent: files for superevent, files in listed.items() if files}


def _list_superevent_ids(names: Iterable[str]) -> list[str]:
    """Sort the names of superevents; of those that differ only in case, keep the first."""
    ids = sorted(filter(is_identifier, names))
    others = _find_case_conflicts(ids)
    for text in map(_describe_case_conflict, others.items()):
        _LOG.warning("%s", text)
    return [name for name in ids if name not in others]


def _find_case_conflicts(ids: Iterable[str]) -> dict[str, str]:
    """Return the names that differ only in case from one before them, each with that one."""
    firsts: dict[str, str] = {}
    found = {name: firsts.setdefault(name.lower(), name) for name in ids}
    return {name: first for name, first in found.items() if name != first}


def _describe_case_conflict(names: tuple[str, str]) -> str:
    other, first = names
    return (
        f"directory {other!r} of the inbox is left out: its name differs only in case from "
        f"{first!r}; move its alerts there or rename it"
    )


def list_case_conflicts(inbox: Path) -> list[str]:
    """Say which directories of superevents `list_superevents` leaves out, and why.

    Raises
    ------
    InboxError
        If the inbox cannot be read.
    """
    others = _find_case_conflicts(sorted(filter(is_identifier, _list_names(inbox))))
    return [*map(_describe_case_conflict, others.items())]


def list_alerts(directory: Path) -> list[Path]:
    """List the alert files of one superevent, in the order of types and names.

    Known types come first, in the order of a superevent's life.

    A directory that cannot be listed, as for a loop of links or a missing permission, is listed in
    place of its alerts. So is a link to an alert that leads nowhere. Rule extract rejects it with
    the reason, as any file that cannot be read, and reads the superevent's other alerts. After an
    error of the machine, such as EIO, rule extract fails instead, and the next run lists it again.
    """
    present = _scan_directory(directory)
    if present is None:
        return [directory]
    alerts = []
    for type_ in _list_types(present):
        entries = _scan_directory(directory / type_)
        if entries is None:
            alerts.append(directory / type_)
            continue
        for name, entry in entries.items():
            is_named = is_alert_name(name) and _PLAIN_NAME.fullmatch(name)
            if is_named and _may_be(entry, "is_file"):
                alerts.append(directory / type_ / name)
            elif not name.startswith(".") and not name.endswith(_NOT_ALERTS):
                file = str(directory / type_ / name)
                _LOG.warning(
                    "%r is not taken for an alert: expected a file named like x.avro", file
                )
    return alerts


def _scan_directory(directory: Path) -> dict[str, os.DirEntry[str]] | None:
    """List a directory by name, empty if there is none; None if it cannot be listed."""
    try:
        with os.scandir(directory) as entries:
            return {entry.name: entry for entry in sorted(entries, key=lambda entry: entry.name)}
    except (FileNotFoundError, NotADirectoryError):
        return None if directory.is_symlink() else {}
    except OSError:
        return None


def _list_types(entries: Mapping[str, os.DirEntry[str]]) -> list[str]:
    """Give the directories of alert types, the known types first."""
    names = {name for name, entry in entries.items() if _may_be(entry, "is_dir")}
    known = [type_ for type_ in ALERT_TYPES if type_ in names]
    return known + sorted(name for name in names - {*known} if _TYPE_NAME.fullmatch(name))


def _may_be(entry: os.DirEntry[str], kind: Literal["is_file", "is_dir"]) -> bool:
    """Tell whether an entry is of a kind, or may have been: a link that leads nowhere."""
    try:
        is_it: bool = getattr(entry, kind)()
        return is_it or (entry.is_symlink() and not Path(entry).exists())
    except OSError:
        return True
