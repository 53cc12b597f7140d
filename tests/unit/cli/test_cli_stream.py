"""The commands on the stream: what they need, what they say, and how they end."""

from __future__ import annotations

import hashlib
import json
import re
import shlex
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from arrivals import put_in_quarantine
from builders import json_alert, record
from click.testing import Result
from commands import PROGRAM, example_of, run, sirenflow
from paths import SAMPLES

from sirenflow.errors import AlertError
from sirenflow.files.lock import exclusive
from sirenflow.inbox import acknowledgements, quarantine, store
from sirenflow.kafka.broker import embedded_broker
from sirenflow.monitoring import health
from sirenflow.monitoring.health import Heartbeat, SourceHealth

HOPSKOTCH = "kafka://kafka.scimma.org/igwn.gwalert"
SECRET = "hunter2"  # noqa: S105


@pytest.fixture(autouse=True)
def _workplace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("samples").symlink_to(SAMPLES)


def one_line(done: subprocess.CompletedProcess[str] | Result) -> str:
    """Give all that a command said: one line, and nothing on stdout."""
    assert done.stdout == ""
    assert done.stderr.count("\n") == 1
    assert done.stderr.startswith("sirenflow: ")
    return done.stderr.removeprefix("sirenflow: ").rstrip("\n")


# ------------------------------------------------------------------------- broker, publish, listen


@contextmanager
def running_broker() -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """Run the help's example in a process; give the address that it prints."""
    command = [*PROGRAM, *shlex.split(example_of("broker"))]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stdout is not None
            yield process.stdout.readline().rstrip("\n"), process
        finally:
            process.kill()


@pytest.mark.slow
def test_examples_work_together() -> None:
    """As they are in the help, except for the server, which is the one on this machine."""
    with running_broker() as (url, _):
        sending = example_of("publish").replace("kafka://127.0.0.1:9092/igwn.gwalert", url)
        assert url in sending
        sent = run(*shlex.split(sending))
        assert (sent.returncode, sent.stderr) == (0, "")
        assert sent.stdout == f"20 sent to {url.removeprefix('kafka://')}\n"
        # `--start latest` of the example would wait for the next alert.
        listening = example_of("listen").replace(HOPSKOTCH, url).removesuffix("--start latest")
        assert url in listening
        heard = run(*shlex.split(listening), "--no-auth", "--until-eos")
        assert (heard.returncode, heard.stdout) == (0, ""), heard.stderr
    assert heard.stderr.count(": stored ") == 20
    assert len(store.list_superevents(Path("inbox"))) == 9


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_broker_tells_what_to_do_and_ends_well(number: signal.Signals) -> None:
    with running_broker() as (url, process):
        assert process.stderr is not None
        told = [process.stderr.readline() for _ in range(5)]
        process.send_signal(number)
        assert process.wait(30) == 0
        assert process.stderr.read() == ""
    assert url.startswith("kafka://127.0.0.1:")
    assert f"  sirenflow listen --no-auth --url {url}\n" in told
    assert f"  sirenflow publish samples --no-auth --to {url}\n" in told


def test_publish_tells_what_it_did_not_send_and_exits_3() -> None:
    Path("bad.zip").write_bytes(b"PK\x03\x04no archive")
    with embedded_broker() as address:
        done = run("publish", "--no-auth", "--to", address.url, "bad.zip", "samples")
    assert done.returncode == 3
    assert done.stdout == f"20 sent to {address.name}\n"
    assert done.stderr.startswith("sirenflow: not sent bad.zip: ")
    assert done.stderr.count("\n") == 1


def test_publish_to_the_real_alerts_is_refused() -> None:
    done = sirenflow("publish", "--no-auth", "--to", HOPSKOTCH, "samples")
    assert done.exit_code == 1
    assert "igwn.gwalert" in one_line(done)


# ----------------------------------------------------------------- what listen refuses at the start


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("https://kafka.scimma.org/igwn.gwalert", "does not begin with kafka://"),
        ("kafka://kafka.scimma.org", "has no topic"),
        ("kafka://kafka.scimma.org:port/topic", "port"),
        ("kafka://a,b/topic", "several servers"),
        (f"kafka://me:{SECRET}@kafka.scimma.org/topic", "has a password in it"),
    ],
)
def test_wrong_address_is_one_line_and_exit_1(url: str, said: str) -> None:
    done = sirenflow("listen", "--no-auth", "--url", url)
    assert done.exit_code == 1
    assert said in one_line(done)
    assert SECRET not in done.stderr
    assert not Path("inbox").exists()


def test_wrong_address_in_the_configuration_is_one_line_and_exit_1() -> None:
    Path("config").mkdir()
    Path("config/config.yaml").write_text("kafka: {topics: [igwn.gwalert]}\n")
    done = sirenflow("listen", "--no-auth")
    assert done.exit_code == 1
    assert "expected a list of Kafka topics, each like kafka://" in one_line(done)


def test_missing_login_is_one_line_that_says_what_to_do(tmp_path: Path) -> None:
    """Also where the address is the default one."""
    done = run("listen", HOME=str(tmp_path))
    assert done.returncode == 1
    said = one_line(done)
    assert said.startswith(f"no login: {tmp_path}/.config/hop/auth.toml does not exist")
    assert "hop auth add" in said


def test_home_that_the_system_does_not_know_is_one_line() -> None:
    program = (
        "import pwd; from sirenflow.cli import main\n"
        "def getpwuid(uid): raise KeyError(uid)\n"
        "pwd.getpwuid = getpwuid; main(prog_name='sirenflow')\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, "listen", "--url", HOPSKOTCH],
        capture_output=True,
        text=True,
        check=False,
        env={"PATH": "/usr/bin:/bin"},
    )
    assert done.returncode == 1
    assert "neither HOME nor XDG_CONFIG_HOME is set" in one_line(done)


def test_half_a_login_of_gcn_is_one_line(tmp_path: Path) -> None:
    url = "kafka://kafka.gcn.nasa.gov/igwn.gwalert"
    done = run("listen", "--url", url, HOME=str(tmp_path), GCN_CLIENT_SECRET=SECRET)
    assert done.returncode == 1
    assert "GCN_CLIENT_ID is not" in one_line(done)
    assert SECRET not in done.stderr


def test_second_listener_is_refused_with_exit_75() -> None:
    with exclusive(Path("inbox/.listener/lock")):
        done = run("listen", "--no-auth", "--url", "kafka://127.0.0.1:1/topic")
    assert done.returncode == 75
    assert "inbox/.listener/lock is locked by" in one_line(done)


def test_inbox_that_cannot_be_written_is_one_line_and_exit_1() -> None:
    done = sirenflow(
        "listen", "--no-auth", "--inbox", "/proc/nowhere", "--url", "kafka://127.0.0.1:1/t"
    )
    assert done.exit_code == 1
    assert "/proc/nowhere" in one_line(done)


@pytest.mark.parametrize("start", ["yesterday", "2026-13-01", "", "EARLIEST"])
def test_start_that_is_none_is_wrong_usage(start: str) -> None:
    result = sirenflow("listen", "--no-auth", "--url", HOPSKOTCH, "--start", start)
    assert result.exit_code == 2
    said = " ".join(result.stderr.split())
    assert f"{start!r}; expected a time in UTC between 1900 and 2100" in said
    assert "or `earliest` or `latest`" in said


@pytest.mark.slow
def test_no_output_has_the_password(tmp_path: Path) -> None:
    """A login that a server cannot take, and --debug: nothing makes the libraries say more."""
    file = tmp_path / ".config/hop/auth.toml"
    file.parent.mkdir(parents=True)
    file.write_text(f'[[auth]]\nusername = "me"\npassword = "{SECRET}"\n')
    file.chmod(0o600)
    with embedded_broker() as address:
        url = address.url.replace("://", "://me@")
        done = run("--debug", "listen", "--until-eos", "--url", url, HOME=str(tmp_path))
    assert done.returncode == 1
    assert f"sirenflow: {address.name}: " in done.stderr
    assert SECRET not in done.stderr + done.stdout
    everything = b"".join(path.read_bytes() for path in Path("inbox").rglob("*") if path.is_file())
    assert SECRET.encode() not in everything
    assert "Traceback" in done.stderr


# ---------------------------------------------------------------------------------------- health


def leave_heartbeat(source: dict[str, Any] | None = None, **changes: Any) -> None:
    now = datetime.now(UTC)
    well = SourceHealth("host/topic", "connected", since=now, last_alert=now, lag=2)
    heartbeat = Heartbeat(1, "here", "0.1.0", now, now, False, (replace(well, **(source or {})),))
    health.write_heartbeat(Path("inbox"), replace(heartbeat, **changes))


def test_without_listener_nothing_is_well() -> None:
    result = sirenflow("health")
    assert result.exit_code == 1
    assert result.output == (
        f"no listener has written its state to {Path('inbox').resolve()}; start one there\n"
    )


def test_example_of_health_tells_of_a_listener_that_is_well() -> None:
    leave_heartbeat()
    result = sirenflow(*shlex.split(example_of("health")))
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout.startswith("host/topic: connected for ")
    assert result.stdout.endswith(", 2 waiting\n")


LONG_AGO = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("source", "changes", "said"),
    [
        ({}, {"stopped": True}, "the listener was stopped "),
        ({}, {"time": LONG_AGO}, "the listener (process 1 on here) has not been heard of for "),
        ({"state": "blocked", "reason": "full"}, {}, "host/topic: blocked for "),
        ({"state": "disconnected", "since": LONG_AGO}, {}, "host/topic: disconnected for "),
        ({"commit_problem": "x"}, {}, "host/topic: what was stored cannot be committed: x"),
    ],
)
def test_what_is_not_well_is_one_line_and_exit_1(
    source: dict[str, Any], changes: dict[str, Any], said: str
) -> None:
    leave_heartbeat(source, **changes)
    result = sirenflow("health")
    assert (result.exit_code, result.stderr) == (1, "")
    assert result.stdout.startswith(said)
    assert result.stdout.count("\n") == 1


def test_silence_may_be_longer_where_alerts_are_rarer() -> None:
    long = datetime.now(UTC) - timedelta(hours=5)
    leave_heartbeat({"last_alert": long}, time_started=long)
    assert sirenflow("health").exit_code == 1
    assert sirenflow("health", "--max-silence", "6").exit_code == 0


def test_reason_of_a_server_cannot_forge_a_line() -> None:
    leave_heartbeat({"state": "blocked", "reason": "\x1b[2J\nall is well"})
    result = sirenflow("health")
    assert r"\x1b[2J\nall is well" in result.stdout
    assert result.stdout.count("\n") == 1


def quarantined(data: bytes = b"no alert", reason: str = "not understood", **how: Any) -> str:
    how = {"way": "listen", "time_received": "2026-11-22T17:00:00.000+00:00", **how}
    put_in_quarantine(Path("inbox"), data, AlertError(reason), how)
    return quarantine.find_entry(Path("inbox"), hashlib.sha256(data).hexdigest()[:12]).name


@pytest.mark.parametrize("way", ["listen", "recovered"])
def test_message_from_a_topic_in_quarantine_is_a_problem_until_acknowledged(way: str) -> None:
    leave_heartbeat()
    name = quarantined(way=way)
    result = sirenflow("health")
    assert (result.exit_code, result.stderr) == (1, "")
    assert result.stdout == (
        f"1 message in quarantine, not acknowledged; the newest, {name}, came 2026-11-22T17:00:00: "
        "not understood; see `sirenflow quarantine list`, then retry, acknowledge or drop\n"
    )
    assert sirenflow("quarantine", "acknowledge", name).exit_code == 0
    assert sirenflow("health").exit_code == 0


def test_file_that_was_ingested_is_no_problem_of_the_listener() -> None:
    leave_heartbeat()
    quarantined(way="ingest")
    assert sirenflow("health").exit_code == 0


def test_lost_reason_is_a_problem() -> None:
    """Whoever wrote it may have been killed, or the disk is not sound: nothing is quiet."""
    leave_heartbeat()
    name = quarantined(way="ingest")
    Path("inbox", "quarantine", f"{name}.reason.json").write_bytes(b'{"reas')
    result = sirenflow("health")
    assert result.exit_code == 1
    assert "came at an unknown time: the file with the reason is missing" in result.stdout
    sirenflow("quarantine", "acknowledge", "--all")
    assert sirenflow("health").exit_code == 0


def test_dropped_or_retried_message_is_no_problem_any_more() -> None:
    leave_heartbeat()
    alert = next(Path("samples").glob("*-[0-9][0-9]-*")).read_bytes()
    retried, dropped = quarantined(alert, "an error in Sirenflow"), quarantined()
    assert sirenflow("health").stdout.startswith("2 messages in quarantine")
    assert sirenflow("quarantine", "retry", retried).exit_code == 0
    assert sirenflow("health").stdout.startswith("1 message in quarantine")
    assert sirenflow("quarantine", "drop", dropped).exit_code == 0
    assert sirenflow("health").exit_code == 0


def test_retry_without_success_does_not_acknowledge() -> None:
    leave_heartbeat()
    quarantined()
    assert sirenflow("quarantine", "retry").exit_code == 3
    assert sirenflow("health").exit_code == 1


def test_dropped_message_that_is_sent_again_is_a_problem_again() -> None:
    leave_heartbeat()
    name = quarantined()
    sirenflow("quarantine", "acknowledge", name)
    sirenflow("quarantine", "drop", name)
    quarantined(time_received="2026-11-23T17:00:00.000+00:00")
    assert sirenflow("health").exit_code == 1


@pytest.mark.parametrize("listener", ["none", "stopped", "lost", "disconnected"])
def test_quarantine_is_reported_whatever_the_listener_does(listener: str) -> None:
    quarantined()
    if listener == "stopped":
        leave_heartbeat(stopped=True)
    elif listener == "lost":
        leave_heartbeat(time=LONG_AGO)
    elif listener == "disconnected":
        leave_heartbeat({"state": "disconnected", "since": LONG_AGO})
    result = sirenflow("health")
    assert result.exit_code == 1
    assert len(result.stdout.splitlines()) == 2
    assert "1 message in quarantine, not acknowledged" in result.stdout


def test_newest_of_many_is_told_with_what_it_claims_to_be() -> None:
    leave_heartbeat()
    Path("inbox/quarantine").mkdir()
    for number in range(1_000):
        Path("inbox/quarantine", f"{number:012x}.bin").write_bytes(b"%d" % number)
        Path("inbox/quarantine", f"{number:012x}.reason.json").write_text('{"way": "listen"}')
    data = json_alert(record(superevent_id="S240422ed", alert_type="RETRACTION", time_created="?"))
    name = quarantined(data, "W\x1b[2J\n" * 999, time_received="2026-11-22T18:00:00")
    (line,) = sirenflow("health").stdout.splitlines()
    assert line.startswith(
        f"1,001 messages in quarantine, not acknowledged; the newest, {name} (says S240422ed "
        "RETRACTION), came 2026-11-22T18:00:00: "
    )
    assert len(line) < 500
    assert line.isprintable()


def test_command_to_run_next_names_the_inbox_that_was_given() -> None:
    quarantined()
    Path("inbox").rename("an inbox")
    said = sirenflow("health", "--inbox", "an inbox").stdout
    (command,) = re.findall(r"`sirenflow (.*?)`", said)
    assert "1 message in quarantine" in said
    assert "not understood" in sirenflow(*shlex.split(command)).stdout


def health_says() -> str:
    return sirenflow("health").stdout


def test_damaged_acknowledgements_acknowledge_nothing_and_more_can_be_added() -> None:
    leave_heartbeat()
    name, other = quarantined(), quarantined(b"other")
    sirenflow("quarantine", "acknowledge", name)
    file = Path("inbox", acknowledgements.ACKNOWLEDGEMENTS_FILE)
    for damaged in (b"", b"\xff\n[]\n3\n{}\n" + b"[" * 100_000, file.read_bytes()[:-9]):
        file.write_bytes(damaged)
        assert "2 messages in quarantine" in health_says()
        sirenflow("quarantine", "acknowledge", other)
        assert f"1 message in quarantine, not acknowledged; the newest, {name}" in health_says()


def test_quarantine_that_cannot_be_read_is_a_problem() -> None:
    leave_heartbeat()
    Path("inbox", "quarantine").touch()
    result = sirenflow("health")
    assert (result.exit_code, result.stdout) == (
        1,
        "inbox/quarantine cannot be read: Not a directory\n",
    )


def test_heartbeat_of_another_inbox_is_not_ours() -> None:
    leave_heartbeat()
    assert sirenflow("health", "--inbox", "other").exit_code == 1
    assert json.loads(Path("inbox", health.HEARTBEAT_FILE).read_bytes())["pid"] == 1


def test_inbox_of_no_name_is_wrong_usage() -> None:
    """As of a variable that is not set: it would be the working directory."""
    for arguments in (["listen", "--no-auth"], ["health"], ["quarantine", "list"]):
        result = sirenflow(*arguments, "--inbox", "")
        assert result.exit_code == 2
        assert "expected a directory, found nothing" in result.stderr


def test_public_topic_is_refused_before_a_login_is_looked_for() -> None:
    url = "kafka://kafka.scimma.org/igwn.gwalert"
    result = sirenflow("publish", "samples", "--to", url)
    assert result.exit_code == 1
    assert result.stderr == (
        "sirenflow: kafka.scimma.org/igwn.gwalert is the public topic; publish to a server of your "
        "own\n"
    )
