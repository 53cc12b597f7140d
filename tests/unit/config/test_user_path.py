"""Paths of the configuration: ~ and environment variables, and nothing else."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sirenflow.config.user_path import UserPathError, escape_path, expand_path


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/me")
    monkeypatch.setenv("DATA", "/data")
    monkeypatch.setenv("NIGHT_2", "~/$HOME")
    monkeypatch.setenv("EMPTY", "")
    monkeypatch.delenv("ABSENT", raising=False)


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("~", "/home/me"),
        ("~/alerts", "/home/me/alerts"),
        ("~root/alerts", "/root/alerts"),
        ("$HOME/alerts", "/home/me/alerts"),
        ("${DATA}/alerts", "/data/alerts"),
        ("a/${DATA}s$DATA", "a//datas/data"),
        ("x/$NIGHT_2", "x/~/$HOME"),
        ("$NIGHT_2", "~/$HOME"),
        ("a$$b$$", "a$b$"),
        ("./~/a", "./~/a"),
        ("a~/b", "a~/b"),
        ("inbox", "inbox"),
        ("", ""),
    ],
)
def test_home_and_variables_are_expanded_once(text: str, path: str) -> None:
    assert expand_path(text) == path


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("$ABSENT/x", "the environment variable ABSENT is not set; set it"),
        ("x${ABSENT}", "the environment variable ABSENT is not set; set it"),
        ("$EMPTY/x", "the environment variable EMPTY is empty; set it"),
        ("a$", "a $ begins no variable; write $$ for a dollar sign"),
        ("a$/b", "a $ begins no variable"),
        ("a$1", "a $ begins no variable"),
        ("${DATA", "a $ begins no variable"),
        ("${DA-TA}", "a $ begins no variable"),
        ("~nobody-of-that-name/x", "the home directory ~nobody-of-that-name is not known"),
    ],
)
def test_what_cannot_be_expanded_is_named(text: str, problem: str) -> None:
    with pytest.raises(UserPathError) as caught:
        expand_path(text)
    assert str(caught.value).startswith(problem)


@given(st.text("a~$/{}. "))
def test_escaped_path_is_expanded_to_itself(text: str) -> None:
    assert expand_path(escape_path(text)).removeprefix("./") == text.removeprefix("./")
