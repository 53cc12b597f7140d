"""The configuration: where it is, and what commands and products depend on."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from sirenflow.config.strict_yaml import StrictYamlError, load_strict
from sirenflow.config.validation import validate
from sirenflow.errors import ConfigError

CONFIG_FILE = Path("config", "config.yaml")
"""Where the configuration is, in the working directory or else beside the Snakefile."""
_NOT_OF_PRODUCTS = ("inbox", "results", "superevents", "kafka", "catalogue")
_LEVELS_SHOWN_PERCENT = (50, 90)


def find_config(root: Path) -> Path:
    """Find config.yaml in the working directory, or else beside the Snakefile.

    Raise ConfigError if a file beside it has a name that looks like it but is not read, such as
    config.yml.
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


def config_digest(config: Mapping[str, Any]) -> str:
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
    """The part of the configuration that commands use without the workflow."""

    inbox: Path
    results: Path
    topics: tuple[str, ...]
    large_message_hosts: tuple[str, ...]


def read_settings() -> Settings:
    """Read and check the working directory's configuration; without one, return the defaults.

    Raise ConfigError if the configuration cannot be read, or is wrong.
    """
    _refuse_other_spellings(CONFIG_FILE.parent)
    config = validate(load(CONFIG_FILE) if CONFIG_FILE.exists() else {}, CONFIG_FILE)
    return Settings(
        inbox=Path(config["inbox"]),
        results=Path(config["results"]),
        topics=tuple(config["kafka"]["topics"]),
        large_message_hosts=tuple(config["kafka"]["large_message_hosts"]),
    )


def load(path: Path) -> dict[str, Any]:
    """Read a YAML or JSON file of keys and values.

    Raise ConfigError if it cannot be read, has a key twice, or holds anything else than keys and
    values.
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
