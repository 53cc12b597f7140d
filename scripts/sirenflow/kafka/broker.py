"""A Kafka server inside this process, to try the listener without an account or a network."""

from collections.abc import Iterator
from contextlib import contextmanager

from confluent_kafka import KafkaException, Producer

from sirenflow.errors import StreamError
from sirenflow.kafka.address import PUBLIC_TOPIC, Address

_START_SECONDS = 10


@contextmanager
def embedded_broker(topic: str = PUBLIC_TOPIC) -> Iterator[Address]:
    """Run librdkafka's mock server on this machine's loopback interface.

    It has no login and nothing on disk. The topic has 4 partitions, each of which keeps the latest
    5 MiB: about 6 alerts with a sky map each, and no alert that is larger. Yield where the topic
    is. The port differs each time: it cannot be chosen. Raise StreamError if the server does not
    start.

    Parameters
    ----------
    topic
        Made at the start; the server makes any other when it is asked for.
    """
    # The server lives in the client that asks for it. It would say so, and more, on stderr.
    producer = Producer({"test.mock.num.brokers": 1, "log_level": 0})
    try:
        yield _find_address(producer, topic)
    finally:
        producer.close()


def _find_address(producer: Producer, topic: str) -> Address:
    try:
        (server,) = producer.list_topics(topic, timeout=_START_SECONDS).brokers.values()
    except KafkaException as error:
        raise StreamError(f"the server does not start: {error.args[0].str()}") from error
    return Address(server.host, topic, server.port)
