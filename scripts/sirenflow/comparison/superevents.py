"""Two directories of results, compared superevent by superevent."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sirenflow.alerts.identifier import is_identifier
from sirenflow.comparison.differences import BuiltBy, SupereventComparison
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


def superevents_of_results(results: Path) -> frozenset[str]:
    """List the superevents of a directory of results.

    Raise SirenflowError if there is none.
    """
    if not results.is_dir():
        raise SirenflowError(f"{results} does not exist; expected a directory of results")
    with os_errors_as(SirenflowError, results, "read"):
        names = [path.name for path in results.iterdir() if is_identifier(path.name)]
        found = frozenset(name for name in names if (results / name / ALERTS).is_file())
    if not found:
        raise SirenflowError(
            f"{results} is no directory of results: expected a superevent's {ALERTS}, as "
            f"S230518h/{ALERTS}, found none"
        )
    return found


def compare_superevent(old: Path, new: Path) -> SupereventComparison:
    """Compare the products in two directories of one superevent, one of which may be missing."""
    comparison = SupereventComparison(new.name)
    present = [(side / ALERTS).is_file() for side in (old, new)]
    if not comparison.compare_presence(ALERTS, "superevent", *present):
        return comparison
    try:
        before, after = _load_both(old / ALERTS, new / ALERTS)
        names = _match_alerts(comparison, before, after)
    except SirenflowError as error:  # nothing else can be matched without the alerts
        comparison.add_problem(ALERTS, str(error))
        return comparison
    for file in KNOWN_SCHEMAS:
        present = [(side / file).is_file() for side in (old, new)]
        if any(present) and comparison.compare_presence(file, "file", *present):
            try:
                _compare_file(old / file, new / file, comparison, names, before is after)
            except SirenflowError as error:
                comparison.add_problem(file, str(error))
    return comparison


def _compare_file(
    old: Path,
    new: Path,
    comparison: SupereventComparison,
    names: tuple[Mapping[str, str], Mapping[str, str]],
    same_alerts: bool,
) -> None:
    before, after = _load_both(old, new)
    if old.name == "event.json":
        comparison.made_old, comparison.made_new = _built_by(before), _built_by(after)
    reading = other = _read(old, before, comparison.old_alerts, names[0])
    if not (same_alerts and before is after):
        other = _read(new, after, comparison.new_alerts, names[1])
    comparison.compare_readings(old.name, reading, other)


def _match_alerts(
    comparison: SupereventComparison, before: Mapping[str, Any], after: Mapping[str, Any]
) -> tuple[Mapping[str, str], Mapping[str, str]]:
    """Match the alerts of both runs; return the hash used for each, by its own, of either run.

    An alert that came in both encodings may be described from either, so all its files count.
    """
    old, new = read_alerts(before), read_alerts(after)
    by_copy = {copy: alert.sha256 for alert in old for copy in alert.copies}
    old_names = {alert.sha256: alert.sha256 for alert in old}
    new_names = {
        alert.sha256: next((by_copy[c] for c in sorted(alert.copies) if c in by_copy), alert.sha256)
        for alert in new
    }
    comparison.old_alerts = {alert.sha256: alert for alert in old}
    comparison.new_alerts = {new_names[alert.sha256]: alert for alert in new}
    comparison.compare_outcomes(alert_outcomes(before, old_names), alert_outcomes(after, new_names))
    return old_names, new_names


def _load_both(old: Path, new: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    """Read a product of both runs; the same object twice where both have the same bytes.

    Raise SirenflowError if one of them is not the JSON of this superevent, of a version that is
    known.
    """
    contents = []
    for path in (old, new):
        with os_errors_as(SirenflowError, path, "read"):
            contents.append(path.read_bytes())
    before = _parse(old, contents[0])
    return before, before if contents[0] == contents[1] else _parse(new, contents[1])


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
    try:
        return read_product(path.name, product, alerts.values(), names)
    except SirenflowError as error:
        raise SirenflowError(f"{path}: {error}") from error


def _built_by(event: Mapping[str, Any]) -> BuiltBy:
    version, config = event.get("sirenflow_version"), event.get("config_sha256")
    return BuiltBy(text_or_none(version, 24), text_or_none(config, 64))
