"""Whatever breaks, each alert is in the inbox once, byte for byte.

Each test adds a row to the table in tests/README.md; the last one compares the table with the run.
"""

from __future__ import annotations

import os
import random
import re
import shutil
import signal
import subprocess
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import faults
import pytest
from apache_kafka import User
from confluent_kafka.admin import (
    AclBindingFilter,
    AclOperation,
    AclPermissionType,
    AdminClient,
    ResourcePatternType,
    ResourceType,
)
from faults import (
    IMPATIENT,
    ApacheServer,
    Audit,
    EmbeddedServer,
    Scene,
    Sent,
    alerts,
    poison,
    until,
)

from sirenflow.monitoring import health

if TYPE_CHECKING:
    from collections.abc import Iterator

Record = Callable[[str, Scene, Audit], None]


@pytest.fixture(scope="session")
def rows() -> dict[str, str]:
    """Collect the rows of this run, each under the test that gave it."""
    return {}


@pytest.fixture
def record(rows: dict[str, str], request: pytest.FixtureRequest) -> Record:
    """Add a row to the table, of a run that lost nothing."""

    def record(fault: str, scene: Scene, found: Audit) -> None:
        assert found.lost == 0
        assert found.duplicated == 0
        assert found.stored + found.deleted == found.alerts
        assert found.quarantined == found.others
        assert found.is_identical
        rows[request.node.nodeid] = faults.row(fault, scene.server.label, found)

    return record


# ------------------------------------------------------------------------ the listener ends


def test_kill_9_at_random_moments(scene: Scene, record: Record) -> None:
    """15 times in 100 alerts: between two steps of its work, or from outside at any time."""
    draw = random.Random(1)  # noqa: S311
    messages = alerts(100, "mixed")
    kills = 0
    for turn in range(15):
        portion = messages[turn * 6 : turn * 6 + 6]
        before = scene.number_stored()
        if turn % 2:
            scene.publish(portion)
            with scene.listen(fault=faults.dies_at_step(draw.randint(8, 80))) as listener:
                until(
                    lambda listener=listener: (
                        listener.process.poll() is not None or scene.is_all_stored()
                    ),
                    "an end",
                )
                listener.kill()
        else:
            with scene.listen() as listener:
                listener.await_log("connected")
                scene.publish(portion)
                until(lambda before=before: scene.number_stored() > before, "an alert")
                time.sleep(draw.uniform(0, 0.1))
                listener.kill()
        assert listener.process.returncode == -signal.SIGKILL
        kills += 1
    scene.publish(messages[90:])
    scene.let_an_hour_pass()
    with scene.listen() as listener:
        scene.await_stored()
        until(scene.is_all_committed, "all is committed")
        assert listener.end() == 0
    record(f"`kill -9` at {kills} random moments", scene, scene.audit())


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_told_to_stop_at_random_moments(
    scene: Scene, record: Record, number: signal.Signals
) -> None:
    draw = random.Random(2)  # noqa: S311
    messages = alerts(24, "mixed")
    for turn in range(3):
        before = scene.number_stored()
        with scene.listen() as listener:
            listener.await_log("connected")
            scene.publish(messages[turn * 8 : turn * 8 + 8])
            until(lambda before=before: scene.number_stored() > before, "an alert")
            time.sleep(draw.uniform(0, 0.1))
            assert listener.end(number) == 0
            assert "Traceback" not in listener.log
    with scene.listen() as listener:
        listener.await_log("connected")
        scene.await_stored()
        until(scene.is_all_committed, "all is committed")
        assert listener.end() == 0
    record(f"{number.name} at 3 random moments", scene, scene.audit())


def test_two_listeners(scene: Scene, record: Record) -> None:
    with scene.listen() as first:
        first.await_log("connected")
        with scene.listen() as second:
            assert second.wait() == 75
            assert re.search(rf"is locked by process {first.process.pid} on \S+ since ", second.log)
        scene.publish(alerts(20))
        scene.await_stored()
        assert first.end() == 0
    record("a second listener is started", scene, scene.audit())


# -------------------------------------------------------------------- the server is stopped


def stopped_for(scene: Scene, seconds: float) -> None:
    """Wait until the server is stopped, and let it go on after a time."""
    pid = scene.server.pid
    until(lambda: faults.is_stopped(pid), "the server is stopped")
    time.sleep(seconds)
    os.kill(pid, signal.SIGCONT)


@pytest.fixture(autouse=True)
def _going_on(request: pytest.FixtureRequest) -> Iterator[None]:
    """Let no server stay stopped, whatever fails."""
    yield
    for name in ("embedded", "apache"):
        if name in request.fixturenames or f"on_{name}" in request.fixturenames:
            os.kill(request.getfixturevalue(name).pid, signal.SIGCONT)


def test_server_stopped_at_open(scene: Scene, record: Record) -> None:
    scene.publish(alerts(20))
    with scene.listen(fault=IMPATIENT + faults.signals_at("open", 1, scene.server.pid)) as listener:
        listener.await_log("disconnected: cannot connect to")
        stopped_for(scene, 0)
        scene.await_stored()
        assert listener.end() == 0
    record("server stopped at open", scene, scene.audit())


def test_server_stopped_at_read(scene: Scene, record: Record) -> None:
    scene.publish(alerts(20, "large" if isinstance(scene.server, ApacheServer) else "small"))
    with scene.listen(fault=faults.signals_at("read", 3, scene.server.pid)) as listener:
        stopped_for(scene, 3)
        scene.await_stored()
        assert listener.end() == 0
    record("server stopped at read", scene, scene.audit())


def test_server_stopped_at_commit(scene: Scene, record: Record) -> None:
    """The listener dies before the server can take note of anything."""
    scene.publish(alerts(20))
    with scene.listen(fault=faults.signals_at("commit", 1, scene.server.pid)) as listener:
        until(lambda: faults.is_stopped(scene.server.pid), "the server is stopped")
        scene.await_stored(1)
        listener.kill()
    stopped_for(scene, 0)
    scene.let_an_hour_pass()
    with scene.listen() as listener:
        listener.await_log("connected")
        scene.await_stored()
        until(scene.is_all_committed, "all is committed")
        assert listener.end() == 0
    record("server stopped at commit, then `kill -9`", scene, scene.audit())


def test_server_stopped_at_close(scene: Scene, record: Record) -> None:
    scene.publish(alerts(20))
    with scene.listen(
        fault=IMPATIENT + faults.signals_at("close", 1, scene.server.pid)
    ) as listener:
        scene.await_stored()
        assert listener.end() == 0
    stopped_for(scene, 0)
    scene.publish(alerts(4, first=20))
    with scene.listen() as listener:
        scene.await_stored()
        assert listener.end() == 0
    record("server stopped at close", scene, scene.audit())


def test_server_killed(tmp_path: Path, record: Record) -> None:
    """What it had delivered is safe; the embedded server cannot come back."""
    server = EmbeddedServer()
    scene = Scene(server, "killed", tmp_path / "inbox")
    try:
        with scene.listen() as listener:
            scene.publish(alerts(20))
            scene.await_stored()
            server.kill()
            listener.await_log("disconnected")
            assert listener.end() == 0
    finally:
        server.kill()
    record("server killed", scene, scene.audit())


@pytest.mark.kafka
@pytest.mark.parametrize("kill", [False, True])
def test_server_restarted(on_apache: Scene, record: Record, kill: bool) -> None:
    scene = on_apache
    assert isinstance(scene.server, ApacheServer)
    with scene.listen() as listener:
        listener.await_log("connected")
        scene.publish(alerts(20, "mixed"))
        scene.await_stored(1)
        scene.server.kafka.restart(kill)
        scene.publish(alerts(20, "mixed", first=20))
        scene.await_stored()
        until(scene.is_all_committed, "all is committed")
        assert listener.end() == 0
    how = "killed and started again" if kill else "restarted"
    record(f"server {how}", scene, scene.audit())


# ------------------------------------------------------------------------ the disk is at fault


def test_fsync_fails(scene: Scene, record: Record) -> None:
    """Nothing is claimed to be on disk, and nothing committed, until a sync succeeds."""
    scene.publish(alerts(20))
    with scene.listen(fault=IMPATIENT + faults.fsync_fails(2)) as listener:
        listener.await_log("blocked: .*Input/output error")
        assert scene.committed() == {}
        listener.await_log("connected: messages can be stored again")
        scene.await_stored()
        assert listener.end() == 0
    record("fsync fails twice", scene, scene.audit())


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """Mount a file system of 4 MiB."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = (shutil.which("mount") or "mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", str(disk))
    done = subprocess.run(mount, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        pytest.skip(f"a small file system needs a right to mount: {done.stderr.strip()}")
    yield disk
    subprocess.run([shutil.which("umount") or "umount", "--lazy", str(disk)], check=True)


def fill(file: Path, leave_bytes: int = 0) -> None:
    """Leave so much of a file system free, and no more."""
    free = os.statvfs(file.parent)
    with file.open("ab", buffering=0) as ballast:
        left = free.f_bavail * free.f_frsize - leave_bytes
        while left > 0:
            left -= ballast.write(bytes(min(left, 2**16)))


def test_disk_full(scene: Scene, small_disk: Path, record: Record) -> None:
    scene = replace(scene, inbox=small_disk / "inbox")
    ballast = small_disk / "ballast"
    with scene.listen(fault=IMPATIENT) as listener:
        listener.await_log("connected")
        scene.publish(alerts(4))
        scene.await_stored()
        until(scene.is_all_committed, "all is committed")
        committed = scene.committed()
        fill(ballast, leave_bytes=2**17)
        scene.publish(alerts(4, "large", first=100))
        listener.await_log("blocked: .*No space left on device")
        until(lambda: "blocked" in scene.health()[1], "the heartbeat tells it")
        assert scene.health()[0] == 1
        fill(ballast)
        listener.await_log("health.json cannot be written: No space left on device")
        beat = health.read_heartbeat(scene.inbox)
        assert beat is not None
        later = datetime.now(UTC) + timedelta(minutes=2)
        assert "has not been heard of" in next(
            health.listener_problems(beat, later, timedelta(hours=2))
        )
        assert scene.committed() == committed
        ballast.unlink()
        scene.await_stored()
        until(scene.is_all_committed, "all is committed")
        until(lambda: scene.health()[0] == 0, "it is healthy again")
        assert listener.end() == 0
    record("disk full", scene, scene.audit())


# ---------------------------------------------------------------------------------- messages


def test_error_of_ours(scene: Scene, record: Record) -> None:
    """It costs no alert: `sirenflow quarantine retry` stores it once the error is mended."""
    messages = alerts(20)
    scene.publish(messages)
    with scene.listen(fault=faults.parse_raises(messages[7].content)) as listener:
        scene.await_stored()
        assert listener.end() == 0
        assert listener.log.count("quarantined: error in Sirenflow: ZeroDivisionError") == 1
    found = scene.audit_as({messages[7]: Sent(messages[7].data)})
    assert (found.stored, found.quarantined, found.lost) == (19, 1, 0)
    retried = faults.run("quarantine", "retry", "--inbox", str(scene.inbox), cwd=scene.inbox.parent)
    assert retried.returncode == 0, retried.stderr
    record("an error in Sirenflow; `quarantine retry` later", scene, scene.audit())


def test_message_that_hangs_whoever_judges_it(scene: Scene, record: Record) -> None:
    """The others are stored, and the one is committed: it does not come again."""
    messages = [*alerts(4), Sent(b"hang"), *alerts(4, first=4)]
    scene.publish(messages, partition=0)
    with scene.listen(fault=faults.judging_hangs(b"hang", scene.inbox.parent)) as listener:
        scene.await_stored()
        until(scene.is_all_committed, "all is committed")
        assert listener.end() == 0
        assert listener.log.count("quarantined: takes longer than 2 s") == 1
    record("a message that hangs whoever judges it", scene, scene.audit())


def test_stopped_while_a_message_is_judged(scene: Scene) -> None:
    """The message in hand comes to its end, which is not far; the next ones are left for later."""
    scene.publish([Sent(b"hang"), *alerts(4)], partition=0)
    with scene.listen(fault=faults.judging_hangs(b"hang", scene.inbox.parent)) as listener:
        until((scene.inbox.parent / "hanging").exists, "it is judged")
        assert listener.end() == 0
        assert listener.log.count("quarantined: takes longer than 2 s") == 1
    with scene.listen("--until-eos") as listener:
        assert listener.wait() == 0
        assert listener.log.count(": stored ") == 4
    assert scene.audit().lost == 0


def test_killed_while_a_message_is_judged(scene: Scene) -> None:
    """The next listener may start at once, and judges it again."""
    (slow,) = messages = alerts(1)
    scene.publish(messages)
    with scene.listen(fault=faults.judging_hangs(slow.data, scene.inbox.parent)) as listener:
        until((scene.inbox.parent / "hanging").exists, "it is judged")
        listener.kill()
    with scene.listen("--until-eos") as listener:
        assert listener.wait() == 0
        assert listener.log.count("taken in what a listener that was killed had left: MS2611") == 1
    found = scene.audit()
    assert (found.stored, found.lost, found.quarantined) == (1, 0, 0)


def test_poison_between_good_ones(scene: Scene, record: Record) -> None:
    good = alerts(20)
    bad = poison(scene.server.largest_message_bytes)
    for number, message in enumerate(bad):
        scene.publish([*good[number * 2 : number * 2 + 2], message], partition=0)
    with scene.listen() as listener:
        scene.await_stored()
        until(scene.is_all_committed, "all is committed")
        assert listener.end() == 0
        assert listener.log.count("quarantined: ") == len(bad)
        assert "\x1b" not in listener.log
    record("poison between good ones", scene, scene.audit())


# ---------------------------------------------------------------- the server forgets


def test_retention_overtakes_the_offset(scene: Scene, record: Record) -> None:
    """What the server has deleted cannot be stored; it is told, with its number."""
    if isinstance(scene.server, ApacheServer):
        before, after = alerts(4), alerts(16, first=4)
    else:  # it keeps 5 MiB
        before, after = alerts(2), alerts(12, "large", first=100)
    with scene.listen(fault=IMPATIENT) as listener:
        scene.publish(before, partition=1)
        scene.await_stored()
        until(scene.is_all_committed, "all is committed")
        assert listener.end() == 0
    scene.publish(after, partition=1)
    if isinstance(scene.server, ApacheServer):
        scene.server.kafka.delete_records(scene.topic, len(before) + 7, partition=1)
    first, end = scene.watermarks()[1]
    deleted = first - len(before)
    assert 0 < deleted < len(after)
    with scene.listen(fault=IMPATIENT) as listener:
        scene.await_stored(end - deleted)
        told = (
            f"{deleted} messages (partition 1, offsets {len(before)} to {first - 1}) were deleted"
        )
        assert told in listener.log
        until(lambda: scene.metric("sirenflow_lost_total") == deleted, "the metric tells it")
        until(lambda: scene.health()[0] == 1, "the heartbeat tells it")
        assert f"{deleted} messages were deleted on the server" in scene.health()[1]
        assert listener.end() == 0
    record("retention overtakes a stopped listener", scene, scene.audit(deleted))


@pytest.mark.kafka
def test_offsets_expired(on_apache: Scene, record: Record) -> None:
    """After a week without a listener; nothing is skipped, nothing stored twice."""
    scene = on_apache
    assert isinstance(scene.server, ApacheServer)
    with scene.listen("--start", "latest", fault=IMPATIENT) as listener:
        listener.await_log("connected")
        until(lambda: scene.metric("sirenflow_lag_messages") == 0, "it is at the end")
        scene.publish(alerts(20))
        scene.await_stored()
        until(scene.is_all_committed, "all is committed")
        assert listener.end() == 0
    scene.server.kafka.forget_offsets(scene.group())
    assert scene.committed() == {}
    scene.publish(alerts(20, first=20))
    with scene.listen("--start", "latest", fault=IMPATIENT) as listener:
        scene.await_stored()
        until(scene.is_all_committed, "all is committed")
        assert "deleted" not in listener.log
        assert listener.end() == 0
    record("offsets expired", scene, scene.audit())


# ------------------------------------------------------------------------ the server refuses


def group_rule(user: User) -> AclBindingFilter:
    kinds = (ResourceType.GROUP, f"{user.name}-", ResourcePatternType.PREFIXED)
    return AclBindingFilter(
        *kinds, f"User:{user.name}", "*", AclOperation.ANY, AclPermissionType.ANY
    )


@pytest.mark.kafka
def test_commit_refused(on_apache: Scene, record: Record) -> None:
    scene, server = on_apache, on_apache.server
    assert isinstance(server, ApacheServer)
    with scene.listen(fault=IMPATIENT) as listener:
        scene.publish(alerts(4))
        scene.await_stored()
        until(scene.is_all_committed, "all is committed")
        before = scene.committed()
        admin = AdminClient({"bootstrap.servers": server.bootstrap, "log_level": 0})
        for future in admin.delete_acls([group_rule(server.kafka.user)]).values():
            assert len(future.result()) == 1
        scene.publish(alerts(8, first=4))
        scene.await_stored()
        listener.await_log("commit failed")
        until(lambda: scene.health()[0] == 1, "the heartbeat tells it")
        assert "what was stored cannot be committed" in scene.health()[1]
        scene.publish(alerts(8, first=12))
        scene.await_stored()
        assert scene.committed() == before
        server.kafka.allow(server.kafka.user, scene.topic)
        listener.await_log("commits work again")
        until(scene.is_all_committed, "all is committed")
        until(lambda: scene.health()[0] == 0, "it is healthy again")
        assert listener.log.count("commit failed") == 1
        assert listener.end() == 0
    record("commit refused", scene, scene.audit())


@pytest.fixture
def member(on_apache: Scene) -> Iterator[ApacheServer]:
    """Give the real server; whatever a test does to the user's login is taken back."""
    assert isinstance(on_apache.server, ApacheServer)
    yield on_apache.server
    on_apache.server.kafka.restore(on_apache.server.kafka.user)


@pytest.mark.kafka
def test_credential_revoked_and_restored(
    on_apache: Scene, member: ApacheServer, record: Record
) -> None:
    """The listener says so once, however often it tries."""
    scene, kafka = on_apache, member.kafka
    with scene.listen(fault=IMPATIENT) as listener:
        scene.publish(alerts(4))
        scene.await_stored()
        kafka.revoke(kafka.user)
        kafka.restart()
        scene.publish(alerts(16, first=4))
        listener.await_log("refuses the login")
        time.sleep(10)  # several attempts
        said = [line for line in listener.lines if ": stored " not in line]
        # Connected; disconnected; refused; and, once it gives up the session, not all committed.
        assert len(said) <= 4, listener.log
        assert listener.log.count("refuses the login") == 1
        kafka.restore(kafka.user)
        scene.await_stored()
        until(scene.is_all_committed, "all is committed")
        assert listener.end() == 0
    record("credential revoked, then restored", scene, scene.audit())


@pytest.mark.kafka
def test_new_password(on_apache: Scene, member: ApacheServer, record: Record) -> None:
    """It is picked up from auth.toml without a restart of the listener."""
    scene, kafka = on_apache, member.kafka
    with scene.listen(fault=IMPATIENT) as listener:
        scene.publish(alerts(4))
        scene.await_stored()
        new = kafka.set_password(kafka.user, "a new one")
        kafka.restart()
        scene.publish(alerts(16, first=4))
        listener.await_log("refuses the login")
        kafka.auth_toml(scene.inbox.parent, user=new)
        scene.await_stored()
        until(scene.is_all_committed, "all is committed")
        assert listener.end() == 0
    record("password changed, then in auth.toml too", scene, scene.audit())


# --------------------------------------------------------------------------------- the table


@pytest.mark.parametrize(
    "server", ["embedded", pytest.param("Apache Kafka", marks=pytest.mark.kafka)]
)
def test_table_is_what_this_run_gave(
    server: str, rows: dict[str, str], request: pytest.FixtureRequest
) -> None:
    here = [item for item in request.session.items if item.path == Path(__file__)]
    tried = [item for item in here if "record" in item.fixturenames]
    is_whole = len(rows) == len(tried)
    if os.environ.get("SIRENFLOW_WRITE_FAULTS"):
        assert is_whole, "the table is written by a run in which every fault was tried"
        faults.TABLE.write(rows.values())
    given = [row for row in rows.values() if f"| {server} |" in row]
    written = [row for row in faults.TABLE.read() if f"| {server} |" in row]
    missing = [row for row in given if row not in written]
    stale = [row for row in written if row not in given] if is_whole else []
    assert given or not is_whole
    assert (missing, stale) == ([], []), "run `make faults`"
