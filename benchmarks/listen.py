"""The listener against a bare hop loop, and from a sender's call to a file on disk.

PYTHONPATH=tests/support python benchmarks/listen.py

Starts an Apache Kafka of its own, with encryption and a login as the real servers have. Needs Java
and Maven.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from statistics import median, quantiles

from apache_kafka import TOPIC, ApacheKafka
from confluent_kafka import Producer

from load import make_alerts
from sirenflow.alerts.alert import parse_alert
from sirenflow.inbox.store import alert_path

ROOT = Path(__file__).resolve().parent.parent


_TICKS = os.sysconf("SC_CLK_TCK")
_PAUSE_S = (0.2, 0.6)


@dataclass(frozen=True)
class Reading:
    """How fast a process read all alerts: from the first in hand to the last one done."""

    alerts: int
    seconds: float
    cpu_seconds: float
    peak_mib: float

    @property
    def rate(self) -> float:
        """Alerts a second."""
        return (self.alerts - 1) / self.seconds


def read_bare(url: str) -> list[float]:
    """Read a topic to its end as a home-made loop does, without writing anything."""
    from hop import Stream
    from hop.auth import load_auth
    from hop.io import StartPosition

    times = []
    stream = Stream(auth=True, start_at=StartPosition.EARLIEST, until_eos=True)
    group = f"{load_auth()[0].username}-{random.getrandbits(32):x}"
    with stream.open(url, "r", group_id=group) as consumer:
        for _ in consumer.read_raw():
            times.append(time.perf_counter())  # noqa: PERF401 - what is timed is the loop
    return times


def read_listening(url: str) -> list[float]:
    """Read a topic to its end as `sirenflow listen` does."""
    from sirenflow.inbox.arrival import Arrival
    from sirenflow.inbox.receiver import Receipt, Receiver
    from sirenflow.kafka.address import parse_address
    from sirenflow.kafka.listener import listen
    from sirenflow.kafka.topic_reader import Subscription

    times = []
    receive = Receiver.receive

    def timed(self: Receiver, arrival: Arrival) -> Receipt:
        receipt = receive(self, arrival)
        times.append(time.perf_counter())
        return receipt

    Receiver.receive = timed  # type: ignore[method-assign]
    with tempfile.TemporaryDirectory(dir=Path.cwd()) as inbox:
        problem = listen(Path(inbox), [Subscription(parse_address(url), until_end=True)])
    if problem:
        sys.exit(problem)
    return times


READERS = {"bare": read_bare, "sirenflow": read_listening}


def measure_reading(name: str, url: str, work: Path, environ: dict[str, str]) -> Reading:
    """Let a process of its own read the topic."""
    command = [sys.executable, str(Path(__file__)), "--read", name, url]
    done = subprocess.run(
        command, cwd=work, env=environ, stdout=subprocess.PIPE, text=True, check=True
    )
    return Reading(**json.loads(done.stdout))


def _read(name: str, url: str) -> None:
    times = READERS[name](url)
    status = Path("/proc/self/status").read_text(encoding="ascii")
    peak = int(status.split("VmHWM:")[1].split()[0]) / 1024
    print(
        json.dumps(
            {
                "alerts": len(times),
                "seconds": times[-1] - times[0],
                "cpu_seconds": time.process_time(),
                "peak_mib": peak,
            }
        )
    )


@contextmanager
def listening(url: str, inbox: Path, environ: dict[str, str], log: Path) -> Iterator[int]:
    """Run `sirenflow listen`, which logs to a file; give its process id once it is connected."""
    command = [sys.executable, "-c", "from sirenflow.cli import main; main()", "listen"]
    options = ["--url", url, "--inbox", str(inbox), "--start", "latest"]
    with log.open("wb") as stream:
        process = subprocess.Popen([*command, *options], env=environ, stderr=stream)
    while b": connected" not in log.read_bytes():
        if process.poll() is not None:
            sys.exit(f"the listener ended: {log.read_text(encoding='utf-8')}")
        time.sleep(0.1)
    try:
        yield process.pid
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait()


def measure_latency(producer: Producer, alerts: list[bytes], inbox: Path) -> list[float]:
    """Send alerts one by one; give the seconds until each has its name in the inbox."""
    seconds = []
    for data in alerts:
        path = inbox / alert_path(parse_alert(data).identity)
        time.sleep(random.uniform(*_PAUSE_S))  # noqa: S311 - not in step with any timer
        start = time.perf_counter()
        producer.produce(TOPIC, data)
        producer.poll(0)
        while not path.exists():
            time.sleep(0.001)
            producer.poll(0)
        seconds.append(time.perf_counter() - start)
    return seconds


def usage(pid: int) -> tuple[float, float]:
    """Give CPU seconds and resident MiB of a process."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    resident = int(status.split("VmRSS:")[1].split()[0]) / 1024
    return (int(fields[11]) + int(fields[12])) / _TICKS, resident


def main() -> None:
    """Measure and print Markdown tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--alerts", type=int, default=400)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--idle-seconds", type=float, default=60)
    parser.add_argument("--read", nargs=2, metavar=("READER", "URL"), help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.read:
        _read(*arguments.read)
        return
    alerts = list(islice(make_alerts(ROOT / "samples", arguments.alerts), 2 * arguments.alerts))
    size = sum(map(len, alerts)) / len(alerts) / 1e6
    work = ROOT / "benchmarks" / "work"
    work.mkdir(parents=True, exist_ok=True)
    with (
        tempfile.TemporaryDirectory(dir=work) as scratch,
        ApacheKafka(Path(scratch, "kafka"), quick_start=False) as kafka,
    ):
        kafka.auth_toml(Path(scratch))
        environ = {**os.environ, "XDG_CONFIG_HOME": scratch, "PYTHONPATH": f"{ROOT}/tests/support"}
        url = f"kafka://{kafka.scram}/{TOPIC}"
        kafka.publish(TOPIC, alerts[: arguments.alerts])
        for name in READERS:  # Java compiles what it has run often enough
            measure_reading(name, url, work, environ)
        rounds = [
            {name: measure_reading(name, url, work, environ) for name in READERS}
            for _ in range(arguments.runs)
        ]
        inbox = Path(scratch, "inbox")
        producer = Producer(
            {"bootstrap.servers": kafka.plain, "message.max.bytes": 30_000_000, "log_level": 0}
        )
        with listening(url, inbox, environ, Path(scratch, "log")) as pid:
            begin, _ = usage(pid)
            time.sleep(arguments.idle_seconds)
            end, idle_mib = usage(pid)
            latency = measure_latency(producer, alerts[arguments.alerts :][:100], inbox)
            _, busy_mib = usage(pid)
    print(f"{platform.platform()}, {os.cpu_count()} cores, Python {platform.python_version()}\n")
    print(f"{arguments.alerts} alerts of {size:.2f} MB; medians of {arguments.runs} rounds\n")
    print("| | alerts/s | CPU ms an alert | peak MiB |\n|---|---|---|---|")
    for name in READERS:
        each = [readings[name] for readings in rounds]
        cpu = median(r.cpu_seconds / r.alerts for r in each) * 1e3
        peak = median(r.peak_mib for r in each)
        print(f"| {name} | {median(r.rate for r in each):.0f} | {cpu:.1f} | {peak:.0f} |")
    ratios = [readings["sirenflow"].rate / readings["bare"].rate for readings in rounds]
    print(f"\nsirenflow over bare, round by round: {', '.join(f'{r:.2f}' for r in ratios)}")
    print(
        f"\nsent to file: median {median(latency):.3f} s, 95 % {quantiles(latency, n=20)[-1]:.3f}"
    )
    print(f"idle: {(end - begin) / arguments.idle_seconds:.2%} CPU, {idle_mib:.0f} MiB resident;")
    print(f"after {len(latency)} alerts: {busy_mib:.0f} MiB")


if __name__ == "__main__":
    main()
