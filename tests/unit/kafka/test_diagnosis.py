"""What a server refuses is told in a line that says what to do."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from confluent_kafka import KafkaError, KafkaException
from hop.auth import Auth

from sirenflow.errors import StreamError
from sirenflow.kafka import diagnosis
from sirenflow.kafka.address import Address
from sirenflow.kafka.broker import embedded_broker
from sirenflow.kafka.credentials import with_settings
from sirenflow.kafka.diagnosis import diagnose, explain, explain_code

ADDRESS = Address("kafka.example.org", "igwn.gwalert")
BROKER = "kafka.example.org:9092"
SECRET = "hunter2"  # noqa: S105
CANNOT = f"cannot connect to {BROKER}: why"
TOLD = [
    (
        KafkaError._AUTHENTICATION,
        f"{BROKER} refuses the login: why; check user name and password, and that the account is "
        "active (a new one can take an hour)",
    ),
    (KafkaError._SSL, f"no secure connection to {BROKER}: why"),
    (KafkaError._RESOLVE, "no server is called kafka.example.org: why"),
    (
        KafkaError.TOPIC_AUTHORIZATION_FAILED,
        f"this login may not read 'igwn.gwalert' on {BROKER}; ask for permission where you made "
        "the login",
    ),
    (
        KafkaError.GROUP_AUTHORIZATION_FAILED,
        "this login may not use the group id; on SCiMMA it must begin with the user name and '-'",
    ),
    (KafkaError._ALL_BROKERS_DOWN, f"cannot connect to {BROKER}: it does not answer"),
    (KafkaError._TRANSPORT, CANNOT),
    (KafkaError._TIMED_OUT, CANNOT),
    (KafkaError.NOT_LEADER_FOR_PARTITION, "NOT_LEADER_FOR_PARTITION: why"),
    (KafkaError._MAX_POLL_EXCEEDED, "_MAX_POLL_EXCEEDED: why"),
]


@pytest.mark.parametrize(("code", "told"), TOLD)
def test_each_code_is_told_in_words(code: int, told: str) -> None:
    error = KafkaError(code, "why")
    assert explain_code(error, ADDRESS) == told
    assert explain(KafkaException(error), ADDRESS) == told


def test_same_trouble_is_told_in_the_same_words_at_each_attempt() -> None:
    errors = [
        KafkaError(KafkaError._TRANSPORT, f"Connect to ipv4#127.0.0.1:1 failed: refused{times}")
        for times in ("", " (after 0ms in state CONNECT)", " (after 7ms in state CONNECT, 5 times)")
    ]
    assert len({explain_code(error, ADDRESS) for error in errors}) == 1


def test_topic_that_is_not_there_may_also_be_forbidden() -> None:
    """A server does not tell which; the words are those of hop-client."""
    error = ValueError("Topic(s) igwn.gwalert does not exist on broker")
    assert explain(error, ADDRESS) == (
        f"no topic 'igwn.gwalert' on {BROKER} that this login may read; check its name, and that "
        "the login has permission to read it"
    )


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (StreamError("no login: run hop auth add"), "no login: run hop auth add"),
        (ValueError("other"), "ValueError: other"),
        (KafkaException("no KafkaError"), "KafkaException: no KafkaError"),
        (KafkaException(), "KafkaException: "),
        (RuntimeError(), "RuntimeError: "),
    ],
)
def test_any_other_error_tells_its_kind(error: Exception, told: str) -> None:
    assert explain(error, ADDRESS) == told


def found(address: Address, auth: Auth | None = None) -> KafkaError:
    error = diagnose(with_settings(auth, {"log_level": 0}), address)
    assert error is not None
    return error


@contextmanager
def silent_server() -> Iterator[Address]:
    """Run a server that takes connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield Address("127.0.0.1", "topic", server.getsockname()[1])


def test_port_where_nobody_listens_refuses() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        closed = Address("127.0.0.1", "topic", server.getsockname()[1])
    error = found(closed)
    assert error.code() == KafkaError._TRANSPORT
    told = explain_code(error, closed)
    assert told.startswith(f"cannot connect to {closed.broker}: ")
    assert "Connection refused" in told


def test_host_that_has_no_address_is_named() -> None:
    nowhere = Address("nowhere.invalid", "topic")
    error = found(nowhere)
    assert error.code() == KafkaError._RESOLVE
    assert explain_code(error, nowhere).startswith("no server is called nowhere.invalid: ")


@pytest.mark.slow
def test_server_that_says_nothing_is_told_after_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(diagnosis, "_DIAGNOSIS_SECONDS", 1.0)
    with silent_server() as address:
        told = explain_code(found(address), address)
    assert told == f"cannot connect to {address.broker}: no answer"


def test_nobody_waits_for_an_answer_that_is_not_wanted_any_more() -> None:
    calls = []

    def is_over() -> bool:
        calls.append(1)
        return len(calls) > 1

    with silent_server() as address:
        assert diagnose(with_settings(None, {"log_level": 0}), address, is_over) is not None
    assert len(calls) == 2


def test_login_at_a_server_without_tls_is_told_without_the_password() -> None:
    with embedded_broker() as address:
        error = found(address, Auth("me", SECRET))
    told = explain_code(error, address)
    assert error.code() in (KafkaError._SSL, KafkaError._TRANSPORT)
    assert address.broker in told
    assert SECRET not in told + repr(error)
    assert "\n" not in told


def test_connection_that_is_made_after_all_is_no_trouble(
    capfd: pytest.CaptureFixture[str],
) -> None:
    """With all that a listener sets, of which this must take nothing amiss, nor say anything."""

    def unused(*_: object) -> None:
        pytest.fail("the diagnosis is not the listener")

    settings = {
        "client.id": "sirenflow",
        "queued.max.messages.kbytes": 8192,
        "statistics.interval.ms": 10,
        "stats_cb": unused,
        "on_commit": unused,
    }
    with embedded_broker() as address:
        assert diagnose(with_settings(None, settings), address) is None
    assert capfd.readouterr() == ("", "")
