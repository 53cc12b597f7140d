"""A wrong configuration is refused with a message that says all that is wrong with it."""

from __future__ import annotations

import re
from typing import Any

import pytest
import yaml
from configurations import CANDIDATES, DEFAULTS, GALAXIES, SCHEMA, SECTIONS, SHIPPED, SITE
from paths import ROOT

from sirenflow.config.validation import validate
from sirenflow.errors import ConfigError

pytestmark = pytest.mark.usefixtures("working_directory")


def refusal(config: dict[Any, Any]) -> str:
    with pytest.raises(ConfigError) as caught:
        validate(config)
    return str(caught.value)


def refusal_of_sites(sites: Any) -> str:
    return refusal({"visibility": {"sites": sites}})


def test_nothing_set_means_the_shipped_configuration_without_its_sites() -> None:
    assert validate({}) == DEFAULTS
    assert {**SHIPPED, "visibility": {**SHIPPED["visibility"], "sites": []}} == DEFAULTS


def test_what_is_set_wins_and_the_rest_is_filled_in() -> None:
    config = {"results": "/data/results"}
    assert validate(config) == {**DEFAULTS, "results": "/data/results"}
    assert config == {"results": "/data/results"}


def test_no_key_is_shipped_that_is_not_in_the_schema() -> None:
    assert set(SHIPPED) == set(SCHEMA["properties"])
    for section in SECTIONS:
        assert set(SHIPPED[section]) == set(SCHEMA["properties"][section]["properties"])


@pytest.mark.parametrize(
    ("config", "problem"),
    [
        ({"sources": ["kafka://a/b"]}, "`sources` was renamed to `kafka: topics`"),
        (
            {"large_message_hosts": []},
            "`large_message_hosts` was renamed to `kafka: large_message_hosts`",
        ),
        (
            {"credible_levels_percent": [50, 90]},
            "was renamed to `skymaps: extra_credible_levels_percent`, without",
        ),
        ({"flat_nside": 64}, "`flat_nside` was renamed to `skymaps: flat_nside`"),
        ({"parquet": True}, "`parquet` was renamed to `catalogue: parquet`"),
        ({"sites": []}, "`sites` was renamed to `visibility: sites`"),
        ({"minimum_altitude_deg": 30}, "renamed to `visibility: minimum_altitude_deg`"),
        ({"maximum_sun_altitude_deg": 0}, "renamed to `visibility: maximum_sun_altitude_deg`"),
        ({"galaxies": {"keep": 5}}, "galaxies: `keep` was renamed to `max_listed`"),
    ],
)
def test_key_of_version_0_3_is_refused_with_its_new_name(
    config: dict[str, Any], problem: str
) -> None:
    message = refusal(config)
    assert problem in message
    assert "unknown key" not in message


def test_unknown_key_is_named_beside_the_known_ones() -> None:
    assert refusal({"inbx": "x"}) == (
        f"configuration: unknown key 'inbx'; the keys are {', '.join(SCHEMA['properties'])}"
    )


def test_several_unknown_keys_are_all_named_whatever_their_type() -> None:
    message = refusal({"inbx": "x", 7: "y", None: "z"})
    assert all(name in message for name in ("'inbx'", "7", "None"))


@pytest.mark.parametrize("key", ["inbox", "results"])
@pytest.mark.parametrize("value", [None, 3, "", ["a"], {"a": 1}, True])
def test_path_that_is_none_is_refused_with_key_value_and_expectation(key: str, value: Any) -> None:
    message = refusal({key: value})
    assert message.startswith(f"configuration: {key} is {value!r}; expected the path of the direct")


@pytest.mark.parametrize(
    "value",
    ["68", None, 68, [50], [90], [68, 68], [0], [100], [68.3], [68.0], ["many"], [True], [None]],
)
def test_wrong_levels_are_refused_with_the_whole_value_and_the_expectation(value: Any) -> None:
    """Also 68.0: fields are named after the levels, and `area_68.0_deg2` is none of them."""
    assert refusal({"skymaps": {"extra_credible_levels_percent": value}}) == (
        f"configuration: skymaps: extra_credible_levels_percent is {value!r}; expected a list of "
        "whole per cent between 1 and 99, each once, without 50 and 90"
    )


def test_all_that_is_wrong_is_told_at_once() -> None:
    message = refusal({"inbx": "x", "results": 3, "skymaps": {"flat_nside": 3}})
    assert "unknown key 'inbx'" in message
    assert "results is 3" in message
    assert message.count("skymaps: flat_nside is 3") == 1


def test_path_with_a_variable_that_is_not_set_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DATA", raising=False)
    problem = "the environment variable DATA is not set; set it, or write $$ for a dollar sign"
    assert refusal({"inbox": "$DATA/in"}) == f"configuration: inbox is '$DATA/in': {problem}"
    assert refusal({"galaxies": {**GALAXIES, "table": "${DATA}/g.csv"}}) == (
        f"configuration: galaxies, table is '${{DATA}}/g.csv': {problem}"
    )


@pytest.mark.parametrize("key", ["inbox", "results", "galaxies", "candidates"])
@pytest.mark.parametrize("path", ["a{x}b", "{superevent}", "a{b/c", "a}b"])
def test_path_with_braces_is_refused(key: str, path: str) -> None:
    table = {"galaxies": GALAXIES, "candidates": CANDIDATES}.get(key)
    where = f"{key}, table" if table else key
    assert refusal({key: {**table, "table": path} if table else path}) == (
        f"configuration: {where} is {path!r}; expected a path without {{ and }}, which Snakemake "
        "takes for wildcards: rename it, or name it by a symbolic link"
    )


def test_value_that_yaml_made_a_boolean_is_explained() -> None:
    message = refusal_of_sites([{**SITE, "name": "Kew"}, {**SITE, "name": True}])
    assert message.endswith("(YAML reads yes, no, on and off as booleans; quote them for text)")
    message = refusal({"candidates": {**CANDIDATES, "columns": {"name": 1, "ra": "a", "dec": "b"}}})
    assert message.endswith("name is 1; expected the name of a column (quote a number for text)")


def test_two_uses_of_one_column_are_refused() -> None:
    columns = {"name": "id", "ra": "pos", "dec": "pos"}
    assert refusal({"candidates": {**CANDIDATES, "columns": columns}}) == (
        "configuration: candidates, columns: ra and dec are the same column 'pos'; expected a "
        "column for each"
    )
    validate({"candidates": {**CANDIDATES, "columns": {**columns, "dec": "id"}}})


def test_two_sites_of_one_name_are_refused() -> None:
    message = refusal_of_sites([SITE, {**SITE, "place": "elsewhere"}])
    assert message == "configuration: visibility, sites: more than one is called Greenwich"


@pytest.mark.parametrize(
    ("inbox", "results"), [("same", "same"), ("archive", "archive/results"), ("out/in", "out")]
)
def test_results_and_inbox_must_not_lie_in_each_other(inbox: str, results: str) -> None:
    with pytest.raises(ConfigError, match="neither inside the other"):
        validate({"inbox": inbox, "results": results})


@pytest.mark.parametrize(
    "value", [[], "kafka://a/b", None, [3], ["https://a/b"], ["kafka://a/b", "kafka://a/b"], {}]
)
def test_wrong_topics_are_refused_with_the_value_and_an_example(value: Any) -> None:
    assert refusal({"kafka": {"topics": value}}) == (
        f"configuration: kafka: topics is {value!r}; expected a list of Kafka topics, each like "
        "kafka://kafka.scimma.org/igwn.gwalert"
    )


@pytest.mark.parametrize("value", ["scimma.org", None, [3], [""], ["a", "a"], True])
def test_wrong_servers_are_refused_with_the_value_and_the_expectation(value: Any) -> None:
    assert refusal({"kafka": {"large_message_hosts": value}}) == (
        f"configuration: kafka: large_message_hosts is {value!r}; expected a list of host names, "
        "each of which includes the hosts below it"
    )


def test_shipped_sites_are_real_ones() -> None:
    """Twelve observatories, no two at one place, each where its name says."""
    text = (ROOT / "config" / "config.yaml").read_text(encoding="utf-8")
    every = yaml.safe_load(re.sub(r"^    # - \{", "    - {", text, flags=re.MULTILINE))[
        "visibility"
    ]["sites"]
    shipped = SHIPPED["visibility"]["sites"]
    assert every[: len(shipped)] == shipped
    assert (len(shipped), len(every)) == (6, 12)
    assert validate({"visibility": {"sites": every}})["visibility"]["sites"] == every
    places = {site["place"]: site for site in every}
    for place, (latitude, longitude) in {
        "La Palma": (28.7, -17.9),
        "Hawaii": (19.8, -155.5),
        "California": (33.4, -116.9),
        "Chile": (-24.6, -70.4),
        "Australia": (-31.3, 149.1),
        "South Africa": (-32.4, 20.8),
        "Arizona": (32.0, -111.6),
        "Spain": (37.2, -2.5),
        "India": (32.8, 79.0),
        "China": (40.4, 117.6),
    }.items():
        assert places[place]["latitude_deg"] == pytest.approx(latitude, abs=0.1)
        assert places[place]["longitude_deg"] == pytest.approx(longitude, abs=0.1)


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"latitude_deg": 95}, "latitude_deg is 95; expected degrees from -90 to 90, north pos"),
        ({"latitude_deg": "28 N"}, "latitude_deg is '28 N'; expected degrees from -90 to 90"),
        ({"latitude_deg": None}, "latitude_deg is None; expected degrees from -90 to 90"),
        ({"longitude_deg": float("nan")}, "longitude_deg is nan; expected degrees from -180 to"),
        ({"longitude_deg": True}, "longitude_deg is True; expected degrees from -180 to 360"),
        ({"elevation_m": float("inf")}, "elevation_m is inf; expected metres from -500 to 9000"),
        ({"minimum_altitude_deg": 91}, "minimum_altitude_deg is 91; expected degrees from -90"),
        ({"place": ["London"]}, "place is ['London']; expected where it is, in words for a reader"),
        ({"lat": 51}, "unknown key 'lat'; the keys are name, place, latitude_deg, longitude_deg"),
    ],
)
def test_wrong_site_is_named_with_the_key_the_value_and_the_expectation(
    changes: dict[str, Any], problem: str
) -> None:
    message = refusal_of_sites([{**SITE, "name": "Kew"}, {**SITE, **changes}])
    assert message.startswith(f"configuration: visibility, sites, entry 2 (Greenwich): {problem}")


def test_what_a_site_lacks_is_told_once() -> None:
    message = refusal_of_sites([{"name": "Kew", "place": "", "latitude_deg": 51}])
    assert (
        message
        == "configuration: visibility, sites, entry 1 (Kew): lacks longitude_deg, elevation_m"
    )
    assert refusal_of_sites([{}]).startswith(
        "configuration: visibility, sites, entry 1 (unnamed): lacks na"
    )


@pytest.mark.parametrize("name", ["", "  ", "x" * 61, 3, None])
def test_site_needs_a_name(name: Any) -> None:
    assert "name is" in refusal_of_sites([{**SITE, "name": name}])


@pytest.mark.parametrize("value", [None, "Greenwich", SITE, ["Greenwich"], [SITE, SITE], [[]]])
def test_sites_are_a_list_of_different_ones(value: Any) -> None:
    assert refusal_of_sites(value).startswith(
        f"configuration: visibility: sites is {value!r}; expected a list of sites, each with name, "
    )


@pytest.mark.parametrize("key", ["minimum_altitude_deg", "maximum_sun_altitude_deg"])
@pytest.mark.parametrize("value", ["low", None, [30], 91, -90.5, float("nan"), True])
def test_wrong_altitude_is_refused(key: str, value: Any) -> None:
    assert refusal({"visibility": {key: value}}).startswith(
        f"configuration: visibility: {key} is {value!r}; expected the altitude"
    )


@pytest.mark.parametrize("value", [-90, 0, 12.5, 90])
def test_altitudes_reach_from_nadir_to_zenith(value: float) -> None:
    config = validate({"visibility": {"minimum_altitude_deg": value}})
    assert config["visibility"]["minimum_altitude_deg"] == value


def test_tables_of_the_user_are_taken_as_they_are() -> None:
    config = {
        "galaxies": {**GALAXIES, "max_listed": 5},
        "candidates": {**CANDIDATES, "days_after": 2.5},
    }
    config["candidates"]["days_before"] = 1
    assert validate(config) == {**DEFAULTS, **config}


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        ("glade.fits", "galaxies is 'glade.fits'; expected null, or the table of galaxies, with"),
        ({}, "galaxies: lacks table, name, columns, completeness"),
        (
            {**GALAXIES, "max_listed": 0},
            "galaxies: max_listed is 0; expected a whole number from 1 to 10000",
        ),
        ({**GALAXIES, "mass": "M"}, "galaxies: unknown key 'mass'; the keys are table, name, colu"),
        ({**GALAXIES, "columns": "RA"}, "galaxies: columns is 'RA'; expected the table's column"),
        ({**GALAXIES, "columns": {}}, "galaxies, columns: lacks name, ra, dec, distance"),
        (
            {**GALAXIES, "columns": {**GALAXIES["columns"], "ra": 3}},  # type: ignore[dict-item]
            "galaxies, columns: ra is 3; expected the name of a column",
        ),
        (
            {**GALAXIES, "columns": {**GALAXIES["columns"], "z": "z"}},  # type: ignore[dict-item]
            "galaxies, columns: unknown key 'z'; the keys are name, ra, dec, distance, weight",
        ),
    ],
)
def test_wrong_table_of_galaxies_is_told_with_the_key(value: Any, problem: str) -> None:
    assert refusal({"galaxies": value}).startswith(f"configuration: {problem}")


def test_wrong_window_of_candidates_is_told_with_the_key() -> None:
    message = refusal({"candidates": {**CANDIDATES, "days_before": -1}})
    assert message.startswith("configuration: candidates: days_before is -1; expected days from 0")
