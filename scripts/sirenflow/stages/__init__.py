"""One module a rule: files in, files out."""

from collections.abc import Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any


def call(stage: str, files: Mapping[str, str | Sequence[str]], arguments: Mapping[str, Any]) -> Any:
    """Run the stage of a name; give what it returns.

    Whoever only passes a stage on need not import it: numpy and astropy take longer to import than
    a superevent to process.
    """
    function = getattr(import_module(f"{__name__}.{stage}"), stage)
    paths = {
        name: Path(value) if isinstance(value, str) else [Path(file) for file in value]
        for name, value in files.items()
    }
    return function(**paths, **arguments)
