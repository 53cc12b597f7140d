"""JSON Schema and units of the products, from their models."""

import re
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

import msgspec

from sirenflow.products.alerts import Alerts
from sirenflow.products.base import Record
from sirenflow.products.candidates import Candidates
from sirenflow.products.catalogue import Catalogue
from sirenflow.products.event import EventSummary
from sirenflow.products.galaxies import Galaxies
from sirenflow.products.localization import Localization
from sirenflow.products.regions import Regions
from sirenflow.products.source_tables import CandidateTable, GalaxyTable
from sirenflow.products.visibility import Visibility

MODELS: Mapping[str, type[Record]] = {
    "event": EventSummary,
    "alerts": Alerts,
    "localization": Localization,
    "regions": Regions,
    "visibility": Visibility,
    "galaxies": Galaxies,
    "candidates": Candidates,
    "catalogue": Catalogue,
    "galaxy_table": GalaxyTable,
    "candidate_table": CandidateTable,
}
"""Models by the name of their schema, ``workflow/schemas/{name}.schema.json``."""

_DIALECT = "https://json-schema.org/draft/2020-12/schema"
_OTHER_LEVELS = {
    r"^area_[0-9]+_deg2$": {
        "description": "Area of the credible region of another configured level",
        "unit": "deg2",
        "type": ["number", "null"],
        "minimum": 0,
    },
    r"^volume_[0-9]+_mpc3$": {
        "description": "Volume of the credible region of another configured level",
        "unit": "Mpc3",
        "type": ["number", "null"],
        "minimum": 0,
    },
}


@cache
def schema_of(model: type[Record]) -> dict[str, Any]:
    """Return the JSON Schema of a product; every key is always written."""
    _, components = msgspec.json.schema_components([model], ref_template="#/$defs/{name}")
    for component in components.values():
        _complete(component)
    whole = components.pop(model.__name__)
    return {"$schema": _DIALECT, **whole, "$defs": components}


def _complete(component: dict[str, Any]) -> None:
    component["description"] = " ".join(component["description"].split())
    component["required"] = list(component["properties"])
    if component["title"] == "LocalizedMap":
        component["patternProperties"] = _OTHER_LEVELS
    component["additionalProperties"] = False
    for entry in component["properties"].values():
        entry.pop("default", None)


def keys_of(schema: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """List the keys of a schema, and of the parts below, with their descriptions."""
    for component in (schema, *schema["$defs"].values()):
        yield from component["properties"].items()
        yield from component.get("patternProperties", {}).items()


@cache
def _units() -> dict[str, str]:
    described = (pair for model in MODELS.values() for pair in keys_of(schema_of(model)))
    return {_without_level(name): entry["unit"] for name, entry in described if "unit" in entry}


def _without_level(name: str) -> str:
    return re.sub(r"(\[0-9\]\+|\d+)(?=_deg2|_mpc3)", "N", name.strip("^$"))


def unit_of(name: str) -> str | None:
    """Return the unit of a key, as astropy writes it; a key has one unit in all products.

    Parameters
    ----------
    name
        The key, or the path to it with dots.
    """
    return _units().get(_without_level(name.rpartition(".")[2]))
