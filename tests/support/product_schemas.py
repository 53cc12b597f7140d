"""JSON products of a directory of results, checked against their schemas."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from jsonschema import Draft202012Validator
from paths import SCHEMAS

# Products of a superevent have the name of their schema; these stand at the top.
_AT_THE_TOP = {
    "catalogue.json": "catalogue",
    "galaxies.json": "galaxy_table",
    "candidates.json": "candidate_table",
}


@cache
def validator(name: str) -> Draft202012Validator:
    """Return the validator of a schema in workflow/schemas."""
    schema = json.loads((SCHEMAS / f"{name}.schema.json").read_text(encoding="utf-8"))
    return Draft202012Validator(schema)


def schema_errors(results: Path) -> Iterator[str]:
    """Report what in the products of a directory of results is not as its schema says."""
    files = [(path, _AT_THE_TOP[path.name]) for path in results.glob("*.json")]
    files += [(path, path.stem) for path in results.glob("[!.]*/*.json")]
    assert files, f"no product in {results}"
    for path, name in files:
        for error in validator(name).iter_errors(json.loads(path.read_bytes())):
            yield f"{path}: {error.json_path}: {error.message}"
