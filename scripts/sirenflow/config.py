"""The configuration, validated once, at the start, with messages that name the key."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import isfinite
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from sirenflow.errors import ConfigError

if TYPE_CHECKING:  # slow to import, and most commands do without
    from jsonschema.exceptions import ValidationError

CONFIG_FILE = Path("config", "config.yaml")
"""Where the configuration is, in the working directory or else beside the Snakefile."""
SCHEMA_FILE = Path("workflow", "schemas", "config.schema.yaml")
"""Where its schema is, beside the Snakefile."""
_NOT_OF_PRODUCTS = (
    *("inbox", "results", "superevents", "sources", "large_message_hosts", "parquet"),
)


def validate(config: Mapping[str, Any], schema_file: Path) -> dict[str, Any]:
    """Check a configuration; return it with defaults in place of what it leaves out.

    Parameters
    ----------
    config
        The keys of config.yaml and of ``--config``.
    schema_file
        JSON Schema, as YAML, with a description and a default for each key.

    Raises
    ------
    ConfigError
        If a key or value is wrong. The message names each, and what was expected.
    """
    schema = load(schema_file)
    config = {key: _numbers(value) for key, value in config.items()}
    problems = {_explain(error, config, schema) for error in _errors(config, schema)}
    if problems:
        raise ConfigError("configuration: " + "; ".join(sorted(problems)))
    defaults = {key: value["default"] for key, value in schema["properties"].items()}
    whole = {**defaults, **config}
    inbox, results = Path(whole["inbox"]).resolve(), Path(whole["results"]).resolve()
    if inbox.is_relative_to(results) or results.is_relative_to(inbox):
        raise ConfigError(
            f"configuration: inbox is {whole['inbox']!r} and results is {whole['results']!r}; "
            "expected two directories, neither inside the other"
        )
    return whole


def digest(config: Mapping[str, Any]) -> str:
    """Give the SHA-256 of what a configuration says about products, as a page states it.

    Where things are on a machine is no part of it: of a table, only the file's name is.
    """
    said = {key: _elsewhere(value) for key, value in config.items() if key not in _NOT_OF_PRODUCTS}
    return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()


def _elsewhere(value: Any) -> Any:
    if not isinstance(value, dict) or "table" not in value:
        return value
    return {**value, "table": Path(value["table"]).name}


@dataclass(frozen=True)
class Settings:
    """What the commands take from the configuration; the workflow takes the rest.

    Attributes
    ----------
    inbox
        Where alerts are.
    results
        Where products are.
    sources
        Topics to listen to.
    large_message_hosts
        From which servers a message sent by reference may be fetched.
    """

    inbox: Path = Path("inbox")
    results: Path = Path("results")
    sources: tuple[str, ...] = ("kafka://kafka.scimma.org/igwn.gwalert",)
    large_message_hosts: tuple[str, ...] = ("scimma.org",)


def read_settings() -> Settings:
    """Read what the working directory's configuration says to the commands.

    Raises
    ------
    ConfigError
        If the configuration cannot be read, or is wrong.
    """
    if not CONFIG_FILE.exists():
        return Settings()
    config = load(CONFIG_FILE)
    if SCHEMA_FILE.exists():  # as where the Snakefile is: a key misspelt must not change the inbox
        config = validate(config, SCHEMA_FILE)
    default = Settings()
    return Settings(
        inbox=_directory(config, "inbox", default.inbox),
        results=_directory(config, "results", default.results),
        sources=_texts(config, "sources", default.sources),
        large_message_hosts=_texts(config, "large_message_hosts", default.large_message_hosts),
    )


def _directory(config: Mapping[str, Any], key: str, default: Path) -> Path:
    value = config.get(key, str(default))
    if not isinstance(value, str) or not value:
        raise ConfigError(f"{CONFIG_FILE}: {key} is {value!r}; expected a directory's path")
    return Path(value)


def _texts(config: Mapping[str, Any], key: str, default: tuple[str, ...]) -> tuple[str, ...]:
    value = config.get(key, list(default))
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise ConfigError(f"{CONFIG_FILE}: {key} is {value!r}; expected a list of texts")
    return tuple(value)


def _numbers(value: Any) -> Any:
    """Read whole numbers in a list: ``--config key=[1,2]`` passes them as text."""
    if not isinstance(value, list):
        return value
    return [int(item) if str(item).isdecimal() else item for item in value]


def load(path: Path) -> dict[str, Any]:
    """Read a YAML file of keys and values.

    Raises
    ------
    ConfigError
        If it cannot be read, or holds anything else.
    """
    try:
        loaded = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, yaml.YAMLError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} cannot be read: {' '.join(str(error).split())}") from error
    if not isinstance(loaded, dict):
        found = "nothing" if loaded is None else f"a {type(loaded).__name__}"
        raise ConfigError(f"{path} holds {found}; expected keys and values")
    return loaded


def _errors(config: Mapping[str, Any], schema: Mapping[str, Any]) -> Iterator[ValidationError]:
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


def _explain(error: ValidationError, config: Mapping[str, Any], schema: Mapping[str, Any]) -> str:
    known = schema["properties"]
    if error.validator == "additionalProperties" and not error.path:
        wrong = sorted(repr(key) for key in config if key not in known)
        return f"unknown key {', '.join(wrong)}; the keys are {', '.join(known)}"
    key = str(error.path[0])
    match config[key], list(error.path)[1:]:
        case [*entries], [int(number), *inside] if isinstance(entries[number], Mapping):
            entry, name = entries[number], entries[number].get("name", "unnamed")
            problem = _explain_entry(error, entry, inside, known[key]["items"])
            return f"{key}, entry {number + 1} ({name}): {problem}"
        case {**value}, deeper if "properties" in known[key]:
            return _explain_mapping(error, key, value, deeper, known[key])
    return f"{key} is {config[key]!r}; expected {known[key]['description']}"


def _explain_entry(
    error: ValidationError,
    entry: Mapping[str, Any],
    inside: Sequence[str | int],
    schema: Mapping[str, Any],
) -> str:
    """Say what is wrong with an entry of a list, where it has keys of its own."""
    known = schema["properties"]
    match error.validator:
        case "additionalProperties":
            wrong = sorted(repr(key) for key in entry if key not in known)
            return f"unknown key {', '.join(wrong)}; the keys are {', '.join(known)}"
        case "required":
            return f"lacks {', '.join(key for key in schema['required'] if key not in entry)}"
    key = str(inside[0])
    return f"{key} is {entry[key]!r}; expected {known[key]['description']}"


def _explain_mapping(
    error: ValidationError,
    where: str,
    entry: Mapping[Any, Any],
    inside: Sequence[str | int],
    schema: Mapping[str, Any],
) -> str:
    """Say what is wrong in a value that has keys of its own, and perhaps keys in those."""
    match inside:
        case [str(key), *deeper] if isinstance(entry[key], Mapping):
            known = schema["properties"][key]
            return _explain_mapping(error, f"{where}, {key}", entry[key], deeper, known)
    return f"{where}: {_explain_entry(error, entry, inside, schema)}"
