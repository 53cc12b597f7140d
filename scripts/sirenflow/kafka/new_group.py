"""First message that a new consumer group reads."""

from datetime import datetime

from confluent_kafka import Consumer, KafkaException, TopicPartition
from hop.auth import Auth

from sirenflow.kafka.address import Address

_PATIENCE_S = 10.0


def start_group_at(time: datetime, group_id: str, address: Address, auth: Auth) -> None:
    """Let a group begin at a time, where it has no position yet, by committing one.

    hop-client can seek too. But where no message is younger it seeks to the end, which the library
    looks up later, and what is sent meanwhile is skipped. Here the end is looked up first. Raise
    KafkaException if the server does not answer, or refuses. Raise ValueError if there is no such
    topic.

    Parameters
    ----------
    time
        Messages sent before are left out.
    """
    settings = {
        **{name: value for name, value in auth().items() if not callable(value)},
        "bootstrap.servers": address.broker,
        "group.id": group_id,
        "enable.auto.commit": False,
    }
    consumer = Consumer(settings)
    try:
        # A login by token has none before the first poll, and the next call would wait for ever.
        consumer.poll(0)
        topic = consumer.list_topics(address.topic, timeout=_PATIENCE_S).topics[address.topic]
        if topic.error is not None:
            raise KafkaException(topic.error)
        places = [TopicPartition(address.topic, partition) for partition in topic.partitions]
        kept = consumer.committed(places, timeout=_PATIENCE_S)
        for place in kept:
            if place.error is not None:
                raise KafkaException(place.error)
        new = [place.partition for place in kept if place.offset < 0]
        ends = {number: _end_offset(consumer, address.topic, number) for number in new}
        # Times below 0 have other meanings for Kafka.
        milliseconds = max(0, int(time.timestamp() * 1000))
        asked = [TopicPartition(address.topic, number, milliseconds) for number in new]
        for found in consumer.offsets_for_times(asked, timeout=_PATIENCE_S) if asked else ():
            offset = found.offset if found.offset >= 0 else ends[found.partition]
            place = TopicPartition(address.topic, found.partition, offset)
            consumer.commit(offsets=[place], asynchronous=False)
    except KafkaException:
        told = consumer.poll(0)  # a group that is refused only times out, and has its reason here
        reason = told.error() if told is not None else None
        if reason is not None:
            raise KafkaException(reason) from None
        raise
    finally:
        consumer.close()


def _end_offset(consumer: Consumer, topic: str, partition: int) -> int:
    place = TopicPartition(topic, partition)
    end: int = consumer.get_watermark_offsets(place, timeout=_PATIENCE_S)[1]
    return end
