"""Alerts to send, servers to break, listeners to kill, and the audit of what is left.

Nothing here decides what is an alert, or where it belongs: that is known of each message when it is
made, and the inbox is compared with it, byte for byte.
"""

from __future__ import annotations

import base64
import copy
import hashlib
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from io import BytesIO
from pathlib import Path
from typing import Any

import fastavro
import table
from apache_kafka import ApacheKafka, User
from confluent_kafka import Consumer, KafkaException, Producer, TopicPartition
from paths import ROOT, SAMPLES

# The library may wait for a server that is gone for 60 s, as when it closes with a commit in hand.
PATIENCE_S = 150.0
EMBEDDED, APACHE = "embedded", "Apache Kafka"
PARTITIONS = 4
_MAX_MESSAGE_BYTES = 32 * 2**20


def until(is_so: Callable[[], bool], what: str, patience_s: float = PATIENCE_S) -> None:
    """Wait for something; its time-out is a failure, its time is not measured."""
    end = time.monotonic() + patience_s
    while not is_so():
        assert time.monotonic() < end, f"waited {patience_s:.0f} s in vain: {what}"
        time.sleep(0.02)


# ---------------------------------------------------------------------------------- messages


@dataclass(frozen=True)
class Sent:
    """A message, and where its bytes must end: below the inbox, or in quarantine if None."""

    data: bytes | None
    place: str | None = None
    headers: tuple[tuple[str, bytes], ...] = ()

    @property
    def content(self) -> bytes:
        """What is to be kept."""
        return self.data or b""


def alerts(number: int, kind: str = "small", first: int = 0) -> list[Sent]:
    """Make distinct alerts: small ones, or some with a sky map; Avro and JSON by turns.

    Parameters
    ----------
    number
        How many.
    kind
        ``small`` (0.2 to 2 kB), ``large`` (0.78 MB, or 1 MB as JSON), or ``mixed``: every fifth
        large.
    first
        The first one's number: the same number gives the same alert.
    """
    numbers = range(first, first + number)
    return [alert(n, kind == "large" or (kind == "mixed" and n % 5 == 4)) for n in numbers]


def alert(number: int, large: bool = False, encoding: str | None = None) -> Sent:
    """Make an alert, whose number decides its id and time."""
    name = "MS260418b-04-initial.avro" if large else "MS260522k-02-retraction.avro"
    schema, content = _sample(name)
    second = f"{number // 3600 % 24:02}:{number // 60 % 60:02}:{number % 60:02}"
    changed = {
        **content,
        "superevent_id": f"MS261101{'abcdefgh'[number % 8]}",
        "time_created": f"2026-11-01T{second}Z",
    }
    encoding = encoding or ("avro" if number % 2 else "json")
    data = _avro(schema, changed) if encoding == "avro" else _json(changed)
    digits = hashlib.sha256(data).hexdigest()[:12]
    stamp = f"20261101T{second.replace(':', '')}Z"
    directory = f"{changed['superevent_id']}/{changed['alert_type']}"
    return Sent(data, f"{directory}/{stamp}-{digits}.{encoding}")


def poison(largest_bytes: int) -> list[Sent]:
    """Make what is no alert, up to a size."""
    whole = alert(9000, encoding="avro").content
    _, content = _sample("MS260522k-02-retraction.avro")
    no_id = {key: value for key, value in content.items() if key != "superevent_id"}
    return [
        Sent(b"\x00\xff\xfegarbage\n\x1b[2J" * 7),
        Sent(b""),
        Sent(None),
        Sent(_avro(_other_schema(), {"name": "no alert", "number": 1})),
        Sent(_json(no_id)),
        Sent(b'{"superevent_id": "../../../etc/cron.d/x", "alert_type": "INITIAL"}'),
        Sent(whole[:-20]),
        Sent(b"[" * 100_000),
        Sent(b"\x81", headers=(("_format", b"external"),)),
        Sent(bytes(largest_bytes)),
    ]


@cache
def _sample(name: str) -> tuple[Any, Mapping[str, Any]]:
    with (SAMPLES / name).open("rb") as file:
        reader = fastavro.reader(file)
        (content,) = reader
        return copy.deepcopy(reader.writer_schema), content


def _other_schema() -> Mapping[str, Any]:
    fields = [{"name": "name", "type": "string"}, {"name": "number", "type": "int"}]
    return {"type": "record", "name": "Other", "fields": fields}


def _avro(schema: Any, content: Mapping[str, Any]) -> bytes:
    stream = BytesIO()
    fastavro.writer(stream, schema, [content], sync_marker=b"0123456789abcdef")
    return stream.getvalue()


def _json(content: Mapping[str, Any]) -> bytes:
    return json.dumps(content, default=lambda data: base64.b64encode(data).decode()).encode()


# ----------------------------------------------------------------------------------- servers


class EmbeddedServer:
    """`sirenflow broker` in a process of its own, which can be stopped and killed."""

    label = EMBEDDED
    largest_message_bytes = 4 * 2**20
    arguments: Sequence[str] = ("--no-auth",)
    user: User | None = None

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [*_SIRENFLOW, "broker"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        )
        assert self._process.stdout is not None
        url = self._process.stdout.readline()
        self.bootstrap = url.split("/")[2]
        self.pid = self._process.pid

    def create_topic(self, name: str) -> None:
        """Make a topic: this server does so when it is asked for one."""
        client = Producer({"bootstrap.servers": self.bootstrap, "log_level": 0})
        client.list_topics(name, timeout=10)
        client.close()

    def url(self, topic: str) -> str:
        """Give the address at which the listener reads a topic."""
        return f"kafka://{self.bootstrap}/{topic}"

    def environ(self, directory: Path) -> dict[str, str]:  # noqa: ARG002
        """Give the listener's variables: none, for there is no login."""
        return {}

    def kill(self) -> None:
        """End it, as a power cut would; it cannot come back at the same port."""
        self._process.kill()
        self._process.wait()
        if self._process.stdout is not None:
            self._process.stdout.close()


class ApacheServer:
    """A real Apache Kafka, to which the listener logs in: SASL_SSL, SCRAM-SHA-512."""

    label = APACHE
    largest_message_bytes = 20 * 2**20
    arguments: Sequence[str] = ()

    def __init__(self, kafka: ApacheKafka) -> None:
        self.kafka = kafka
        self.user: User | None = kafka.user
        self.bootstrap = kafka.plain

    @property
    def pid(self) -> int:
        """Process id of the running server."""
        assert self.kafka.pid is not None
        return self.kafka.pid

    def create_topic(self, name: str) -> None:
        """Make a topic that the listener may read."""
        self.kafka.create_topic(name, PARTITIONS)
        self.kafka.allow(self.kafka.user, name)

    def url(self, topic: str) -> str:
        """Give the address at which the listener reads a topic."""
        return f"kafka://{self.kafka.scram}/{topic}"

    def environ(self, directory: Path) -> dict[str, str]:
        """Write the login to a file; give the variable by which the listener finds it."""
        self.kafka.auth_toml(directory)
        return {"XDG_CONFIG_HOME": str(directory)}


Server = EmbeddedServer | ApacheServer


def is_stopped(pid: int) -> bool:
    """Tell whether a process is stopped by a signal."""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "T"


# ------------------------------------------------------------------------------------ faults
# What is run in the listener's process before its command is. Each changes one function.

_SIRENFLOW = (sys.executable, "-c", "from sirenflow.cli import main; main()")


IMPATIENT = """
import datetime
from adc.consumer import Consumer
from sirenflow.monitoring import health
from sirenflow.kafka import diagnosis, listener, topic_reader
Consumer.subscribe.__defaults__ = (datetime.timedelta(seconds=3),)
health.BEAT_SECONDS = 0.5
listener._PATIENCE_AT_THE_END = {True: 5.0, False: 5.0}
topic_reader._REOPEN_SECONDS = (0.5, 2.0)
topic_reader._CLOSE_SECONDS = 3.0
diagnosis._DIAGNOSIS_SECONDS = 3.0
"""
"""Shorter waits than in earnest, where they take up to a minute; nothing else is changed."""


def parse_raises(data: bytes) -> str:
    """Make an error of ours of one alert."""
    return f"""
import hashlib
from sirenflow.inbox import receiver
identify = receiver.identify_isolated
def identify_or_raise(data, pool):
    if hashlib.sha256(data).hexdigest() == {hashlib.sha256(data).hexdigest()!r}:
        raise ZeroDivisionError("a mistake")
    return identify(data, pool)
receiver.identify_isolated = identify_or_raise
"""


def judging_hangs(data: bytes, directory: Path) -> str:
    """Make whoever decodes one message hang, for the 2 s (not 60) that it may take.

    Workers are interpreters of their own, which run the file that is written to the directory. They
    make another one there, `hanging`, when they do.
    """
    (directory / "sitecustomize.py").write_text(
        f"""
import hashlib, os, time
from sirenflow.alerts import identify
decode = identify.parse_alert
def decode_or_hang(data):
    if hashlib.sha256(data).hexdigest() == {hashlib.sha256(data).hexdigest()!r}:
        os.mkdir({str(directory / "hanging")!r})  # no file may it write
        time.sleep(600)
    return decode(data)
identify.parse_alert = decode_or_hang
"""
    )
    return f"""
import os
from dataclasses import replace
from sirenflow.inbox.identify_isolated import IDENTIFY_CONFIG
from sirenflow.inbox.receiver import Receiver
from sirenflow.processes.pool import SharedPool
os.environ["PYTHONPATH"] = {str(directory)!r}
limits = replace(IDENTIFY_CONFIG.limits, wall_seconds=2)
Receiver.__init__.__defaults__ = (SharedPool(replace(IDENTIFY_CONFIG, limits=limits)),)
"""


def fsync_fails(times: int) -> str:
    """Make the first syncs of alerts fail, as a broken disk does."""
    return f"""
import errno, os
left, fsync = {times}, os.fsync
def fail(descriptor):
    global left
    if left and os.readlink(f"/proc/self/fd/{{descriptor}}").endswith(".part"):
        left -= 1
        raise OSError(errno.EIO, os.strerror(errno.EIO))
    fsync(descriptor)
os.fsync = fail
"""


def dies_at_step(step: int) -> str:
    """Kill the process as if by `kill -9` at a step of its work on the inbox's files."""
    return f"""
import os, signal, sys
left = {step}
def count(event, arguments):
    global left
    if event in ("open", "os.link", "os.rename", "os.remove", "os.mkdir"):
        if isinstance(arguments[0], (str, os.PathLike)) and INBOX in str(arguments[0]):
            left -= 1
            if left == 0:
                os.kill(os.getpid(), signal.SIGKILL)
sys.addaudithook(count)
"""


def signals_at(step: str, call: int, pid: int, number: signal.Signals = signal.SIGSTOP) -> str:
    """Send a signal to a process, such as the server's, when the listener begins a step.

    Parameters
    ----------
    step
        ``open``, ``read`` (a message is in hand), ``commit`` or ``close``.
    call
        At which of its calls, from 1.
    pid, number
        The process, and the signal.
    """
    module, name = {
        "open": ("hop.io", "Stream.open"),
        "read": ("sirenflow.inbox.receiver", "Receiver.receive"),
        "commit": ("sirenflow.kafka.messages", "store_offset"),
        "close": ("hop.io", "Consumer.close"),
    }[step]
    return f"""
import os, {module}
calls, original = 0, {module}.{name}
def signalled(*args, **kwargs):
    global calls
    calls += 1
    if calls == {call}:
        os.kill({pid}, {int(number)})
    return original(*args, **kwargs)
{module}.{name} = signalled
"""


# --------------------------------------------------------------------------------- listeners


class Listener:
    """`sirenflow listen` in a process of its own; its log is a file."""

    def __init__(
        self,
        inbox: Path,
        arguments: Iterable[str],
        environ: Mapping[str, str],
        fault: str = "",
        options: Sequence[str] = (),
    ) -> None:
        self.inbox = inbox
        self.log_file = inbox.with_name(f"{inbox.name}.log")
        program = f"INBOX = {str(inbox)!r}\n{fault}\nfrom sirenflow.cli import main; main()"
        listen = (*options, "listen", "--inbox", str(inbox), *arguments)
        command = [sys.executable, "-c", program, *listen]
        kept = {key: os.environ[key] for key in ("PATH", "HOME") if key in os.environ}
        with self.log_file.open("ab") as log:
            self._begin = log.tell()
            self.process = subprocess.Popen(
                command, stdout=log, stderr=log, env={**kept, **environ}, cwd=inbox.parent
            )

    def __enter__(self) -> Listener:
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.wait()

    @property
    def log(self) -> str:
        """What this one has said."""
        return self.log_file.read_bytes()[self._begin :].decode()

    @property
    def lines(self) -> list[str]:
        """Lines of the log, without time."""
        return [line.partition(" ")[2] for line in self.log.splitlines()]

    def await_log(self, pattern: str, times: int = 1) -> None:
        """Wait until the log has something so many times."""

        def is_there() -> bool:
            return len(re.findall(pattern, self.log)) >= times

        try:
            until(lambda: is_there() or self.process.poll() is not None, pattern)
        except AssertionError as error:
            raise AssertionError(f"{error}\n{self.log}") from None
        assert is_there(), f"it ended before it said {pattern!r}:\n{self.log}"

    def end(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Ask it to end; return its exit code."""
        self.process.send_signal(number)
        return self.wait()

    def wait(self) -> int:
        """Wait for its end."""
        try:
            return self.process.wait(PATIENCE_S)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"it does not end:\n{self.log}") from None

    def kill(self) -> None:
        """End it as a power cut would."""
        self.process.kill()
        self.process.wait()


# --------------------------------------------------------------------------------- the audit


@dataclass(frozen=True)
class Audit:
    """What was sent, and what became of it.

    Attributes
    ----------
    alerts, others
        Distinct messages sent that are alerts, and that are none.
    stored
        Alerts whose bytes are in a file in the right place.
    deleted
        Alerts that the server deleted before they could be read, as the listener has reported.
    lost
        All other alerts.
    duplicated
        Files whose bytes another file has too.
    quarantined
        Messages that are no alert whose bytes are in quarantine.
    is_identical
        Whether each file holds exactly the bytes of a message.
    """

    alerts: int
    stored: int
    deleted: int
    lost: int
    duplicated: int
    others: int
    quarantined: int
    is_identical: bool


def audit(inbox: Path, sent: Iterable[Sent], deleted: int = 0) -> Audit:
    """Compare an inbox with what was sent; nothing else may be in it."""
    distinct = list(dict.fromkeys(sent))
    wanted = {message.place: message.content for message in distinct if message.place}
    others = [message.content for message in distinct if not message.place]
    files = {path.relative_to(inbox).as_posix(): path for path in _files(inbox)}
    stored = {name: path.read_bytes() for name, path in files.items() if _is_alert(name)}
    kept = {name: path.read_bytes() for name, path in files.items() if name.endswith(".bin")}
    notes = {f"{name.rpartition('.')[0]}.meta.json" for name in stored}
    notes |= {f"{name.rpartition('.')[0]}.reason.json" for name in kept}
    odd = (set(files) - set(stored) - set(kept)) ^ notes
    assert not odd, f"files that should not be there, or should: {sorted(odd)}"
    for name, data in {**stored, **kept}.items():
        digits = hashlib.sha256(data).hexdigest()
        assert digits[:12] in name
        (note,) = (path for other, path in files.items() if other in _notes_of(name))
        assert json.loads(note.read_bytes())["sha256"] == digits
    found = sum(stored.get(place) == data for place, data in wanted.items())
    counts = Counter([*stored.values(), *kept.values()])
    return Audit(
        alerts=len(wanted),
        stored=found,
        deleted=deleted,
        lost=len(wanted) - found - deleted,
        duplicated=sum(counts.values()) - len(counts),
        others=len(others),
        quarantined=sum(data in kept.values() for data in others),
        is_identical=all(wanted.get(name) == data for name, data in stored.items())
        and all(data in others for data in kept.values()),
    )


def _notes_of(name: str) -> tuple[str, str]:
    stem = name.rpartition(".")[0]
    return f"{stem}.meta.json", f"{stem}.reason.json"


def _is_alert(name: str) -> bool:
    is_note = name.endswith((".meta.json", ".reason.json"))
    return name.endswith((".avro", ".json")) and not is_note


def _files(inbox: Path) -> list[Path]:
    """List all files but the listener's own four; what is left half-written is one of them."""
    own = re.compile(r"lock|health\.json|metrics\.prom|[^/.][^/]*\+[^/]+\.json")
    files = [path for path in inbox.rglob("*") if path.is_file()]
    state = inbox / ".listener"
    return [path for path in files if not (path.parent == state and own.fullmatch(path.name))]


# ----------------------------------------------------------------------------------- a scene


@dataclass
class Scene:
    """A topic of one test's own, an inbox, and what was sent."""

    server: Server
    topic: str
    inbox: Path
    sent: list[Sent] = field(default_factory=list)

    @property
    def url(self) -> str:
        """Address of the topic."""
        return self.server.url(self.topic)

    @property
    def name(self) -> str:
        """What the listener calls the topic."""
        return self.url.removeprefix("kafka://")

    def publish(self, messages: Sequence[Sent], partition: int | None = None) -> None:
        """Send messages, to all partitions by turns or to one; they are then on the server."""
        producer = Producer(
            {
                "bootstrap.servers": self.server.bootstrap,
                "message.max.bytes": _MAX_MESSAGE_BYTES,
                "linger.ms": 0,
                "log_level": 0,
            }
        )
        problems: list[object] = []
        for message in messages:
            producer.produce(
                self.topic,
                message.data,
                partition=len(self.sent) % PARTITIONS if partition is None else partition,
                headers=list(message.headers),
                on_delivery=lambda error, _: problems.append(error) if error else None,
            )
            self.sent.append(message)
        assert producer.flush(PATIENCE_S) == 0
        producer.close()
        assert not problems

    def listen(self, *arguments: str, fault: str = "") -> Listener:
        """Start a listener."""
        environ = self.server.environ(self.inbox.parent)
        own = (*self.server.arguments, "--url", self.url)
        return Listener(self.inbox, [*own, *arguments], environ, fault)

    def number_stored(self) -> int:
        """Count the messages that are in the inbox or its quarantine, with their notes."""
        places = [message.place for message in dict.fromkeys(self.sent) if message.place]
        stems = [self.inbox / place.rpartition(".")[0] for place in places]
        stored = sum(stem.with_name(f"{stem.name}.meta.json").exists() for stem in stems)
        return stored + len(list(self.inbox.glob("quarantine/*.reason.json")))

    def await_stored(self, number: int | None = None) -> None:
        """Wait for so many messages, all by default, to be in the inbox."""
        whole = len({(message.place, message.content) for message in self.sent})
        number = whole if number is None else number
        log = self.inbox.with_name(f"{self.inbox.name}.log")
        try:
            until(lambda: self.number_stored() >= number, f"{number} messages in the inbox")
        except AssertionError as error:
            raise AssertionError(
                f"{error}; {self.number_stored()} are\n{log.read_text()}"
            ) from None

    def is_all_stored(self) -> bool:
        """Tell whether all messages are in the inbox."""
        return self.number_stored() >= len({(m.place, m.content) for m in self.sent})

    def group(self) -> str:
        """Tell the consumer group that the listener has made."""
        (file,) = (path for path in self.inbox.glob(".listener/*+*.json"))
        return str(json.loads(file.read_bytes())["group_id"])

    def committed(self) -> dict[int, int]:
        """Tell what the server knows of the listener's position in each partition."""
        settings = {"bootstrap.servers": self.server.bootstrap, "group.id": self.group()}
        reader = Consumer({**settings, "log_level": 0})
        try:
            asked = [TopicPartition(self.topic, number) for number in range(PARTITIONS)]
            found = reader.committed(asked, timeout=PATIENCE_S)
        finally:
            reader.close()
        return {place.partition: place.offset for place in found if place.offset >= 0}

    def watermarks(self) -> dict[int, tuple[int, int]]:
        """Tell the first and the next offset of each partition that has held a message."""
        settings = {"bootstrap.servers": self.server.bootstrap, "group.id": "unused"}
        reader = Consumer({**settings, "log_level": 0})
        try:
            all_ = {
                number: reader.get_watermark_offsets(TopicPartition(self.topic, number), PATIENCE_S)
                for number in range(PARTITIONS)
            }
        except KafkaException as error:
            raise AssertionError(f"the server does not tell its offsets: {error}") from error
        finally:
            reader.close()
        return {number: ends for number, ends in all_.items() if ends[1] > 0}

    def is_all_committed(self) -> bool:
        """Tell whether the server knows that all was read."""
        return self.committed() == {number: end for number, (_, end) in self.watermarks().items()}

    def health(self) -> tuple[int, str]:
        """Ask `sirenflow health`: exit code and answer."""
        command = [*_SIRENFLOW, "health", "--inbox", str(self.inbox)]
        asked = subprocess.run(command, capture_output=True, text=True, check=False)
        return asked.returncode, asked.stdout + asked.stderr

    def metric(self, name: str) -> float | None:
        """Read a metric of the source from the listener's file."""
        file = self.inbox / ".listener" / "metrics.prom"
        text = file.read_text() if file.exists() else ""
        line = rf'^{name}{{source="{re.escape(self.name)}"}} (\S+)$'
        found = re.search(line, text, re.MULTILINE)
        return float(found[1]) if found else None

    def let_an_hour_pass(self) -> None:
        """Make all files of the inbox older."""
        then = time.time() - 3600
        for path in self.inbox.rglob("*"):
            os.utime(path, (then, then))

    def audit(self, deleted: int = 0) -> Audit:
        """Compare the inbox with what was sent."""
        return audit(self.inbox, self.sent, deleted)

    def audit_as(self, changed: Mapping[Sent, Sent]) -> Audit:
        """Compare the inbox with what was sent, some of which belongs elsewhere."""
        return audit(self.inbox, [changed.get(message, message) for message in self.sent])


def run(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    """Run `sirenflow`."""
    command = [*_SIRENFLOW, *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, cwd=cwd)


# ----------------------------------------------------------------------------------- a table

TABLE = table.Table(
    ROOT / "tests/README.md",
    "faults",
    (
        "Fault",
        "Server",
        "Alerts sent",
        "Stored",
        "Deleted unread, and told",
        "Lost",
        "Twice",
        "Other messages sent",
        "Quarantined",
        "Bytes identical",
    ),
    ("---", "---", *("---:",) * 7, "---"),
)


def row(fault: str, server: str, found: Audit) -> str:
    """Write a row of the table."""
    cells: list[object] = [fault, server, found.alerts, found.stored, found.deleted, found.lost]
    cells += [found.duplicated, found.others, found.quarantined]
    return table.row([*cells, "yes" if found.is_identical else "no"])
