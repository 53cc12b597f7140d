"""YAML as people mean it: what the YAML 1.1 of PyYAML and Snakemake changes silently is an error.

That is: a key that is set twice (the last one counts), a number in base 60 (12:30:00 is 45000) or
octal (010 is 8), and a date or time of day without quotes (not text).
"""

import json
import re
from collections.abc import Iterator
from typing import Any

import yaml

_NUMBERS = ("tag:yaml.org,2002:int", "tag:yaml.org,2002:float")
_TIMESTAMP = "tag:yaml.org,2002:timestamp"


class StrictYamlError(ValueError):
    """A YAML text has a key twice, or a value that YAML reads as something else."""


def load_strict(text: str) -> Any:
    """Read a YAML or JSON text into plain values.

    Raise StrictYamlError if a key is set twice, or a value would be read as something else than it
    looks like. The message names each, with its line. Raise yaml.YAMLError if it is not YAML.
    """
    loader = yaml.SafeLoader(_without_tabs(text))
    try:
        node = loader.get_single_node()
        if node is None:
            return None
        problems = [*_problems(loader, node, "", set())]
        if problems:
            raise StrictYamlError("; ".join(problems))
        return loader.construct_document(node)
    finally:
        loader.dispose()


def _without_tabs(text: str) -> str:
    """Replace tabs between the tokens of JSON: PyYAML does not take them."""
    if "\t" not in text:
        return text
    try:
        json.loads(text)
    except ValueError:
        return text
    return text.replace("\t", " ")


def _problems(
    loader: yaml.SafeLoader, node: yaml.Node, where: str, seen: set[int]
) -> Iterator[str]:
    if id(node) in seen:  # an alias
        return
    seen.add(id(node))
    match node:
        case yaml.MappingNode():
            yield from _repeated_keys(node, where)
            for key, value in node.value:
                yield from _problems(loader, value, _join(where, str(key.value)), seen)
        case yaml.SequenceNode():
            for number, value in enumerate(node.value, 1):
                yield from _problems(loader, value, _join(where, f"entry {number}"), seen)
        case yaml.ScalarNode() if node.style is None:
            yield from _misread(loader, node, where)


def _join(where: str, name: str) -> str:
    return f"{where}, {name}" if where else name


def _repeated_keys(node: yaml.MappingNode, where: str) -> Iterator[str]:
    """Find keys that one mapping has twice; those that `<<` merges into it may be set again."""
    lines: dict[tuple[str, str], list[int]] = {}
    for key, _ in node.value:
        if isinstance(key, yaml.ScalarNode):  # any other is refused where it is constructed
            lines.setdefault((key.tag, key.value), []).append(key.start_mark.line + 1)
    for (_, name), found in lines.items():
        if len(found) > 1:
            place = f"{where}, " if where else ""
            yield (
                f"{place}{name} is set more than once, on {_listed(found)}; keep one of them "
                "(YAML would use the last)"
            )


def _listed(lines: list[int]) -> str:
    if len(set(lines)) == 1:
        return f"line {lines[0]}"
    return f"lines {', '.join(map(str, lines[:-1]))} and {lines[-1]}"


def _misread(loader: yaml.SafeLoader, node: yaml.ScalarNode, where: str) -> Iterator[str]:
    """Find a value without quotes that YAML reads as something else than it looks like."""
    text, digits = node.value, node.value.lstrip("+-").replace("_", "")
    if node.tag == _TIMESTAMP:
        reading = f"a date; write it in quotes, as '{text}'"
    elif node.tag in _NUMBERS and ":" in text:
        number = loader.construct_object(node)
        reading = f"{number} (base 60); write '{text}' in quotes, or a decimal number"
    elif node.tag in _NUMBERS and re.fullmatch("0[0-7]+", digits):
        reading = f"{loader.construct_object(node)} (octal); write it without the leading 0"
    else:
        return
    yield f"{where} is {text} on line {node.start_mark.line + 1}, which YAML reads as {reading}"
