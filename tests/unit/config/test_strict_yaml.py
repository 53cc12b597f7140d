"""YAML whose meaning differs from how it looks is an error that names the line."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from sirenflow.config.strict_yaml import StrictYamlError, load_strict

LAST = "; keep one of them (YAML would use the last)"


def refusal(text: str) -> str:
    with pytest.raises(StrictYamlError) as caught:
        load_strict(text)
    return str(caught.value)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("a: 1\nb: 2\na: 3", "a is set more than once, on lines 1 and 3"),
        ('a: 1\n"a": 2', "a is set more than once, on lines 1 and 2"),
        ("a: 1\na: 1\na: 1", "a is set more than once, on lines 1, 2 and 3"),
        ("a: {x: 1, x: 2}", "a, x is set more than once, on line 1"),
        ("a:\n  b:\n    x: 1\n    x: 2", "a, b, x is set more than once, on lines 3 and 4"),
        (
            "s:\n- {n: 1}\n- {n: 1,\n   n: 2}",
            "s, entry 2, n is set more than once, on lines 3 and 4",
        ),
        ("b: &b {x: 1}\nc:\n  <<: *b\n  <<: *b", "c, << is set more than once, on lines 3 and 4"),
        ('{"a":\t1,\n\t"a": 2}', "a is set more than once, on lines 1 and 2"),
    ],
)
def test_key_that_is_set_twice_is_named_with_its_lines(text: str, problem: str) -> None:
    assert refusal(text) == problem + LAST


def test_every_problem_is_named() -> None:
    message = refusal("a: 1\na: 2\nb: {c: 010, c: 1}")
    assert [part.split(" is ")[0] for part in message.split("; ")[::2]] == ["a", "b, c", "b, c"]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("a: 12:30:00", "a is 12:30:00 on line 1, which YAML reads as 45000 (base 60); write '12"),
        ("a: -12:30", "a is -12:30 on line 1, which YAML reads as -750 (base 60); write '-12:30'"),
        ("a: 1:30:00.5", "a is 1:30:00.5 on line 1, which YAML reads as 5400.5 (base 60); write"),
        ("a:\n  b: 010", "a, b is 010 on line 2, which YAML reads as 8 (octal); write it without"),
        ("a: [1, 0_17]", "a, entry 2 is 0_17 on line 1, which YAML reads as 15 (octal); write it"),
        ("a: 2026-04-19", "a is 2026-04-19 on line 1, which YAML reads as a date; write it in quo"),
        ("a: 2026-13-45", "a is 2026-13-45 on line 1, which YAML reads as a date; write it in quo"),
        (
            "a: 2026-04-19 03:12:49",
            "a is 2026-04-19 03:12:49 on line 1, which YAML reads as a date",
        ),
    ],
)
def test_value_that_yaml_reads_as_something_else_is_named(text: str, problem: str) -> None:
    assert refusal(text).startswith(problem)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("", None),
        ("a: 1", {"a": 1}),
        ("a: {x: 1}\nb: {x: 1}", {"a": {"x": 1}, "b": {"x": 1}}),
        ("b: &b {x: 1, y: 2}\nc: {<<: *b, x: 3}", {"b": {"x": 1, "y": 2}, "c": {"x": 3, "y": 2}}),
        (
            "a: &a {x: 1}\nb: &b {x: 2}\nc: {<<: [*a, *b], z: 3}",
            {"a": {"x": 1}, "b": {"x": 2}, "c": {"x": 1, "z": 3}},
        ),
        (
            "a: '010'\nb: \"12:30:00\"\nc: '2026-04-19'",
            {"a": "010", "b": "12:30:00", "c": "2026-04-19"},
        ),
        (
            "a: 0\nb: -0.5\nc: 0.10\nd: 10\ne: 1.0e+3",
            {"a": 0, "b": -0.5, "c": 0.1, "d": 10, "e": 1e3},
        ),
        ("a: 12:30:00 UT\nb: 1.5:30", {"a": "12:30:00 UT", "b": "1.5:30"}),
        ('{"a":\t[1, null],\n\t"b": "\\u00e9"}', {"a": [1, None], "b": "é"}),
    ],
)
def test_anything_else_is_read_as_before(text: str, value: Any) -> None:
    assert load_strict(text) == value


@pytest.mark.parametrize("text", ["a: [", "a: =", "!!python/object:os.system x", "a: 1\n---\nb: 2"])
def test_what_is_not_plain_yaml_is_a_yaml_error(text: str) -> None:
    with pytest.raises(yaml.YAMLError):
        load_strict(text)
