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

import hashlib
import json
import logging
import os
import re
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from sirenflow.alerts.alert import Identity
from sirenflow.alerts.alert_type import ALERT_TYPES, canonical_type
from sirenflow.alerts.identifier import is_identifier, same_but_for_case
from sirenflow.errors import AlertError, InboxError, os_errors_as
from sirenflow.files.durable import link_durably, replace_file, write_durably
from sirenflow.formats.timestamp import read_timestamp
from sirenflow.inbox.arrival import Arrival

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
    same_alert_as
        Names of files beside it that hold the same alert in other bytes.
    """

    path: Path
    new: bool
    same_alert_as: tuple[str, ...] = ()


def is_alert_name(name: str) -> bool:
    """Return whether a file of this name is taken for an alert."""
    return name.lower().endswith(SUFFIXES) and not name.endswith(_NOT_ALERTS)


def alert_path(alert: Identity, digits: int = HASH_DIGITS) -> Path:
    """Path of an alert below its inbox."""
    name = f"{_time_in_name(alert)}-{alert.sha256[:digits]}.{alert.encoding}"
    return Path(alert.superevent_id, canonical_type(alert.alert_type), name)


def _time_in_name(alert: Identity) -> str:
    return read_timestamp(alert.time_created).in_file_name


def store_alert(
    inbox: Path, alert: Identity, arrival: Arrival, hash_content: Callable[[bytes], str]
) -> Stored:
    """Store an alert; when the call returns, it survives a power cut.

    Raise AlertError if the inbox has a superevent whose identifier differs only in case. Raise
    InboxError if it cannot be written.

    Parameters
    ----------
    arrival
        Its bytes, stored unchanged, and how they came, for the ``.meta.json`` next to them.
    hash_content
        Returns the hash of what an alert says (`Alert.content_sha256`), or raises AlertError. It is
        called only if the inbox has another alert of the same superevent, type and second.
    """
    _check_case_is_free(inbox, alert)
    path = _find_earlier_name(inbox / alert_path(alert), alert, arrival)
    if holds_other_bytes(path, arrival):
        _LOG.warning("%s holds other bytes than its name says: is the disk sound?", path)
        path = inbox / alert_path(alert, digits=64)
        check_name_is_free(path, arrival)
    content: str | None = None
    same: tuple[str, ...] = ()
    if others := _others_of_second(path, alert):
        content = _content_hash(path, hash_content) or hash_content(arrival.data)
        same = tuple(file.name for file in others if _content_hash(file, hash_content) == content)
    new = store_bytes(path, arrival)
    notes = {
        "sha256": alert.sha256,
        "size_bytes": alert.size_bytes,
        "same_alert_as": list(same),
        **({"content_sha256": content} if content else {}),
        **arrival.how,
    }
    # Also next to a file that is there already: its writer may have been stopped before this.
    write_durably(_notes_file(path), encode_notes(notes))
    return Stored(path, new, same)


def store_bytes(path: Path, arrival: Arrival) -> bool:
    """Write or link the bytes of an arrival durably; return False if the path exists already.

    Raise InboxError if it cannot be written.
    """
    if arrival.spooled is not None:
        return link_durably(arrival.spooled, path)
    return write_durably(path, arrival.data)


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
            "invalid_identity",
            {key: getattr(alert, key) for key in ("superevent_id", "alert_type", "time_created")},
        )


def _list_names(directory: Path) -> list[str]:
    """List the names in a directory; none if it is not there.

    Raise InboxError if it cannot be read.
    """
    with os_errors_as(InboxError, directory, "read"):
        try:
            with os.scandir(directory) as entries:
                return [entry.name for entry in entries]
        except FileNotFoundError:
            return []


def _find_earlier_name(path: Path, alert: Identity, arrival: Arrival) -> Path:
    """Return a file in the same directory with the same bytes and another time, else the path.

    Version 0.3 wrote fractions of a second into names.
    """
    end = f"-{alert.sha256[:HASH_DIGITS]}.{alert.encoding}"
    others = (name for name in _list_names(path.parent) if name.endswith(end) and name != path.name)
    same = (path.with_name(name) for name in sorted(others))
    return next((other for other in same if not holds_other_bytes(other, arrival)), path)


def _others_of_second(path: Path, alert: Identity) -> list[Path]:
    """List the other alert files in the directory of a path whose names have the same second."""
    second = _time_in_name(alert).removesuffix("Z")
    of_second = (f"{second}Z-", f"{second}.")  # with a fraction, as version 0.3 named them
    names = sorted(name for name in _list_names(path.parent) if name.startswith(of_second))
    return [path.with_name(name) for name in names if is_alert_name(name) and name != path.name]


def _content_hash(file: Path, hash_content: Callable[[bytes], str]) -> str | None:
    """Return the content hash of a stored alert; None if it is missing or damaged.

    It is read from the notes of the file, or computed and added to them: otherwise alerts of the
    same second, each compared with all before, would take longer and longer.
    """
    try:
        data = file.read_bytes()
    except OSError:
        return None
    notes = _read_notes(file)
    are_of_file = notes.get("sha256") == hashlib.sha256(data).hexdigest()
    if are_of_file and "content_sha256" in notes:
        return str(notes["content_sha256"])
    try:
        content = hash_content(data)
    except AlertError:  # the workflow reports it
        return None
    if are_of_file:
        added = encode_notes({**notes, "content_sha256": content})
        replace_file(_notes_file(file), added, synced=True)
    return content


def holds_other_bytes(path: Path, arrival: Arrival) -> bool:
    """Return whether a path holds other bytes: damaged on disk, or the hash's start collides.

    Raise InboxError if it cannot be read.
    """
    with os_errors_as(InboxError, path, "read"):
        return path.exists() and path.read_bytes() != arrival.data


def check_name_is_free(path: Path, arrival: Arrival) -> None:
    """Raise InboxError if a path holds other bytes: no name is left for these."""
    if holds_other_bytes(path, arrival):
        raise InboxError(f"{path} holds other bytes than its name says; move it away")


def _notes_file(alert: Path) -> Path:
    return alert.with_suffix(".meta.json")


def _read_notes(alert: Path) -> dict[str, Any]:
    """Read how an alert came; empty if its writer was stopped before, or the file is damaged."""
    try:
        notes = json.loads(_notes_file(alert).read_bytes())
    except (OSError, ValueError, RecursionError):
        return {}
    return notes if isinstance(notes, dict) else {}


def encode_notes(value: Mapping[str, Any]) -> bytes:
    """Return the content of a file of notes."""
    return json.dumps(value, sort_keys=True, indent=1).encode() + b"\n"


def check_inbox_exists(inbox: Path) -> None:
    """Raise InboxError if there is no such directory."""
    if not inbox.is_dir():
        raise InboxError(
            f"inbox {str(inbox)!r} does not exist; fill it with `sirenflow ingest PATH...`, "
            "or name another with `--inbox DIR` (in Snakemake, `--config inbox=DIR`)"
        )


def list_superevents(inbox: Path, only: Iterable[str] | None = None) -> dict[str, list[Path]]:
    """List the alert files of each superevent in an inbox, in the order of their names.

    Raise InboxError if there is no such directory, or it cannot be read.
    """
    check_inbox_exists(inbox)
    ids = _list_superevent_ids(_list_names(inbox))
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

    Raise InboxError if the inbox cannot be read.
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
    """Return the directories of alert types, the known types first."""
    names = {name for name, entry in entries.items() if _may_be(entry, "is_dir")}
    known = [type_ for type_ in ALERT_TYPES if type_ in names]
    return known + sorted(name for name in names - {*known} if _TYPE_NAME.fullmatch(name))


def _may_be(entry: os.DirEntry[str], kind: Literal["is_file", "is_dir"]) -> bool:
    """Return whether an entry is of a kind, or may have been: a link that leads nowhere."""
    try:
        is_it: bool = getattr(entry, kind)()
        return is_it or (entry.is_symlink() and not Path(entry).exists())
    except OSError:
        return True
