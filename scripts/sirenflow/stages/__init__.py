"""One module a rule: files in, files out."""

from importlib import import_module
from typing import Any


def call(stage: str, **arguments: Any) -> None:
    """Run the stage of a name.

    Whoever only passes a stage on need not import it: numpy and astropy take longer to import than
    a superevent to process.
    """
    function = getattr(import_module(f"{__name__}.{stage}"), stage)
    function(**arguments)
