"""Paths as users write them in the configuration: ~ and environment variables are expanded."""

import os
import re

_VARIABLE = re.compile(r"\$(?:(\$)|([A-Za-z_]\w*)|\{([A-Za-z_]\w*)\})?", re.ASCII)


class UserPathError(ValueError):
    """A path cannot be expanded."""


def expand_path(text: str) -> str:
    """Expand `~` at the beginning, and `$NAME` and `${NAME}` anywhere; `$$` is a dollar sign.

    Raise UserPathError if a variable is not set or empty, a home directory is not known, or a
    dollar sign begins no variable.

    Examples
    --------
    >>> expand_path("/data/price-in-$$")
    '/data/price-in-$'
    """
    expanded = _VARIABLE.sub(_value, text) if "$" in text else text
    return expand_home(expanded) if text.startswith("~") else expanded


def expand_home(text: str) -> str:
    """Expand `~` at the beginning.

    Raise UserPathError if the home directory is not known.
    """
    expanded = os.path.expanduser(text)  # noqa: PTH111 - Path.expanduser drops a leading ./
    if expanded.startswith("~"):
        user = expanded.partition("/")[0]
        raise UserPathError(
            f"the home directory {user} is not known; write it out, or ./{user} for a directory of "
            "that name"
        )
    return expanded


def escape_path(text: str) -> str:
    """Write a path such that `expand_path` gives it back."""
    return ("./" if text.startswith("~") else "") + text.replace("$", "$$")


def _value(found: re.Match[str]) -> str:
    if found[1]:
        return "$"
    name = found[2] or found[3]
    if name is None:
        raise UserPathError("a $ begins no variable; write $$ for a dollar sign")
    value = os.environ.get(name)
    if not value:
        problem = "not set" if value is None else "empty"
        raise UserPathError(
            f"the environment variable {name} is {problem}; set it, or write $$ for a dollar sign"
        )
    return value
