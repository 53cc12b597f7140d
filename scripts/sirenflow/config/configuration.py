"""The configuration: read, validated and completed with defaults."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from math import isfinite
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from sirenflow.config.strict_yaml import StrictYamlError, load_strict
from sirenflow.config.user_path import UserPathError, expand_path
from sirenflow.errors import ConfigError

if TYPE_CHECKING:  # slow to import, and most commands do without
    from jsonschema.exceptions import ValidationError

CONFIG_FILE = Path("config", "config.yaml")
"""Where the configuration is, in the working directory or else beside the Snakefile."""
SCHEMA_FILE = Path(__file__).with_name("config.schema.yaml")
"""The model of the configuration."""
_NOT_OF_PRODUCTS = ("inbox", "results", "superevents", "kafka", "catalogue")
_LEVELS_SHOWN_PERCENT = (50, 90)


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
    """Refuse config.yml and other spellings, which would silently not be read.

    It is also an error if config.yaml exists: a warning in the log of a service is easily missed,
    and which of the two files was meant is unknown.
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


def read_schema() -> Mapping[str, Any]:
    """Read the model of the configuration."""
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # five times faster, if it was built
    schema: Mapping[str, Any] = yaml.load(SCHEMA_FILE.read_text(encoding="utf-8"), loader)  # noqa: S506
    return schema


def validate(config: Mapping[str, Any]) -> dict[str, Any]:
    """Check a configuration; return it with defaults in place of what it leaves out.

    Parameters
    ----------
    config
        The keys of config.yaml and of ``--config``.

    Raises
    ------
    ConfigError
        If a key or value is wrong. The message names each, and what was expected.
    """
    schema = read_schema()
    config = _typed(config, schema)
    problems = {_explain(error, config, schema) for error in _errors(config, schema)}
    if problems:
        raise ConfigError("configuration: " + "; ".join(sorted(problems)))
    whole = _expanded(_with_defaults(config, schema))
    _check_meaning(whole)
    return whole


def validate_read(config: Mapping[str, Any], read_from: object) -> dict[str, Any]:
    """Check a configuration as `validate` does; name its source in errors.

    Raises
    ------
    ConfigError
        If a key or value is wrong.
    """
    try:
        return validate(config)
    except ConfigError as error:
        text = str(error).removeprefix("configuration: ")
        if "unknown key" in text:
            text += "; if this file belongs to another workflow, run sirenflow in another directory"
        raise ConfigError(f"{read_from}: {text}") from None


def _check_meaning(whole: Mapping[str, Any]) -> None:
    """Check for values that contradict each other."""
    inbox, results = Path(whole["inbox"]).resolve(), Path(whole["results"]).resolve()
    if inbox.is_relative_to(results) or results.is_relative_to(inbox):
        raise ConfigError(
            f"configuration: inbox is {whole['inbox']!r} and results is {whole['results']!r}; "
            "expected two directories, neither inside the other"
        )
    names = Counter(site["name"] for site in whole["visibility"]["sites"])
    if twice := sorted(name for name, count in names.items() if count > 1):
        raise ConfigError(
            f"configuration: visibility, sites: more than one is called {', '.join(twice)}"
        )
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
    """Return the SHA-256 of the settings that products depend on, as pages state it.

    It does not depend on directories of a machine: of a table, it covers the file's name.
    """
    settings = {
        key: _without_directory(value)
        for key, value in config.items()
        if key not in _NOT_OF_PRODUCTS
    }
    return hashlib.sha256(json.dumps(settings, sort_keys=True).encode()).hexdigest()


def _without_directory(value: Any) -> Any:
    if not isinstance(value, dict) or "table" not in value:
        return value
    return {**value, "table": Path(value["table"]).name}


def credible_levels_percent(config: Mapping[str, Any]) -> list[int]:
    """Return the credible levels of areas and volumes in per cent, ascending."""
    extra = config["skymaps"]["extra_credible_levels_percent"]
    return sorted({*_LEVELS_SHOWN_PERCENT, *extra})


@dataclass(frozen=True)
class Settings:
    """The part of the configuration that commands use without the workflow.

    Attributes
    ----------
    inbox
        Directory of the alerts.
    results
        Directory of the products.
    topics
        Addresses of the topics to listen to.
    large_message_hosts
        Servers from which a message sent by reference may be fetched.
    """

    inbox: Path
    results: Path
    topics: tuple[str, ...]
    large_message_hosts: tuple[str, ...]


def read_settings() -> Settings:
    """Read and check the working directory's configuration; without one, return the defaults.

    Raises
    ------
    ConfigError
        If the configuration cannot be read, or is wrong.
    """
    _refuse_other_spellings(CONFIG_FILE.parent)
    config = validate_read(load(CONFIG_FILE) if CONFIG_FILE.exists() else {}, CONFIG_FILE)
    return Settings(
        inbox=Path(config["inbox"]),
        results=Path(config["results"]),
        topics=tuple(config["kafka"]["topics"]),
        large_message_hosts=tuple(config["kafka"]["large_message_hosts"]),
    )


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


def _typed(value: Any, schema: Mapping[str, Any]) -> Any:
    """Read numbers, booleans and null that ``--config key={...}`` passes as text."""
    match value:
        case {**entries} if "properties" in schema:
            known = schema["properties"]
            return {key: _typed(entry, known.get(key, {})) for key, entry in entries.items()}
        case [*items]:
            return [_typed(item, schema.get("items", {})) for item in items]
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


def _errors(config: Mapping[str, Any], schema: Mapping[str, Any]) -> Iterator[ValidationError]:
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


def _explain(error: ValidationError, config: Mapping[str, Any], schema: Mapping[str, Any]) -> str:
    """Name the place, the value and what was expected."""
    places: list[str] = []
    path = list(error.absolute_path)
    while path:  # down to the mapping that holds the wrong value, or lacks one
        section = path[0]
        value, known = config[section], schema["properties"][section]
        match value, path[1:]:
            case Mapping() as entry, inside if "properties" in known:
                places.append(str(section))
                config, schema, path = entry, known, inside
            case [*entries], [int(number), *inside] if isinstance(entries[number], Mapping):
                config, schema, path = entries[number], known["items"], inside
                name = config.get("name", "unnamed")
                places += [str(section), f"entry {number + 1} ({name})"]
            case _:
                break
    where = f"{', '.join(places)}: " if places else ""
    return where + _problem(error, config, schema, path)


def _problem(
    error: ValidationError,
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
    problems = [f"{key} is now {new}" for key, new in renamed.items() if key in entry]
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
