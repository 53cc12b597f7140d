"""Where the configuration is found, and what commands and products take from it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from configurations import CANDIDATES, DEFAULTS, GALAXIES, SITE
from paths import ROOT

from sirenflow.config.configuration import (
    config_digest,
    credible_levels_percent,
    read_settings,
)
from sirenflow.config.validation import validate
from sirenflow.errors import ConfigError
from sirenflow.pipeline.project import find_project

pytestmark = pytest.mark.usefixtures("working_directory")


def configure(directory: Path, content: bytes) -> None:
    (directory / "config").mkdir()
    (directory / "config" / "config.yaml").write_bytes(content)


@pytest.mark.parametrize(
    ("extra", "levels"), [([], [50, 90]), ([95, 10], [10, 50, 90, 95]), ([1, 99], [1, 50, 90, 99])]
)
def test_extra_levels_are_added_to_50_and_90(extra: list[int], levels: list[int]) -> None:
    config = validate({"skymaps": {"extra_credible_levels_percent": extra}})
    assert credible_levels_percent(config) == levels


def test_values_of_the_command_line_are_typed_though_they_come_as_text() -> None:
    config = validate(
        {
            "skymaps": {"extra_credible_levels_percent": ["68"], "flat_nside": "null"},
            "catalogue": {"parquet": "true"},
            "visibility": {"minimum_altitude_deg": "-12.5"},
        }
    )
    assert config["skymaps"] == {"extra_credible_levels_percent": [68], "flat_nside": None}
    assert config["catalogue"] == {"parquet": True}
    assert config["visibility"] == {**DEFAULTS["visibility"], "minimum_altitude_deg": -12.5}


def test_inbox_is_the_configured_one(tmp_path: Path) -> None:
    configure(tmp_path, b"inbox: /data/alerts\nresults: x\n")
    assert read_settings().inbox == Path("/data/alerts")
    assert read_settings().results == Path("x")


@pytest.mark.parametrize("content", [None, b"catalogue: {parquet: false}\n"])
def test_without_configuration_settings_are_the_schemas_defaults(
    tmp_path: Path, content: bytes | None
) -> None:
    if content is not None:
        configure(tmp_path, content)
    settings = read_settings()
    assert (settings.inbox, settings.results) == (Path("inbox"), Path("results"))
    assert settings.topics == tuple(DEFAULTS["kafka"]["topics"])
    assert settings.large_message_hosts == tuple(DEFAULTS["kafka"]["large_message_hosts"])


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"inbox: 3", "inbox is 3; expected "),
        (b"inbox:", "inbox is None; expected "),
        (b"inbox: ''", "inbox is ''; expected "),
        (b"results: ''", "results is ''; expected "),
        (b"kafka: kafka://a/b", "kafka is 'kafka://a/b'; expected keys and values"),
        (b"kafka:", "kafka is None; expected keys and values"),
        (b"kafka: {topics: [3]}", "kafka: topics is [3]; expected a list of Kafka topics"),
        (b"kafka: {large_message_hosts: {a: b}}", "large_message_hosts is {'a': 'b'}; expected a"),
        (b"- inbox", "holds a list; expected keys and values"),
        (b"# nothing", "holds nothing; expected keys and values"),
        (b"inbox: $NOT_SET/inbox", "the environment variable NOT_SET is not set"),
        (b"inbox: [a\n", "cannot be read: while parsing a flow sequence"),
        (b"inbox: \xff", "cannot be read: 'utf-8' codec can't decode byte 0xff"),
        (b"inbox: !!python/object:os.system x", "cannot be read: could not determine a constr"),
    ],
)
def test_broken_configuration_is_named_in_one_line(
    tmp_path: Path, content: bytes, problem: str
) -> None:
    configure(tmp_path, content)
    with pytest.raises(ConfigError) as caught:
        read_settings()
    message = str(caught.value)
    assert message.startswith("config/config.yaml")
    assert problem in message
    assert "\n" not in message


@pytest.mark.parametrize("read", [read_settings, find_project])
def test_key_set_twice_is_an_error_that_names_both_lines(
    tmp_path: Path, read: Callable[[], object]
) -> None:
    configure(tmp_path, b"galaxies: {table: g.csv}\ninbox: inbox\ngalaxies: null\n")
    with pytest.raises(ConfigError, match=r"^config/config\.yaml: galaxies .* lines 1 and 3; keep"):
        read()


def test_tab_is_named(tmp_path: Path) -> None:
    configure(tmp_path, b"visibility:\n\tsites: []\n")
    with pytest.raises(ConfigError, match=r"line 2, column 1.*indent with blanks, not with a tab"):
        read_settings()


@pytest.mark.parametrize("read", [read_settings, find_project])
@pytest.mark.parametrize("name", ["config.yml", "config.YAML", "Config.yml"])
def test_file_of_another_name_is_named(
    tmp_path: Path, read: Callable[[], object], name: str
) -> None:
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / name).write_text("inbox: elsewhere\n")
    with pytest.raises(ConfigError) as caught:
        read()
    assert str(caught.value) == f"config/{name} is not read; rename it to config.yaml"
    (tmp_path / "config/config.yaml").write_text("inbox: inbox\n")
    with pytest.raises(ConfigError) as caught:
        read()
    assert str(caught.value) == (
        f"config/{name} is not read, only config/config.yaml is; delete or rename one of them"
    )


def test_paths_are_expanded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/me")
    monkeypatch.setenv("DATA", "/data")
    config = {
        "inbox": "~/inbox",
        "results": "${DATA}/results",
        "galaxies": {**GALAXIES, "table": "$DATA/glade.fits"},
        "candidates": {**CANDIDATES, "table": "~/c.csv"},
    }
    whole = validate(config)
    assert (whole["inbox"], whole["results"]) == ("/home/me/inbox", "/data/results")
    assert whole["galaxies"]["table"] == "/data/glade.fits"
    assert whole["candidates"]["table"] == "/home/me/c.csv"
    written_out = {**config, "galaxies": GALAXIES, "candidates": CANDIDATES}
    assert config_digest(whole) == config_digest(validate(written_out))
    configure(tmp_path, b"inbox: ~/inbox\nresults: $DATA/results\n")
    assert read_settings().inbox == Path("/home/me/inbox")
    assert read_settings().results == Path("/data/results")


@pytest.mark.parametrize(
    ("changes", "counts"),
    [
        ({"inbox": "elsewhere"}, False),
        ({"superevents": ["S240422ed"]}, False),
        ({"kafka": {"topics": ["kafka://a/b"]}}, False),
        ({"catalogue": {"parquet": True}}, False),
        ({"skymaps": {"extra_credible_levels_percent": [68]}}, True),
        ({"skymaps": {"flat_nside": 64}}, True),
        ({"visibility": {"sites": [SITE]}}, True),
        ({"visibility": {"maximum_sun_altitude_deg": -18}}, True),
    ],
)
def test_digest_covers_the_settings_that_pages_depend_on(
    changes: dict[str, Any], counts: bool
) -> None:
    assert (config_digest(validate(changes)) != config_digest(validate({}))) == counts


def test_directory_of_the_command_line_is_taken_as_the_shell_gives_it(tmp_path: Path) -> None:
    project = find_project(Path("a$b"), Path("~c"))
    assert (project.inbox, project.results) == (Path("a$b"), Path("~c"))
    project.arguments("all", None)
    written = json.loads((tmp_path / "~c/.sirenflow/config.json").read_text())
    assert {key: validate(written)[key] for key in written} == {
        "inbox": "a$b",
        "results": "./~c",
    }


def test_misspelt_key_does_not_change_the_inbox(tmp_path: Path) -> None:
    (tmp_path / "config").mkdir()
    (tmp_path / "config/config.yaml").write_text("inbx: elsewhere\n")
    (tmp_path / "workflow").symlink_to(ROOT / "workflow")
    with pytest.raises(ConfigError, match="unknown key 'inbx'"):
        read_settings()


def test_topics_and_servers_are_the_configured_ones(tmp_path: Path) -> None:
    configure(
        tmp_path, b"kafka:\n  topics: [kafka://a/b, kafka://me@c:1/d]\n  large_message_hosts: []\n"
    )
    settings = read_settings()
    assert settings.topics == ("kafka://a/b", "kafka://me@c:1/d")
    assert settings.large_message_hosts == ()
    assert settings.inbox == Path("inbox")


def test_wrong_topic_is_refused_in_one_line_where_the_schema_is(tmp_path: Path) -> None:
    configure(tmp_path, b"kafka: {topics: [igwn.gwalert]}\n")
    (tmp_path / "workflow").symlink_to(ROOT / "workflow")
    with pytest.raises(ConfigError, match=r"topics is \['igwn.gwalert'\]; expected a list"):
        read_settings()


def test_shipped_configuration_gives_the_defaults(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("config", "workflow"):
        (tmp_path / name).symlink_to(ROOT / name)
    shipped = read_settings()
    monkeypatch.chdir("..")
    assert shipped == read_settings()
