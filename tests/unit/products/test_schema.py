"""Schemas, reference and units follow from the models."""

from __future__ import annotations

import json

import pytest
from astropy.units import Unit
from jsonschema import Draft202012Validator
from paths import ROOT, SCHEMAS

from sirenflow.products.base import Record, version_of
from sirenflow.products.documentation import generated_files
from sirenflow.products.schema import MODELS, keys_of, schema_of, unit_of


@pytest.mark.parametrize("name", generated_files())
def test_generated_file_is_up_to_date(name: str) -> None:
    assert (ROOT / name).read_text(encoding="utf-8") == generated_files()[name], "make schemas"


def test_every_schema_file_has_a_model() -> None:
    names = {path.name for path in SCHEMAS.glob("*.schema.json")}
    assert names == {f"{name}.schema.json" for name in MODELS}


@pytest.mark.parametrize("model", MODELS.values())
def test_schema_is_valid_and_describes_every_key(model: type[Record]) -> None:
    schema = schema_of(model)
    Draft202012Validator.check_schema(schema)
    assert schema["properties"]["schema_version"]["enum"] == [version_of(model)]
    assert [name for name, entry in keys_of(schema) if not entry.get("description")] == []
    assert json.loads(json.dumps(schema)) == schema


def test_units_are_those_of_astropy_and_one_for_each_name() -> None:
    units: dict[str, set[str | None]] = {}
    for model in MODELS.values():
        for name, entry in keys_of(schema_of(model)):
            units.setdefault(name, set()).add(entry.get("unit"))
    assert {name: found for name, found in units.items() if len(found) > 1} == {}
    for unit in set().union(*units.values()) - {None}:
        assert unit is not None
        Unit(unit)


def test_number_whose_name_ends_in_a_unit_has_that_unit() -> None:
    ends = {"_deg": "deg", "_deg2": "deg2", "_mpc": "Mpc", "_mpc3": "Mpc3", "_s": "s", "_m": "m"}
    names = {name for model in MODELS.values() for name, _ in keys_of(schema_of(model))}
    for name in names:
        for end, unit in ends.items():
            if name.endswith(end) and "_per_" not in name:
                assert unit_of(name) == unit, name
    assert unit_of("values.far") == "Hz"
    assert unit_of("skymaps.volume_90_mpc3") == "Mpc3"
    assert unit_of("skymaps.area_75_deg2") == "deg2"
    assert unit_of("galaxies.probability_per_mpc3") == "Mpc-3"
    assert unit_of("sites.best_probability") is None
