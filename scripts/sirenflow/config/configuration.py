"""The configuration, validated once, at the start, with messages that name the key."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import isfinite
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from sirenflow.config.strict_yaml import StrictYamlError, load_strict
from sirenflow.config.user_path import UserPathError, expand_path
from sirenflow.config.workflow_files import CONFIG_SCHEMA
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


def find_config(root: Path) -> Path:
    """Find config.yaml in the working directory, or else beside the Snakefile.

    Parameters
    ----------
    root
        Directory of the Snakefile.

    Raises
    ------
    ConfigError
        If a file beside it has a name that looks like it but is not read, such as config.yml.
    """
    file = CONFIG_FILE if CONFIG_FILE.exists() else root / CONFIG_FILE
    for folder in dict.fromkeys((CONFIG_FILE.parent, file.parent)):
        _refuse_other_spellings(folder)
    return file


def _refuse_other_spellings(folder: Path) -> None:
    """Refuse config.yml and the like: whoever wrote it believes that it is read.

    Beside config.yaml it is an error, too: a warning in the log of a service is not seen, and which
    of the two was meant cannot be known.
    """
    try:
        names = sorted(file.name for file in folder.iterdir())
    except OSError:  # absent, or reported where a file in it is read
        return
    for name in names:
        if name.lower() in ("config.yml", "config.yaml") and name != CONFIG_FILE.name:
            if CONFIG_FILE.name in names:
                raise ConfigError(
                    f"{folder / name} is not read, only {folder / CONFIG_FILE.name} is; delete or "
                    "rename one of them"
                )
            raise ConfigError(f"{folder / name} is not read; rename it to {CONFIG_FILE.name}")


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
    whole = _expanded({**defaults, **config})
    _check_meaning(whole)
    return whole


def validate_read(
    config: Mapping[str, Any], schema_file: Path, read_from: object
) -> dict[str, Any]:
    """Check a configuration as `validate` does; name in errors what it was read from.

    Raises
    ------
    ConfigError
        If a key or value is wrong.
    """
    try:
        return validate(config, schema_file)
    except ConfigError as error:
        text = str(error).removeprefix("configuration: ")
        if "unknown key" in text:
            text += "; if this file belongs to another workflow, run sirenflow in another directory"
        raise ConfigError(f"{read_from}: {text}") from None


def _check_meaning(whole: Mapping[str, Any]) -> None:
    """Check what a schema cannot: values that contradict each other."""
    inbox, results = Path(whole["inbox"]).resolve(), Path(whole["results"]).resolve()
    if inbox.is_relative_to(results) or results.is_relative_to(inbox):
        raise ConfigError(
            f"configuration: inbox is {whole['inbox']!r} and results is {whole['results']!r}; "
            "expected two directories, neither inside the other"
        )
    names = Counter(site["name"] for site in whole["sites"])
    if twice := sorted(name for name, count in names.items() if count > 1):
        raise ConfigError(f"configuration: sites: more than one is called {', '.join(twice)}")
    for key in ("galaxies", "candidates"):
        columns = {**whole[key]["columns"]} if whole[key] else {}
        columns.pop("name", None)  # any other column may serve as a name
        for column, count in Counter(columns.values()).items():
            if count > 1:
                uses = " and ".join(use for use in columns if columns[use] == column)
                raise ConfigError(
                    f"configuration: {key}, columns: {uses} are the same column {column!r}; "
                    "expected a column for each"
                )


def _expanded(config: Mapping[str, Any]) -> dict[str, Any]:
    """Expand ~ and environment variables in all paths of a configuration."""

    def expand(where: str, value: Any) -> Any:
        if not isinstance(value, str):  # reported where it is used
            return value
        try:
            path = expand_path(value)
        except UserPathError as error:
            raise ConfigError(f"configuration: {where} is {value!r}: {error}") from None
        if "{" in path or "}" in path:  # which no escape sequence prevents
            raise ConfigError(
                f"configuration: {where} is {value!r}; expected a path without {{ and }}, which "
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
    _refuse_other_spellings(CONFIG_FILE.parent)
    if not CONFIG_FILE.exists():
        return Settings()
    # A misspelt key, or the file of another workflow, must not change the inbox. A schema in the
    # working directory may be that of another workflow, too.
    config = validate_read(load(CONFIG_FILE), CONFIG_SCHEMA, CONFIG_FILE)
    return Settings(
        inbox=Path(config["inbox"]),
        results=Path(config["results"]),
        sources=tuple(config["sources"]),
        large_message_hosts=tuple(config["large_message_hosts"]),
    )


def _numbers(value: Any) -> Any:
    """Read whole numbers in a list: ``--config key=[1,2]`` passes them as text."""
    if not isinstance(value, list):
        return value
    return [int(item) if str(item).isdecimal() else item for item in value]


def load(path: Path) -> dict[str, Any]:
    """Read a YAML or JSON file of keys and values.

    Raises
    ------
    ConfigError
        If it cannot be read, has a key twice, or holds anything else than keys and values.
    """
    try:
        loaded = load_strict(path.read_text(encoding="utf-8"))
    except StrictYamlError as error:
        raise ConfigError(f"{path}: {error}") from error
    except (OSError, yaml.YAMLError, UnicodeDecodeError) as error:
        reason = " ".join(str(error).split())
        if r"'\t'" in reason:
            reason += "; indent with blanks, not with a tab"
        raise ConfigError(f"{path} cannot be read: {reason}") from error
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
    return f"{key} is {config[key]!r}; {_expectation(config[key], known[key])}"


def _expectation(value: Any, schema: Mapping[str, Any]) -> str:
    """Say what was expected, and why YAML may have read something else than was meant."""
    said = f"expected {schema['description']}"
    if isinstance(value, bool) and schema.get("type") != "array":
        return f"{said} (YAML reads yes, no, on and off as booleans; quote them for text)"
    if isinstance(value, int | float) and schema.get("type") == "string":
        return f"{said} (quote a number for text)"
    return said


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
    return f"{key} is {entry[key]!r}; {_expectation(entry[key], known[key])}"


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
