"""The embedded server has the topic from the start, and leaves nothing behind."""

from __future__ import annotations

import socket

import pytest
from confluent_kafka import Consumer, Producer, TopicPartition

from sirenflow.kafka.broker import embedded_broker


def test_topic_is_there_at_once_on_loopback() -> None:
    with embedded_broker("drill") as address:
        client = Producer({"bootstrap.servers": address.broker, "log_level": 0})
        topics = client.list_topics(timeout=10).topics
        client.close()
    assert address.host == "127.0.0.1"
    assert address.topic == "drill"
    assert list(topics["drill"].partitions) == [0, 1, 2, 3]


def test_two_servers_do_not_know_each_other() -> None:
    with embedded_broker("one") as one, embedded_broker("two") as two:
        assert one.broker != two.broker
        client = Producer({"bootstrap.servers": one.broker, "log_level": 0})
        topics = set(client.list_topics(timeout=10).topics)
        client.close()
    assert topics == {"one"}


def test_server_ends_with_its_block() -> None:
    with embedded_broker() as address:
        socket.create_connection((address.host, address.port)).close()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((address.host, address.port))


def test_nothing_is_printed(capfd: pytest.CaptureFixture[str]) -> None:
    with embedded_broker():
        pass
    assert capfd.readouterr() == ("", "")


def test_partition_keeps_its_latest_5_mib() -> None:
    """The limit that the documentation tells: it is librdkafka's, and may change."""
    with embedded_broker("drill") as address:
        producer = Producer({"bootstrap.servers": address.broker, "log_level": 0})
        for _ in range(7):
            producer.produce("drill", bytes(900_000), partition=0)
        assert producer.flush(10) == 0
        producer.close()
        reader = Consumer({"bootstrap.servers": address.broker, "group.id": "test", "log_level": 0})
        kept = reader.get_watermark_offsets(TopicPartition("drill", 0), timeout=10)
        reader.close()
    assert kept == (2, 7)
