"""The Apache Kafka of the integration tests does itself what they rely on."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import apache_kafka
import certifi
import pytest
from apache_kafka import FORBIDDEN, TOPIC, ApacheKafka, User
from confluent_kafka import Consumer, KafkaError, TopicPartition

if TYPE_CHECKING:
    from collections.abc import Iterator

    from confluent_kafka import Message

PATIENCE_S = 30
WRONG = "wrong"


@pytest.fixture(scope="module")
def kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApacheKafka]:
    reason = apache_kafka.missing()
    if reason is not None:
        pytest.skip(reason)
    with ApacheKafka(tmp_path_factory.mktemp("kafka")) as server:
        yield server


@pytest.fixture
def topic(kafka: ApacheKafka, request: pytest.FixtureRequest) -> Iterator[str]:
    """Give a topic of the test's own that the user may read."""
    name = request.node.name.replace("[", "-").replace("]", "")
    kafka.create_topic(name)
    kafka.allow(kafka.user, name)
    yield name
    kafka.deny(kafka.user, name)
    kafka.delete_topic(name)


def read(config: dict[str, Any], topic: str, group: str, number: int) -> list[Message]:
    """Read from the group's offset on; an error ends it, as the last message."""
    refusals: list[KafkaError] = []
    more = {"group.id": group, "auto.offset.reset": "earliest", "error_cb": refusals.append}
    messages: list[Message] = []
    with closing(Consumer({**config, **more, "enable.auto.commit": False})) as consumer:
        consumer.subscribe([topic])
        end = time.monotonic() + PATIENCE_S
        while len(messages) < number and time.monotonic() < end:
            message = consumer.poll(0.1)
            if message is not None:
                messages.append(message)
                if message.error() is not None:
                    return messages
        if messages and messages[-1].error() is None:
            consumer.commit(message=messages[-1], asynchronous=False)
    return messages


def values(messages: list[Message]) -> list[bytes | None]:
    assert [message.error() for message in messages] == [None] * len(messages)
    return [message.value() for message in messages]


def test_user_reads_what_was_published(kafka: ApacheKafka, topic: str) -> None:
    assert kafka.publish(topic, [b"one", None, b"three"], headers=[("kind", b"test")]) == [0, 1, 2]
    messages = read(kafka.scram_config(kafka.user), topic, "listener-a", 3)
    assert values(messages) == [b"one", None, b"three"]
    assert messages[0].headers() == [("kind", b"test")]


def test_message_of_31_mebibytes_passes(kafka: ApacheKafka, topic: str) -> None:
    data = bytes(31 * 2**20)
    kafka.publish(topic, [data])
    assert values(read(kafka.scram_config(kafka.user), topic, "listener-large", 1)) == [data]


def test_only_right_password_is_accepted(kafka: ApacheKafka) -> None:
    assert kafka.accepts(kafka.user)
    assert not kafka.accepts(replace(kafka.user, password=WRONG))
    assert not kafka.accepts(User("nobody", kafka.user.password))


def test_changed_revoked_and_restored_password(kafka: ApacheKafka) -> None:
    old = kafka.set_password(User("other", "old"), "old")
    new = kafka.set_password(old, "new")
    assert not kafka.accepts(old)
    kafka.revoke(new)
    assert not kafka.accepts(new)
    kafka.restore(new)
    assert kafka.accepts(new)


def test_server_is_refused_by_who_does_not_know_its_authority(kafka: ApacheKafka) -> None:
    refusals: list[KafkaError] = []
    config = {
        **kafka.scram_config(kafka.user),
        "ssl.ca.location": certifi.where(),
        "group.id": "listener-a",
        "error_cb": refusals.append,
    }
    with closing(Consumer(config)) as consumer:
        end = time.monotonic() + PATIENCE_S
        while not refusals and time.monotonic() < end:
            consumer.poll(0.1)
    assert "certificate verify failed" in refusals[0].str()


def test_topic_or_group_of_others_is_refused(kafka: ApacheKafka, topic: str) -> None:
    kafka.publish(FORBIDDEN, [b"secret"])
    kafka.publish(topic, [b"open"])
    config = kafka.scram_config(kafka.user)
    (message,) = read(config, FORBIDDEN, "listener-a", 1)
    assert message.error().code() == KafkaError.TOPIC_AUTHORIZATION_FAILED
    (message,) = read(config, topic, "someone-else", 1)
    assert message.error().code() == KafkaError.GROUP_AUTHORIZATION_FAILED


def test_reader_is_refused_once_denied(kafka: ApacheKafka, topic: str) -> None:
    kafka.publish(topic, [b"one"])
    config = kafka.scram_config(kafka.user)
    assert values(read(config, topic, "listener-a", 1)) == [b"one"]
    kafka.deny(kafka.user, topic)
    kafka.publish(topic, [b"two"])
    (message,) = read(config, topic, "listener-a", 1)
    assert message.error().code() == KafkaError.TOPIC_AUTHORIZATION_FAILED
    kafka.allow(kafka.user, topic)
    assert values(read(config, topic, "listener-a", 1)) == [b"two"]


@pytest.mark.parametrize("kill", [False, True])
def test_restart_keeps_messages_offsets_and_rights(
    kafka: ApacheKafka, topic: str, kill: bool
) -> None:
    kafka.publish(topic, [b"one", b"two"])
    config = kafka.scram_config(kafka.user)
    assert values(read(config, topic, "listener-a", 1)) == [b"one"]
    kafka.restart(kill)
    assert kafka.committed("listener-a", topic) == {0: 1}
    assert values(read(config, topic, "listener-a", 1)) == [b"two"]


def test_deleted_records_and_forgotten_offsets(kafka: ApacheKafka, topic: str) -> None:
    kafka.publish(topic, [b"one", b"two", b"three"])
    config = kafka.scram_config(kafka.user)
    assert values(read(config, topic, "listener-a", 1)) == [b"one"]
    kafka.delete_records(topic, 2)
    with closing(Consumer({**config, "group.id": "listener-b"})) as consumer:
        assert consumer.get_watermark_offsets(TopicPartition(topic, 0), PATIENCE_S) == (2, 3)
    kafka.forget_offsets("listener-a")
    assert kafka.committed("listener-a", topic) == {}
    assert values(read(config, topic, "listener-a", 1)) == [b"three"]


def test_topic_of_several_partitions(kafka: ApacheKafka) -> None:
    kafka.create_topic("parted", partitions=3)
    assert kafka.publish("parted", [b"x"], partition=2) == [0]
    kafka.delete_topic("parted")


def test_hop_reads_after_either_login(
    kafka: ApacheKafka, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from hop import Stream
    from hop.auth import load_auth
    from hop.io import StartPosition

    kafka.auth_toml(tmp_path)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    kafka.publish(TOPIC, [b'{"superevent_id": "MS260926m"}'], headers=[("_format", b"json")])
    for server in (kafka.scram, kafka.oauth):
        stream = Stream(load_auth(), start_at=StartPosition.EARLIEST, until_eos=True)
        with stream.open(f"kafka://{server}/{TOPIC}") as opened:
            assert [message.content for message in opened] == [{"superevent_id": "MS260926m"}]


def test_wrong_client_secret_gets_no_token(
    kafka: ApacheKafka, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    from hop.auth import load_auth

    path = kafka.auth_toml(tmp_path, client=replace(kafka.client, password=WRONG))
    (credential,) = [auth for auth in load_auth(path) if auth.token_endpoint]
    refusals: list[KafkaError] = []
    more = {"bootstrap.servers": kafka.oauth, "group.id": "x", "error_cb": refusals.append}
    with closing(Consumer({**credential(), **more})) as consumer:
        end = time.monotonic() + PATIENCE_S
        while not refusals and time.monotonic() < end:
            consumer.poll(0.1)
    assert refusals[0].code() == KafkaError._AUTHENTICATION
    assert "invalid_client" in refusals[0].str()
    capfd.readouterr()  # librdkafka's own line on standard error


def test_server_goes_with_the_process_that_started_it(kafka: ApacheKafka, tmp_path: Path) -> None:
    assert kafka.pid is not None
    program = (
        "import sys, time, pathlib; sys.path.insert(0, sys.argv[1]);"
        "from apache_kafka import ApacheKafka;"
        "server = ApacheKafka(pathlib.Path(sys.argv[2])); server.start();"
        "print(server.pid, flush=True); time.sleep(1000)"
    )
    command = [
        sys.executable,
        "-c",
        program,
        str(Path(apache_kafka.__file__).parent),
        str(tmp_path / "kafka"),
    ]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as starter:
        assert starter.stdout is not None
        pid = int(starter.stdout.readline())
        assert is_running(pid)
        starter.send_signal(signal.SIGKILL)
    end = time.monotonic() + PATIENCE_S
    while is_running(pid) and time.monotonic() < end:
        time.sleep(0.05)
    assert not is_running(pid)


def is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    # A dead one whose new parent did not ask for its exit status is not running either.
    stat = Path(f"/proc/{pid}/stat")
    return not stat.exists() or stat.read_text().rpartition(")")[2].split()[0] != "Z"


def test_missing_java_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert "no java on PATH" in (apache_kafka.missing() or "")
