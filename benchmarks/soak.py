"""Thousands of alerts through one listener while its server is stopped, killed and shut to it.

PYTHONPATH=tests/support python benchmarks/soak.py

Starts an Apache Kafka of its own. Needs Java and Maven. Exits with 1 if an alert is lost, stored
twice or changed.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import platform
import signal
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from itertools import cycle
from pathlib import Path
from statistics import median

from apache_kafka import TOPIC, ApacheKafka
from confluent_kafka import KafkaError, Producer
from confluent_kafka import Message as KafkaMessage

from listen import listening, usage
from load import make_alerts
from sirenflow.inbox.store import is_alert_name

ROOT = Path(__file__).resolve().parent.parent
_POISON = (b"garbage", b"", b"Obj\x01 and no container", b'{"alert_type": "UPDATE"}')
_EVERY = 50  # alerts between two faults


def faults(kafka: ApacheKafka) -> Iterator[tuple[str, Callable[[], None]]]:
    """Give what is done to the server, in turn, for ever."""

    def stop() -> None:
        assert kafka.pid is not None  # noqa: S101 - it runs
        os.kill(kafka.pid, signal.SIGSTOP)
        time.sleep(5)
        os.kill(kafka.pid, signal.SIGCONT)

    def shut() -> None:
        kafka.deny(kafka.user)
        time.sleep(5)
        kafka.allow(kafka.user)

    def revoke() -> None:
        kafka.revoke(kafka.user)
        kafka.restart()
        time.sleep(5)
        kafka.restore(kafka.user)

    yield from cycle(
        [
            ("server stopped for 5 s", stop),
            ("server restarted", kafka.restart),
            ("permission taken for 5 s", shut),
            ("server killed and started", lambda: kafka.restart(kill=True)),
            ("login taken for 5 s", revoke),
        ]
    )


def publish(kafka: ApacheKafka, alerts: Iterator[bytes], rate: float) -> Counter[str]:
    """Send alerts with poison between them and faults beside; return the hashes of what was sent.

    The sender waits out each fault: what is measured is the listener.
    """
    sent: Counter[str] = Counter()

    def acknowledged(error: KafkaError | None, message: KafkaMessage) -> None:
        if error is not None:
            sys.exit(f"the server did not take an alert: {error}")
        sent[hashlib.sha256(message.value() or b"").hexdigest()] += 1

    poison, trouble = cycle(_POISON), faults(kafka)
    producer = Producer(
        {"bootstrap.servers": kafka.plain, "message.max.bytes": 30_000_000, "log_level": 0}
    )
    running: threading.Thread | None = None
    for number, data in enumerate(alerts, start=1):
        producer.produce(TOPIC, data, on_delivery=acknowledged)
        if number % _EVERY == 0:
            if running is not None:
                running.join()
            producer.produce(TOPIC, next(poison))
            producer.flush()
            name, act = next(trouble)
            print(f"{number:5d} sent, {name}", file=sys.stderr, flush=True)
            running = threading.Thread(target=act)
            running.start()
        producer.poll(1 / rate)
        while len(producer) > _EVERY:
            producer.poll(0.1)
    if running is not None:
        running.join()
    producer.flush()
    return sent


def stored(inbox: Path) -> Counter[str]:
    """Count alert files by the hash of their bytes."""
    files = (path for path in inbox.glob("*S*/*/*") if is_alert_name(path.name))
    return Counter(hashlib.sha256(path.read_bytes()).hexdigest() for path in files)


def main() -> None:
    """Run, check, and print what came of it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--alerts", type=int, default=2000)
    parser.add_argument("--rate", type=float, default=20, help="alerts a second")
    arguments = parser.parse_args()
    work = ROOT / "benchmarks" / "work"
    work.mkdir(parents=True, exist_ok=True)
    samples: list[tuple[int, float]] = []
    with ExitStack() as stack:
        scratch = Path(stack.enter_context(tempfile.TemporaryDirectory(dir=work)))
        kafka = stack.enter_context(ApacheKafka(scratch / "kafka", quick_start=False))
        kafka.auth_toml(scratch)
        inbox = scratch / "inbox"
        log = scratch / "log"
        environ = {**os.environ, "XDG_CONFIG_HOME": str(scratch)}
        url = f"kafka://{kafka.scram}/{TOPIC}"
        pid = stack.enter_context(listening(url, inbox, environ, log=log))
        done = threading.Event()

        def watch() -> None:
            while not done.wait(0.5):
                count = sum(1 for _ in inbox.glob("*S*/*/*.avro"))
                samples.append((count, usage(pid)[1]))

        watcher = threading.Thread(target=watch)
        watcher.start()
        begin = time.monotonic()
        alerts = make_alerts(ROOT / "samples", -(-arguments.alerts // 4))
        sent = publish(kafka, alerts, arguments.rate)
        end = time.monotonic() + 180
        while sum(1 for _ in inbox.glob("*S*/*/*.avro")) < len(sent) and time.monotonic() < end:
            time.sleep(0.5)
        seconds = time.monotonic() - begin
        done.set()
        watcher.join()
        found = stored(inbox)
        kept = len(list((inbox / "quarantine").glob("*.bin")))
        lines = log.read_text(encoding="utf-8").splitlines()
    states = [line for line in lines if " stored " not in line and " quarantined" not in line]
    lost, changed = sent - found, found - sent
    twice = sum(count - 1 for count in found.values() if count > 1)
    print(f"{platform.platform()}, {os.cpu_count()} cores, Python {platform.python_version()}\n")
    print(f"{len(sent)} alerts sent in {seconds:.0f} s, {len(sent) // _EVERY} faults")
    print(f"lost {lost.total()}, changed {changed.total()}, stored twice {twice}")
    print(f"in quarantine {kept} of {len(_POISON)} kinds sent; {len(states)} lines on the states")
    print("\n| alerts stored | resident MiB, median | greatest |\n|---|---|---|")
    quarter = len(sent) / 4
    for part in range(4):
        sizes = [mib for count, mib in samples if quarter * part < count <= quarter * (part + 1)]
        first, last = round(quarter * part), round(quarter * (part + 1))
        print(f"| {first}-{last} | {median(sizes or [0]):.0f} | {max(sizes, default=0):.0f} |")
    if lost or changed or twice:
        order = list(sent)
        sys.exit(f"lost, counted as they were acknowledged: {[order.index(name) for name in lost]}")


if __name__ == "__main__":
    main()
