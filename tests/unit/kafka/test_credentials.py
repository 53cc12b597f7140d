"""Logins are found where hop-client keeps them; what is missing or wrong is said in one line."""

from __future__ import annotations

import json
import logging
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from sirenflow.errors import StreamError
from sirenflow.kafka.address import Address, parse_address
from sirenflow.kafka.broker import embedded_broker
from sirenflow.kafka.credentials import Stream, find_credential, with_settings

HOPSKOTCH = Address("kafka.scimma.org", "igwn.gwalert")
GCN = Address("kafka.gcn.nasa.gov", "igwn.gwalert")
SECRET = "hunter2"  # noqa: S105
GCN_LOGIN = {"GCN_CLIENT_ID": "me", "GCN_CLIENT_SECRET": SECRET}


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where hop-client looks for logins; not there yet."""
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    path = tmp_path / ".config" / "hop" / "auth.toml"
    path.parent.mkdir(parents=True)
    return path


def entry(user: str, host: str = "", more: str = "") -> str:
    hostname = f'hostname = "{host}"\n' if host else ""
    return f'[[auth]]\nusername = "{user}"\npassword = "{SECRET}"\n{hostname}{more}\n'


def write(file: Path, *entries: str, mode: int = 0o600) -> None:
    file.write_text("".join(entries), encoding="utf-8")
    file.chmod(mode)


def complaint(address: Address = HOPSKOTCH, **environ: str) -> str:
    with pytest.raises(StreamError) as raised:
        find_credential(address, environ)
    message = str(raised.value)
    assert "\n" not in message
    assert SECRET not in message
    return message


@pytest.mark.parametrize("host", ["", "kafka.scimma.org", "kafka.scimma.org:9092"])
def test_login_is_found(file: Path, host: str) -> None:
    write(file, entry("alice", host), entry("bob", "elsewhere.org"))
    settings = find_credential(HOPSKOTCH, {})()
    assert settings["sasl.username"] == "alice"
    assert settings["sasl.password"] == SECRET
    assert settings["security.protocol"] == "SASL_SSL"
    assert settings["sasl.mechanism"] == "SCRAM-SHA-512"


def test_login_with_host_name_goes_before_one_without(file: Path) -> None:
    write(file, entry("alice"), entry("bob", "kafka.scimma.org"))
    assert find_credential(HOPSKOTCH, {}).username == "bob"


def test_user_in_address_chooses(file: Path) -> None:
    write(file, entry("alice", "kafka.scimma.org"), entry("bob", "kafka.scimma.org"))
    address = parse_address("kafka://alice@kafka.scimma.org/igwn.gwalert")
    assert find_credential(address, {}).username == "alice"


def test_login_in_the_older_file_is_found(file: Path) -> None:
    """hop-client once kept logins in config.toml, and still reads them there."""
    write(file.with_name("config.toml"), entry("alice", "kafka.scimma.org"))
    assert find_credential(HOPSKOTCH, {}).username == "alice"


def test_several_logins_are_listed(file: Path) -> None:
    write(file, entry("alice"), entry("bob b"), entry("eve", "elsewhere.org"))
    assert complaint() == (
        f"several logins in {file} fit kafka.scimma.org:9092 ('alice', 'bob b'); "
        "name one in the address: kafka://alice@kafka.scimma.org/igwn.gwalert"
    )


def test_one_login_twice_cannot_be_chosen_by_name(file: Path) -> None:
    write(file, entry("alice"), entry("alice"))
    assert 'remove one with "hop auth remove"' in complaint()


def test_no_login_for_the_server(file: Path) -> None:
    write(file, entry("alice", "elsewhere.org"))
    assert complaint() == (
        f"no login for kafka.scimma.org:9092 in {file} (found 'alice for elsewhere.org'); "
        'run "hop auth add", or use --no-auth for a server without login'
    )


def test_no_login_of_the_user(file: Path) -> None:
    write(file, entry("alice"))
    address = parse_address("kafka://bob@kafka.scimma.org/igwn.gwalert")
    assert "no login of 'bob' for kafka.scimma.org:9092" in complaint(address)


def test_no_file(file: Path) -> None:
    assert complaint() == (
        f'no login: {file} does not exist; run "hop auth add", '
        "or use --no-auth for a server without login"
    )


def test_older_file_without_logins_is_not_blamed(file: Path) -> None:
    write(file.with_name("config.toml"), "[config]\nfetch_external = true\n")
    assert f"{file} does not exist" in complaint()


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o660, 0o4600])
def test_file_open_to_others(file: Path, mode: int) -> None:
    write(file, entry("alice"), mode=mode)
    assert complaint() == f"{file} is open to others (mode {mode:04o}); run: chmod 600 {file}"


def test_directory_for_a_file(file: Path) -> None:
    file.mkdir(mode=0o700)
    assert complaint() == f"{file} cannot be read: Is a directory"


def test_no_home(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    monkeypatch.delenv("HOME", raising=False)
    assert complaint() == (
        "no login can be found: neither HOME nor XDG_CONFIG_HOME is set, and the user has no entry "
        "in the table of users; set HOME to the directory whose .config/hop/auth.toml has the "
        "login, or use --no-auth for a server without login"
    )


@pytest.mark.parametrize(
    "content",
    [
        "",
        "[config]\n",
        f'[[auth]]\nusername = "alice"\npassword = "{SECRET}\n',
        f"[[auth]]\nusername = alice\npassword = {SECRET}\n",
        f'[[auth]]\npassword = "{SECRET}"\n',
        '[[auth]]\nusername = "alice"\n',
        entry("alice", more='mechanism = "KERBEROS"'),
        entry("alice", more="mechanism = 512"),
        entry("alice", more="hostname = 9092"),
        'auth = "alice"\n',
        "auth = 1\n",
        "auth = [1]\n",
        f'auth = ["{SECRET}"]\n',
        "auth = " + "[" * 5000,
        "\0",
    ],
)
def test_malformed_file(file: Path, content: str) -> None:
    write(file, content)
    assert complaint().startswith(f"{file} is malformed")


def test_file_that_is_not_utf8(file: Path) -> None:
    file.write_bytes(b"\xff\xfe[auth]")
    file.chmod(0o600)
    assert complaint().startswith(f"{file} is malformed")


def test_place_of_a_syntax_error_is_told(file: Path) -> None:
    write(file, f"[[auth]]\nusername = alice\npassword = {SECRET}\n")
    assert complaint().startswith(f"{file} is malformed (line 2)")


@pytest.mark.parametrize("domain", ["gcn.nasa.gov", "test.gcn.nasa.gov", "dev.gcn.nasa.gov"])
def test_gcn_login_comes_from_the_environment(domain: str) -> None:
    settings = find_credential(Address(f"kafka.{domain}", "igwn.gwalert"), GCN_LOGIN)()
    assert settings["sasl.mechanism"] == "OAUTHBEARER"
    assert settings["security.protocol"] == "SASL_SSL"
    assert settings["sasl.oauthbearer.client.id"] == "me"
    assert settings["sasl.oauthbearer.client.secret"] == SECRET
    endpoint = f"https://auth.{domain}/oauth2/token"
    assert settings["sasl.oauthbearer.token.endpoint.url"] == endpoint


def test_half_of_a_gcn_login_is_an_error() -> None:
    wrong = "GCN_CLIENT_ID is set and GCN_CLIENT_SECRET is not; set both"
    assert complaint(GCN, GCN_CLIENT_ID="me") == wrong
    assert complaint(GCN, GCN_CLIENT_ID="me", GCN_CLIENT_SECRET="") == wrong
    wrong = "GCN_CLIENT_SECRET is set and GCN_CLIENT_ID is not; set both"
    assert complaint(GCN, GCN_CLIENT_SECRET=SECRET) == wrong


def test_gcn_login_is_given_to_no_one_else(file: Path) -> None:
    write(file, entry("alice"))
    for host in ("kafka.scimma.org", "kafka.gcn.nasa.gov.example.org", "gcn.nasa.gov"):
        assert find_credential(Address(host, "t"), GCN_LOGIN).username == "alice"


def test_gcn_login_may_be_in_the_file(file: Path) -> None:
    write(file, entry("alice", GCN.host))
    assert find_credential(GCN, {}).username == "alice"
    named = Address(GCN.host, GCN.topic, user="alice")
    assert find_credential(named, GCN_LOGIN).username == "alice"


@pytest.mark.slow
def test_settings_reach_producer_and_consumer() -> None:
    """What librdkafka tells of itself shows that it took them."""
    told: list[dict[str, Any]] = []
    settings = {
        "client.id": "sirenflow-test",
        "statistics.interval.ms": 10,
        "stats_cb": lambda text: told.append(json.loads(text)),
        "log_level": 0,
    }
    stream = Stream(auth=with_settings(None, settings), until_eos=True)
    with embedded_broker("drill") as address:
        producer = stream.open(address.url, "w")
        while not told:
            producer.write_raw(b"", [])
            producer.flush(timedelta(seconds=1))
            time.sleep(0.02)
        producer.close()
        consumer = stream.open(address.url, "r", group_id="test")
        while told[-1]["type"] != "consumer":
            list(consumer.read_raw(autocommit=False))
        consumer.close()
    assert {one["client_id"] for one in told} == {"sirenflow-test"}


def test_settings_go_over_those_of_the_login(file: Path) -> None:
    write(file, entry("alice", "kafka.scimma.org"))
    login = find_credential(HOPSKOTCH, {})
    both = with_settings(login, {"log_level": 0, "ssl.ca.location": "/ca.pem"})
    assert both() == {**login(), "log_level": 0, "ssl.ca.location": "/ca.pem"}
    assert both.username == "alice"
    assert "log_level" not in login()


@pytest.mark.parametrize("address", [HOPSKOTCH, GCN])
def test_secret_is_not_shown(
    file: Path, address: Address, caplog: pytest.LogCaptureFixture
) -> None:
    """adc-streaming logs each producer's settings, with the password."""
    write(file, entry("alice"))
    login = with_settings(find_credential(address, GCN_LOGIN), {"log_level": 0})
    assert SECRET not in repr(login)
    assert SECRET not in repr(login())
    with caplog.at_level(logging.DEBUG), embedded_broker("drill") as server:
        Stream(auth=login).open(server.url, "w", automatic_offload=False).close()
    assert "connecting to producer" in caplog.text
    assert SECRET not in caplog.text


def test_stream_needs_no_home(monkeypatch: pytest.MonkeyPatch) -> None:
    """hop-client looks there for a configuration of its own, even without a login."""
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    monkeypatch.delenv("HOME", raising=False)
    monkeypatch.setenv("HOP_FETCH_EXTERNAL", "perhaps")
    with embedded_broker("drill") as address:
        consumer = Stream(auth=False).open(address.url, "r", group_id="test")
        consumer.close()
    assert consumer.fetch_external is False
