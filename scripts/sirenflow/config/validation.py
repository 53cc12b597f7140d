"""Validation of the configuration, with messages that name key, value and what was expected."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from math import isfinite
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from sirenflow.config.strict_yaml import StrictYamlError, load_strict
from sirenflow.config.user_path import UserPathError, expand_path
from sirenflow.errors import ConfigError

if TYPE_CHECKING:  # slow to import, and most commands do without
    from jsonschema.exceptions import ValidationError

SCHEMA_FILE = Path(__file__).with_name("config.schema.yaml")
"""The model of the configuration."""


def read_schema() -> Mapping[str, Any]:
    """Read the model of the configuration."""
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # five times faster, if it was built
    schema: Mapping[str, Any] = yaml.load(SCHEMA_FILE.read_text(encoding="utf-8"), loader)  # noqa: S506
    return schema


def validate(config: Mapping[str, Any], source: object = None) -> dict[str, Any]:
    """Check a configuration; return it with defaults in place of what it leaves out.

    Raise ConfigError if a key or value is wrong. The message names each, and what was expected.
    """
    schema = read_schema()
    try:
        config = _parse_texts(config, schema)
        if problems := {
            _describe_error(error, config, schema) for error in _schema_errors(config, schema)
        }:
            raise ConfigError("; ".join(sorted(problems)))
        whole = _expand_paths(_with_defaults(config, schema))
        _check_consistency(whole)
    except ConfigError as error:
        text = str(error)
        if source is not None and "unknown key" in text:
            text += "; if this file belongs to another workflow, run sirenflow in another directory"
        raise ConfigError(f"{source or 'configuration'}: {text}") from None
    return whole


def _check_consistency(whole: Mapping[str, Any]) -> None:
    """Check for values that contradict each other."""
    inbox, results = Path(whole["inbox"]).resolve(), Path(whole["results"]).resolve()
    if inbox.is_relative_to(results) or results.is_relative_to(inbox):
        raise ConfigError(
            f"inbox is {whole['inbox']!r} and results is {whole['results']!r}; "
            "expected two directories, neither inside the other"
        )
    names = Counter(site["name"] for site in whole["visibility"]["sites"])
    if twice := sorted(name for name, count in names.items() if count > 1):
        raise ConfigError(f"visibility, sites: more than one is called {', '.join(twice)}")
    for key in ("galaxies", "candidates"):
        columns = {**whole[key]["columns"]} if whole[key] else {}
        columns.pop("name", None)  # any other column may serve as a name
        for column, count in Counter(columns.values()).items():
            if count > 1:
                uses = " and ".join(use for use in columns if columns[use] == column)
                raise ConfigError(
                    f"{key}, columns: {uses} are the same column {column!r}; "
                    "expected a column for each"
                )


def _expand_paths(config: Mapping[str, Any]) -> dict[str, Any]:
    """Expand ~ and environment variables in all paths of a configuration."""

    def expand(where: str, value: Any) -> Any:
        if not isinstance(value, str):  # reported where it is used
            return value
        try:
            path = expand_path(value)
        except UserPathError as error:
            raise ConfigError(f"{where} is {value!r}: {error}") from None
        if "{" in path or "}" in path:  # which no escape sequence prevents
            raise ConfigError(
                f"{where} is {value!r}; expected a path without {{ and }}, which "
                "Snakemake takes for wildcards: rename it, or name it by a symbolic link"
            )
        return path

    expanded = dict(config)
    for key in ("inbox", "results"):
        if key in config:
            expanded[key] = expand(key, config[key])
    for key in ("galaxies", "candidates"):
        if isinstance(config.get(key), Mapping):
            table = expand(f"{key}, table", config[key].get("table"))
            expanded[key] = {**config[key], "table": table}
    return expanded


def _parse_texts(value: Any, schema: Mapping[str, Any]) -> Any:
    """Read numbers, booleans and null that ``--config key={...}`` passes as text."""
    match value:
        case {**entries} if "properties" in schema:
            known = schema["properties"]
            return {key: _parse_texts(entry, known.get(key, {})) for key, entry in entries.items()}
        case [*items]:
            return [_parse_texts(item, schema.get("items", {})) for item in items]
        case str() if schema.get("type") in ("integer", "number", "boolean") or "enum" in schema:
            with suppress(StrictYamlError, yaml.YAMLError):
                return load_strict(value)
    return value


def _with_defaults(config: Mapping[str, Any], schema: Mapping[str, Any]) -> dict[str, Any]:
    """Fill in the defaults of keys that a valid configuration leaves out."""
    whole = {}
    for key, known in schema["properties"].items():
        if key in config or "default" in known:
            value = config.get(key, known.get("default"))
            is_section = isinstance(value, Mapping)
            whole[key] = _with_defaults(value, known) if is_section else value
    return whole


def _schema_errors(
    config: Mapping[str, Any], schema: Mapping[str, Any]
) -> "Iterator[ValidationError]":
    if not config:  # jsonschema is slow to import
        return iter(())
    from jsonschema import Draft202012Validator, validators

    # JSON Schema takes 50.0 for an integer; the names of fields do not. And YAML's .nan, which is
    # neither too small nor too large, for a number.
    checker = Draft202012Validator.TYPE_CHECKER.redefine_many(
        {
            "integer": lambda _, value: type(value) is int,
            "number": lambda _, value: type(value) in (int, float) and isfinite(value),
        }
    )
    validator = validators.extend(Draft202012Validator, type_checker=checker)  # type: ignore[no-untyped-call]
    return validator(schema).iter_errors(config)  # type: ignore[no-any-return]


def _describe_error(
    error: "ValidationError", config: Mapping[str, Any], schema: Mapping[str, Any]
) -> str:
    """Name the place, the value and what was expected."""
    places: list[str] = []
    path = list(error.absolute_path)
    while path:  # down to the mapping that holds the wrong value, or lacks one
        section = str(path[0])
        value, known = config[section], schema["properties"][section]
        match value, path[1:]:
            case Mapping() as entry, inside if "properties" in known:
                places.append(section)
                config, schema, path = entry, known, inside
            case [*entries], [int(number), *inside] if isinstance(entries[number], Mapping):
                config, schema, path = entries[number], known["items"], inside
                name = config.get("name", "unnamed")
                places += [section, f"entry {number + 1} ({name})"]
            case _:
                break
    where = f"{', '.join(places)}: " if places else ""
    return where + _describe_problem(error, config, schema, path)


def _describe_problem(
    error: "ValidationError",
    entry: Mapping[str, Any],
    schema: Mapping[str, Any],
    path: Sequence[str | int],
) -> str:
    """Describe what is wrong with the keys of a mapping, or with the value of one."""
    known, renamed = schema["properties"], schema.get("renamed", {})
    if path:
        key = str(path[0])
        return f"{key} is {entry[key]!r}; {_expectation(entry[key], known[key])}"
    if error.validator == "required":
        return f"lacks {', '.join(key for key in schema['required'] if key not in entry)}"
    problems = [f"`{key}` was renamed to {new}" for key, new in renamed.items() if key in entry]
    if wrong := sorted(repr(key) for key in entry if key not in {**known, **renamed}):
        problems.append(f"unknown key {', '.join(wrong)}; the keys are {', '.join(known)}")
    return "; ".join(problems)


def _expectation(value: Any, schema: Mapping[str, Any]) -> str:
    """Return what was expected, and why YAML may have read something else than was meant."""
    expected = f"expected {schema['expected']}"
    if isinstance(value, bool) and schema.get("type") != "array":
        return f"{expected} (YAML reads yes, no, on and off as booleans; quote them for text)"
    if isinstance(value, int | float) and schema.get("type") == "string":
        return f"{expected} (quote a number for text)"
    return expected
