"""Keys of products of earlier versions, under the names that they have now."""

from collections.abc import Mapping
from typing import Any

_SKYMAP = {
    "rejected_because": "rejection_reason",
    "numbers_withheld_because": "not_measured_reason",
    "skymap_absent_because": "no_skymap_reason",
}
_ABSENT = {"absent_because": "absence_reason"}
# Of each file: the first schema version with the new names, keys at its top, keys anywhere in it.
_RENAMED: Mapping[str, tuple[int, Mapping[str, str], Mapping[str, str]]] = {
    "localization.json": (2, {}, _SKYMAP),
    "event.json": (
        4,
        {"kind": "category", "headline": "summary_line", "sentence": "summary_text"},
        {**_SKYMAP, "delay_s": "latency_s"},
    ),
    "visibility.json": (2, {}, _ABSENT),
    "galaxies.json": (2, {}, _ABSENT),
    "candidates.json": (
        2,
        {"kind": "category", "standing_alert_number": "skymap_alert_number"},
        {**_ABSENT, "standing": "is_current", "map": "skymap_index"},
    ),
}


def rename_old_keys(file: str, product: dict[str, Any]) -> dict[str, Any]:
    """Return the content of a file with the present names of its keys; its version stays."""
    since, top, anywhere = _RENAMED.get(file, (0, {}, {}))
    version = product.get("schema_version")
    if not isinstance(version, int) or version >= since:
        return product
    return {top.get(key, key): value for key, value in _renamed(product, anywhere).items()}


def _renamed(value: Any, names: Mapping[str, str]) -> Any:
    if isinstance(value, dict):
        return {names.get(key, key): _renamed(each, names) for key, each in value.items()}
    return [_renamed(each, names) for each in value] if isinstance(value, list) else value
