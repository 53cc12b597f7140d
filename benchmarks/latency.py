"""From a new alert to its page on disk, with many alerts there already.

python benchmarks/latency.py --superevents 100
python benchmarks/latency.py --inbox inbox --results results

The second way takes an inbox with its results; both stay as they are.
"""

from __future__ import annotations

import argparse
import hashlib
import io
import os
import platform
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from itertools import count
from pathlib import Path
from statistics import median, quantiles
from typing import Any, cast

import fastavro
from confluent_kafka import Producer

from load import make_inbox
from sirenflow.alerts.alert import parse_alert
from sirenflow.inbox.arrival import Arrival
from sirenflow.inbox.receiver import Receiver
from sirenflow.kafka.broker import embedded_broker

ROOT = Path(__file__).resolve().parent.parent
SIRENFLOW = [sys.executable, "-c", "from sirenflow.cli import main; main()"]
_PAUSE_S = (0.3, 1.3)
_LOOK_S = 0.002
_LINKED_BYTES = 100_000


@dataclass(frozen=True)
class Latency:
    """Seconds from when a new alert was handed in."""

    page: float
    done: float


class Alerts:
    """Gives new alerts for an inbox, each for another superevent.

    Parameters
    ----------
    directory
        The inbox, with superevents that have an UPDATE.
    """

    def __init__(self, directory: Path) -> None:
        self._files = sorted(directory.glob("MS*/UPDATE/*.avro"))
        self._present = iter(random.sample(self._files, len(self._files)))
        self._days = count(1)

    def update(self) -> bytes:
        """Make another UPDATE of a superevent that is there, with a map that is new to it."""
        return self._made(next(self._present).parts[-3], "UPDATE", next(self._days))

    def first(self) -> bytes:
        """Make the first alert of a superevent that is not there."""
        day = next(self._days)
        return self._made(f"MS30{1 + day // 28:02}{1 + day % 28:02}a", "PRELIMINARY", day)

    def _made(self, superevent: str, alert_type: str, day: int) -> bytes:
        others = [file for file in self._files if file.parts[-3] != superevent]
        with others[day % len(others)].open("rb") as file:
            reader = fastavro.reader(file)
            schema: Any = reader.writer_schema
            (record,) = cast("Iterator[dict[str, Any]]", reader)
        created = f"2030-{1 + day // 28:02}-{1 + day % 28:02}T00:00:00Z"
        changed = {"superevent_id": superevent, "alert_type": alert_type, "time_created": created}
        stream = io.BytesIO()
        fastavro.writer(stream, schema, [{**record, **changed}])
        return stream.getvalue()


class Place:
    """A working directory with an inbox and its results."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.alerts = Alerts(directory / "inbox")

    def store(self, data: bytes) -> None:
        """Have an alert in the inbox, as the listener and `sirenflow ingest` do."""
        Receiver(self.directory / "inbox").accept(Arrival.now(data, "ingest"))

    def wait_for_page(self, data: bytes, process: subprocess.Popen[bytes]) -> None:
        """Wait until the page of an alert's superevent tells of it."""
        page = self.directory / "results" / parse_alert(data).superevent_id / "index.html"
        told = hashlib.sha256(data).hexdigest().encode()
        seen = None
        while True:
            try:
                stat = page.stat()
                is_other = (stat.st_ino, stat.st_mtime_ns) != seen
                seen = (stat.st_ino, stat.st_mtime_ns)
                if is_other and told in page.read_bytes():
                    return
            except FileNotFoundError:
                pass
            if process.poll() is not None and seen is not None and not is_other:
                sys.exit(f"the command ended without {page}; see its output")
            time.sleep(_LOOK_S)

    def start(self, *arguments: str) -> subprocess.Popen[bytes]:
        """Start a command; its output is the file `out`."""
        with (self.directory / "out").open("wb") as out:
            return subprocess.Popen(
                [*SIRENFLOW, *arguments], cwd=self.directory, stdout=out, stderr=subprocess.STDOUT
            )

    def wait_for_words(self, words: bytes, times: int = 1) -> None:
        """Wait until the last command that was started has said something."""
        while (self.directory / "out").read_bytes().count(words) < times:
            time.sleep(_LOOK_S)

    @contextmanager
    def running(self, *arguments: str) -> Iterator[subprocess.Popen[bytes]]:
        """Have a command run that waits for alerts, and is ready."""
        process = self.start(*arguments)
        try:
            self.wait_for_words(b"INFO watching ")
            yield process
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait()


def measure_waiting(
    place: Place,
    process: subprocess.Popen[bytes],
    make: Callable[[], bytes],
    send: Callable[[bytes], None],
    times: int,
) -> list[Latency]:
    """Hand in alerts one by one to a command that waits; the first one is not counted."""
    latencies = []
    before = (place.directory / "out").read_bytes().count(b" considered, ")
    for number in range(times + 1):
        data = make()
        time.sleep(random.uniform(*_PAUSE_S))  # noqa: S311 - not in step with any timer
        start = time.perf_counter()
        send(data)
        place.wait_for_page(data, process)
        page = time.perf_counter() - start
        place.wait_for_words(b" considered, ", before + number + 1)
        latencies.append(Latency(page, time.perf_counter() - start))
    return latencies[1:]


def measure_cold(place: Place, make: Callable[[], bytes], times: int) -> list[Latency]:
    """Run `sirenflow run` for one new alert at a time; the first one is not counted."""
    latencies = []
    for _ in range(times + 1):
        data = make()
        place.store(data)
        start = time.perf_counter()
        process = place.start("run")
        place.wait_for_page(data, process)
        page = time.perf_counter() - start
        process.wait()
        latencies.append(Latency(page, time.perf_counter() - start))
    return latencies[1:]


def measure(place: Place, times: int) -> dict[str, list[Latency]]:
    """Measure each way of handing in an alert."""
    kinds = {"UPDATE": place.alerts.update, "first alert": place.alerts.first}
    measured: dict[str, list[Latency]] = {}
    for kind, make in kinds.items():
        measured[f"`sirenflow run`, {kind}"] = measure_cold(place, make, times)
    with place.running("watch") as process:
        for kind, make in kinds.items():
            of_watch = measure_waiting(place, process, make, place.store, times)
            measured[f"`sirenflow watch`, {kind}"] = of_watch
    with embedded_broker() as address:
        producer = Producer({"bootstrap.servers": f"{address.host}:{address.port}", "log_level": 0})

        def send(data: bytes) -> None:
            producer.produce(address.topic, data)
            producer.poll(0)

        options = ("--no-auth", "--url", address.url, "--start", "latest", "--watch")
        with place.running("listen", *options) as process:
            place.wait_for_words(b": connected")
            for kind, make in kinds.items():
                of_both = measure_waiting(place, process, make, send, times)
                measured[f"`sirenflow listen --watch`, {kind}"] = of_both
    return measured


def copy_place(inbox_: Path, results: Path, to: Path) -> None:
    """Copy an inbox and its results; large files, which are never written in place, as links."""

    def copy(source: str, target: str) -> None:
        if Path(source).stat().st_size > _LINKED_BYTES and "/." not in source:
            os.link(source, target)
        else:
            shutil.copy2(source, target)

    for source, name in ((inbox_, "inbox"), (results, "results")):
        shutil.copytree(source.resolve(), to / name, copy_function=copy)


def main() -> None:
    """Measure and print a Markdown table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--superevents", type=int, default=100, help="of an inbox that is made")
    parser.add_argument("--inbox", type=Path)
    parser.add_argument("--results", type=Path)
    parser.add_argument("--times", type=int, default=11)
    parser.add_argument("--work", type=Path, default=ROOT / "benchmarks" / "work")
    arguments = parser.parse_args()
    arguments.work.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=arguments.work) as scratch:
        directory = Path(scratch)
        if arguments.inbox is None:
            make_inbox(directory / "inbox", ROOT / "samples", arguments.superevents)
        else:
            copy_place(arguments.inbox, arguments.results, directory)
        subprocess.run([*SIRENFLOW, "run"], cwd=directory, check=True)
        place = Place(directory)
        alerts = len(list(directory.glob("inbox/*/*/*.avro")))
        measured = measure(place, arguments.times)
    names = ("astropy", "numpy", "snakemake", "watchfiles")
    print(
        f"{alerts} alerts present; {os.cpu_count()} cores, {platform.platform()}, "
        f"Python {platform.python_version()}, "
        + ", ".join(f"{name} {version(name)}" for name in names)
    )
    print(
        f"\n| {arguments.times} alerts each | page: median s | 90 % | all done: median s | 90 % |"
    )
    print("|---|---|---|---|---|")
    for name, latencies in measured.items():
        columns = [[each.page for each in latencies], [each.done for each in latencies]]
        cells = [f"{value:.2f}" for c in columns for value in (median(c), quantiles(c, n=10)[-1])]
        print(f"| {name} | {' | '.join(cells)} |")


if __name__ == "__main__":
    main()
