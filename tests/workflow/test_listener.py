"""How a listener behaves when nothing is wrong, and what it says when the server refuses it."""

from __future__ import annotations

import json
import signal
import time
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import faults
import pytest
from faults import IMPATIENT, ApacheServer, EmbeddedServer, Listener, Scene, alert, alerts, until

if TYPE_CHECKING:
    pass

WRONG = "wr0ng-s3cret"


# ------------------------------------------------------------------ where it begins and ends


def test_until_eos_stops_at_the_end(scene: Scene) -> None:
    scene.publish(alerts(20))
    with scene.listen("--until-eos") as listener:
        assert listener.wait() == 0
        assert "disconnected" not in listener.log
    assert scene.audit().stored == 20
    assert scene.is_all_committed()


def test_until_eos_of_an_empty_topic(scene: Scene) -> None:
    with scene.listen("--until-eos") as listener:
        assert listener.wait() == 0


def test_restart_goes_on_where_it_was(scene: Scene) -> None:
    for first in (0, 10):
        scene.publish(alerts(10, first=first))
        with scene.listen("--until-eos") as listener:
            assert listener.wait() == 0
            assert listener.log.count(": stored ") == 10
            assert "duplicate" not in listener.log
    assert scene.audit().stored == 20


def test_start_latest_takes_what_comes_later(scene: Scene) -> None:
    scene.publish(alerts(8))
    scene.sent.clear()
    with scene.listen("--start", "latest", fault=IMPATIENT) as listener:
        until(lambda: "connected" in scene.health()[1], "the heartbeat tells it")
        time.sleep(0.1)
        scene.publish(alerts(8, first=8))
        scene.await_stored()
        assert listener.end() == 0
        assert listener.log.count(": stored ") == 8
    assert scene.audit().stored == 8


@pytest.mark.kafka
def test_start_latest_survives_a_restart_before_the_first_message(on_apache: Scene) -> None:
    """What was sent while it was down is not skipped, and what is older not taken."""
    scene = on_apache  # the embedded server does not know when it got a message
    scene.publish(alerts(8))
    scene.sent.clear()
    with scene.listen("--start", "latest") as listener:
        listener.await_log("connected")
        listener.kill()
    time.sleep(0.1)
    scene.publish(alerts(8, first=8))
    with scene.listen("--start", "latest") as listener:
        scene.await_stored()
        assert listener.end() == 0
    assert scene.audit().stored == 8


@pytest.mark.kafka
def test_start_at_a_time(on_apache: Scene) -> None:
    scene = on_apache
    scene.publish(alerts(8))
    time.sleep(0.1)
    begin = datetime.now(UTC)
    time.sleep(0.1)
    scene.sent.clear()
    scene.publish(alerts(8, first=8))
    with scene.listen("--start", begin.isoformat(), "--until-eos") as listener:
        assert listener.wait() == 0
    assert scene.audit().stored == 8


@pytest.mark.kafka
def test_start_latest_holds_for_each_partition(on_apache: Scene) -> None:
    """Also for those from which nothing was read before a restart."""
    scene = on_apache
    scene.publish(alerts(8))
    scene.sent.clear()
    with scene.listen("--start", "latest", fault=IMPATIENT) as listener:
        until(lambda: "connected" in scene.health()[1], "the heartbeat tells it")
        scene.publish(alerts(1, first=8), partition=0)
        scene.await_stored()
        assert listener.end() == 0
    scene.publish(alerts(8, first=9))
    with scene.listen("--start", "latest", "--until-eos") as listener:
        assert listener.wait() == 0
        assert listener.log.count(": stored ") == 8


def test_own_group_begins_anew(scene: Scene) -> None:
    """A group that has read nothing begins at the beginning; files that are there stay."""
    scene.publish(alerts(10))
    user = f"{scene.server.user.name}-" if scene.server.user else ""
    for group, stored in ((f"{user}one", 10), (f"{user}two", 0), (f"{user}two", None)):
        with scene.listen("--until-eos", "--group-id", group) as listener:
            assert listener.wait() == 0
            assert scene.group() == group
            assert listener.log.count(": stored ") == (stored or 0)
            assert listener.log.count(": duplicate ") == (10 if stored == 0 else 0)
    assert scene.audit().stored == 10


def test_idle_listener_ends_at_once(scene: Scene) -> None:
    for number in (signal.SIGTERM, signal.SIGINT):
        with scene.listen() as listener:
            listener.await_log("connected")
            assert listener.end(number) == 0
            assert listener.lines[2:] == [
                f"INFO stopping ({number.name})",
                f"INFO {scene.name}: finished",
            ]


# --------------------------------------------------------------------------- several sources


def test_same_alert_from_two_servers_is_stored_twice_and_linked(
    on_embedded: Scene, tmp_path: Path
) -> None:
    """As SCiMMA and GCN send it: Avro there, JSON here."""
    server = EmbeddedServer()
    try:
        other = Scene(server, "other", on_embedded.inbox)
        server.create_topic("other")
        for number in range(4):
            on_embedded.publish([alert(number, encoding="avro")])
            other.publish([alert(number, encoding="json")])
        with on_embedded.listen("--url", other.url) as listener:
            on_embedded.await_stored()
            other.await_stored()
            assert listener.end() == 0
            assert listener.log.count("(the same alert as ") == 4
    finally:
        server.kill()
    sent = on_embedded.sent + other.sent
    found = faults.audit(on_embedded.inbox, sent)
    assert (found.stored, found.lost, found.duplicated) == (8, 0, 0)
    for avro, json_ in zip(on_embedded.sent, other.sent, strict=True):
        places = [tmp_path / "inbox" / str(message.place) for message in (avro, json_)]
        named = [meta(place)["same_alert_as"] for place in places]
        assert sorted(named) in ([[], [places[0].name]], [[], [places[1].name]])


def test_one_server_that_is_gone_does_not_hinder_the_other(on_embedded: Scene) -> None:
    server = EmbeddedServer()
    try:
        server.create_topic("other")
        with on_embedded.listen("--url", server.url("other")) as listener:
            listener.await_log("connected", times=2)
            server.kill()
            listener.await_log("other: disconnected")
            on_embedded.publish(alerts(10))
            on_embedded.await_stored()
            assert listener.end() == 0
    finally:
        server.kill()


@pytest.mark.kafka
def test_server_with_login_beside_one_without(on_apache: Scene, on_embedded: Scene) -> None:
    """--no-auth is for all: a listener of both needs a login that fits each."""
    with on_apache.listen("--url", on_embedded.url) as listener:
        assert listener.wait() == 1
        assert f"no login for {on_embedded.server.bootstrap}" in listener.log


def meta(place: Path) -> dict[str, object]:
    kept = json.loads(place.with_name(f"{place.stem}.meta.json").read_bytes())
    assert isinstance(kept, dict)
    return kept


# ------------------------------------------------------------------------- what it tells


def test_health_follows_the_listener(scene: Scene) -> None:
    scene.inbox.mkdir()
    code, said = scene.health()
    assert code == 1
    assert "no listener has written its state" in said
    with scene.listen(fault=IMPATIENT) as listener:
        until(lambda: scene.health()[0] == 0, "it is healthy")
        assert "last alert not yet" in scene.health()[1]
        scene.publish(alerts(4))
        until(lambda: "s ago, 0 waiting" in scene.health()[1], "the heartbeat tells it")
        assert listener.end() == 0
    code, said = scene.health()
    assert code == 1
    assert "the listener was stopped" in said


def test_counters(scene: Scene) -> None:
    messages = [*alerts(5), faults.Sent(b"garbage")]
    scene.publish(messages, partition=0)
    scene.publish(messages[:2], partition=0)
    with scene.listen("--until-eos") as listener:
        assert listener.wait() == 0
    names = ("received", "stored", "duplicate", "lost", "reconnects", "commit_failures")
    counts = {name: scene.metric(f"sirenflow_{name}_total") for name in names}
    assert list(counts.values()) == [8, 5, 2, 0, 0, 0]


def test_outage_of_ten_seconds_is_told_in_four_lines(scene: Scene) -> None:
    """Only changes of state are told, not each attempt."""
    with ExitStack() as after:
        if isinstance(scene.server, EmbeddedServer):
            server = EmbeddedServer()  # of its own: it cannot come back
            after.callback(server.kill)
            server.create_topic("outage")
            scene = Scene(server, "outage", scene.inbox)
        listener = after.enter_context(scene.listen())
        listener.await_log("connected")
        if isinstance(scene.server, EmbeddedServer):
            scene.server.kill()
        else:
            scene.server.kafka.stop()
        time.sleep(10)
        if isinstance(scene.server, ApacheServer):
            scene.server.kafka.start()
            scene.publish(alerts(1))
            scene.await_stored()
        said = [line for line in listener.lines[1:] if "stored" not in line]
        assert any("disconnected" in line for line in said)
        assert len(said) <= 4, listener.log
        assert listener.end() == 0


@pytest.mark.kafka
def test_no_secret_is_written_anywhere(on_apache: Scene) -> None:
    scene = on_apache
    assert scene.server.user is not None
    secret = scene.server.user.password
    with scene.listen() as quiet:
        scene.publish([*alerts(4), faults.Sent(b"garbage")])
        scene.await_stored()
        assert quiet.end() == 0
    environ = scene.server.environ(scene.inbox.parent)
    debugging = Listener(scene.inbox, ["--url", scene.url], environ, options=["--debug"])
    with debugging as loud:
        loud.await_log("connected")
        assert loud.end() == 0
        assert len(loud.lines) > 10
    files = [path for path in scene.inbox.rglob("*") if path.is_file()]
    assert len(files) > 10
    for path in [*files, quiet.log_file]:
        assert secret.encode() not in path.read_bytes(), path


def test_inbox_that_is_missing_blocks_until_it_is_back(scene: Scene) -> None:
    """Nothing is stored or committed, and neither heartbeat nor receiver makes a new inbox."""
    scene.publish(alerts(4))
    with scene.listen(fault=IMPATIENT) as listener:
        scene.await_stored()
        until(scene.is_all_committed, "all is committed")
        committed = scene.committed()
        old = scene.inbox.with_name("old")
        scene.inbox.rename(old)
        scene.publish(alerts(4, first=100))
        listener.await_log("blocked: inbox .* does not exist any more")
        time.sleep(1.5)  # heartbeats and attempts to store go by
        assert not scene.inbox.exists()
        assert scene.health()[0] == 1
        old.rename(scene.inbox)
        assert scene.committed() == committed
        listener.await_log("inbox .* is back")
        scene.await_stored()
        until(scene.is_all_committed, "all is committed")
        until(lambda: scene.health()[0] == 0, "it is healthy again")
        assert listener.end() == 0
    assert scene.audit().stored == 8


def test_inbox_that_is_replaced_ends_the_listener(scene: Scene) -> None:
    """The lock is in the old directory; a restart takes the new one and stores what came."""
    scene.publish(alerts(4))
    with scene.listen(fault=IMPATIENT) as listener:
        scene.await_stored()
        until(scene.is_all_committed, "all is committed")
        old = scene.inbox.with_name("old")
        scene.inbox.rename(old)
        scene.inbox.mkdir()
        assert listener.wait() == 1
        assert "was replaced by another directory" in listener.log
        assert list(scene.inbox.iterdir()) == []
        assert scene.health()[0] == 1
    scene.sent.clear()
    scene.publish(alerts(4, first=100))
    (old / ".listener").rename(scene.inbox / ".listener")  # the same consumer group
    with scene.listen("--until-eos") as listener:
        assert listener.wait() == 0
    assert scene.audit().stored == 4
