"""Gravitational-wave alerts in; sky maps, numbers, reports and a catalogue out.

The functions of `sirenflow.api` are found here, too. They are imported when they are first used, so
that `import sirenflow` costs nothing.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sirenflow.api import (
        AlertError,
        SkymapError,
        compare_results,
        credible_area_deg2,
        credible_region,
        crossmatch_positions,
        measure_skymap,
        read_alert,
        read_skymap,
    )

__version__ = "0.4.0.dev0"
__all__ = [
    "AlertError",
    "SkymapError",
    "__version__",
    "compare_results",
    "credible_area_deg2",
    "credible_region",
    "crossmatch_positions",
    "measure_skymap",
    "read_alert",
    "read_skymap",
]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module("sirenflow.api"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
