"""Two directories of results, superevent by superevent: which numbers changed, and by how much."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sirenflow.alerts.identifier import is_identifier
from sirenflow.comparison.differences import SupereventDifferences
from sirenflow.comparison.renamed_keys import rename_old_keys
from sirenflow.comparison.values import (
    ALERTS,
    KNOWN_SCHEMAS,
    ReadAlert,
    Reading,
    alert_outcomes,
    read_alerts,
    read_product,
)
from sirenflow.errors import SirenflowError, os_errors_as
from sirenflow.formats.sanitize import text_or_none

_EVENT = "event.json"


@dataclass(frozen=True)
class BuiltBy:
    """By which version, and after which configuration, a superevent was made; None if unknown."""

    version: str | None
    config_sha256: str | None


@dataclass(frozen=True)
class SupereventComparison:
    """What came of comparing a superevent.

    Attributes
    ----------
    differences
        What differs, and how much was compared.
    problems
        What could not be compared, and why.
    made_old, made_new
        How either run made it; None where the run has no event.json that can be read.
    """

    differences: SupereventDifferences
    problems: tuple[str, ...] = ()
    made_old: BuiltBy | None = None
    made_new: BuiltBy | None = None


def find_superevents(results: Path) -> frozenset[str]:
    """List the superevents of a directory of results.

    Raises
    ------
    SirenflowError
        If there is none.
    """
    if not results.is_dir():
        raise SirenflowError(f"{results} does not exist; expected a directory of results")
    try:
        names = [path.name for path in results.iterdir() if is_identifier(path.name)]
        found = frozenset(name for name in names if (results / name / ALERTS).is_file())
    except OSError as error:
        raise SirenflowError(f"{error.filename} cannot be read: {error.strerror}") from error
    if not found:
        raise SirenflowError(
            f"{results} is no directory of results: expected a superevent's {ALERTS}, as "
            f"S230518h/{ALERTS}, found none"
        )
    return found


def compare_superevent(old: Path, new: Path) -> SupereventComparison:
    """Compare the products of one superevent.

    Parameters
    ----------
    old, new
        Its directory in either results; one of them may be missing.
    """
    differences = SupereventDifferences(new.name)
    there = [(side / ALERTS).is_file() for side in (old, new)]
    if not differences.compare_presence(ALERTS, "superevent", *there):
        return SupereventComparison(differences)
    try:
        before, after = _load_both(old / ALERTS, new / ALERTS)
        names = _match_alerts(differences, before, after)
    except SirenflowError as error:  # without it nothing else can be told apart
        differences.give_up(ALERTS, str(error))
        return SupereventComparison(differences, (str(error),))
    return _compare_files(old, new, differences, names, before is after)


def _compare_files(
    old: Path,
    new: Path,
    differences: SupereventDifferences,
    names: tuple[Mapping[str, str], Mapping[str, str]],
    same_alerts: bool,
) -> SupereventComparison:
    problems: list[str] = []
    made: tuple[BuiltBy | None, BuiltBy | None] = (None, None)
    for file in KNOWN_SCHEMAS:
        there = [(side / file).is_file() for side in (old, new)]
        if not any(there) or not differences.compare_presence(file, "file", *there):
            continue
        try:
            before, after = _load_both(old / file, new / file)
            if file == _EVENT:
                made = (_built_by(before), _built_by(after))
            reading = other = _read(old / file, before, differences.old, names[0])
            if not (same_alerts and before is after):
                other = _read(new / file, after, differences.new, names[1])
        except SirenflowError as error:
            problems.append(str(error))
            differences.give_up(file, str(error))
        else:
            differences.compare_readings(file, reading, other)
    return SupereventComparison(differences, tuple(problems), *made)


def _match_alerts(
    differences: SupereventDifferences, before: Mapping[str, Any], after: Mapping[str, Any]
) -> tuple[Mapping[str, str], Mapping[str, str]]:
    """Find which alerts both runs read; give the hash by which each goes here, by its own.

    One that came in both encodings may be described from either: any of its files tells it.
    """
    old, new = read_alerts(before), read_alerts(after)
    old_names = {copy: alert.sha256 for alert in old for copy in alert.copies}
    new_names = {
        alert.sha256: next((old_names[c] for c in sorted(alert.copies) if c in old_names), None)
        or alert.sha256
        for alert in new
    }
    differences.old = {alert.sha256: alert for alert in old}
    differences.new = {new_names[alert.sha256]: alert for alert in new}
    own_names = {alert.sha256: alert.sha256 for alert in old}
    differences.compare_outcomes(
        alert_outcomes(before, own_names), alert_outcomes(after, new_names)
    )
    return own_names, new_names


def _load_both(old: Path, new: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    """Read a product of both runs; the same object twice where both have the same bytes.

    Raises
    ------
    SirenflowError
        If one of them is not the JSON of this superevent, of a version that is known.
    """
    data = _bytes(old), _bytes(new)
    before = _parse(old, data[0])
    return before, before if data[0] == data[1] else _parse(new, data[1])


def _bytes(path: Path) -> bytes:
    with os_errors_as(SirenflowError, path, "read"):
        return path.read_bytes()


def _parse(path: Path, data: bytes) -> dict[str, Any]:
    try:
        content = json.loads(data, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise SirenflowError(f"{path} is damaged: found {error}; expected JSON") from error
    if not isinstance(content, dict) or content.get("superevent_id") != path.parent.name:
        found = content.get("superevent_id") if isinstance(content, dict) else content
        raise SirenflowError(
            f"{path} is damaged: found {str(found)[:40]!r}; expected superevent_id "
            f"{path.parent.name!r}"
        )
    version, known = content.get("schema_version"), KNOWN_SCHEMAS[path.name]
    if version not in known:
        expected = " or ".join(map(str, known))
        raise SirenflowError(f"{path}: found schema_version {version!r}; expected {expected}")
    return rename_old_keys(path.name, content)


def _refuse_constant(name: str) -> float:
    raise ValueError(f"the number {name}")


def _read(
    path: Path,
    product: Mapping[str, Any],
    alerts: Mapping[str, ReadAlert],
    names: Mapping[str, str],
) -> Reading:
    """Read the values of a product; name its file in what is raised."""
    try:
        return read_product(path.name, product, tuple(alerts.values()), names)
    except SirenflowError as error:
        raise SirenflowError(f"{path}: {error}") from error


def _built_by(event: Mapping[str, Any]) -> BuiltBy:
    version, config = event.get("sirenflow_version"), event.get("config_sha256")
    return BuiltBy(text_or_none(version, 24), text_or_none(config, 64))
