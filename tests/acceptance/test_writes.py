"""Where anything is written, whatever the alerts are called, and who may change it."""

from __future__ import annotations

import io
import os
import stat
import tarfile
from pathlib import Path

import pytest
from builders import fits_map, json_alert, same_distance_columns, with_map
from confluent_kafka import Producer
from faults import EmbeddedServer
from hostile.names import NAMES, hostile_alerts
from pages import assert_safe
from paths import ROOT
from tracing import Traced, traced

from fuzz.mutations import MARKUP
from sirenflow.inbox import quarantine

GOOD = json_alert(
    with_map(
        fits_map(same_distance_columns(100.0, 10.0), {"DISTMEAN": 100.0, "DISTSTD": 10.0}),
        superevent_id="S260101a",
        urls={"gracedb": f"javascript:{MARKUP}>"},
    )
)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Give a directory in which every command works."""
    for name in ("Snakefile", "workflow", "config"):
        (tmp_path / name).symlink_to(ROOT / name)
    return tmp_path


def assert_nothing_else_changed(done: Traced, folder: Path, *also: str) -> None:
    """Check that a command kept to the inbox, the results, and what is Snakemake's own."""
    allowed = [folder / name for name in ("inbox", "results", *also)]
    strays = {
        path
        for path in done.changed - {Path(os.devnull)}
        if not any(path.is_relative_to(place) for place in allowed)
    }
    assert strays == set()
    for place in ("home", "tmp"):
        left = [path for path in (folder / place).rglob("*") if not path.is_dir()]
        assert left == []


def test_hostile_names_lead_nowhere(project: Path, embedded: EmbeddedServer) -> None:
    alerts = list(hostile_alerts(500))
    assert len(alerts) >= 500
    archive = project / "alerts.tar"
    with tarfile.open(archive, "w") as tar:
        for number, data in enumerate(alerts):
            member = tarfile.TarInfo(f"{'../..' if number % 2 else '/var'}/{number}.json")
            member.size = len(data)
            tar.addfile(member, io.BytesIO(data))
        link = tarfile.TarInfo("link.json")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        tar.addfile(link)
    ingested = traced(project, "ingest", archive)
    assert ingested.exit_code == 3
    assert_nothing_else_changed(ingested, project)
    inbox = project / "inbox"
    assert {path.name for path in inbox.iterdir()} == {"quarantine"}
    kept = quarantine.list_entries(inbox)
    assert {entry.path.read_bytes() for entry in kept} == set(alerts)

    topic = "hostile-names"
    producer = Producer({"bootstrap.servers": embedded.bootstrap})
    for data in (*alerts[::5], GOOD):
        producer.produce(topic, data, headers=[("_id", b"../../x"), ("x\n", b"\x1b[2J")])
    assert producer.flush(60) == 0
    listening = ("listen", "--url", embedded.url(topic), "--no-auth", "--until-eos")
    listened = traced(project, *listening)
    assert listened.exit_code == 0, listened.output
    assert_nothing_else_changed(listened, project)
    assert "\x1b" not in listened.output
    assert {path.name for path in inbox.iterdir()} == {
        *("quarantine", ".incoming", ".listener", "S260101a")
    }

    # And what somebody puts there by hand.
    update = inbox / "S260101a/UPDATE"
    update.mkdir()
    for number, data in enumerate(alerts[::10]):
        (update / f"{number}.json").write_bytes(data)
    for name in NAMES:
        if name not in ("", ".", "..") and "/" not in name and "\0" not in name and len(name) < 200:
            for place in (inbox / name.encode("utf-8", "replace").decode() / "UPDATE", update):
                place.mkdir(parents=True, exist_ok=True)
                (place / f"{name.encode('utf-8', 'replace').decode()}.json").write_bytes(GOOD)
    done = traced(project, "run")
    assert done.exit_code == 3, done.output
    assert_nothing_else_changed(done, project, ".snakemake", "tmp")
    made = {path.name for path in (project / "results").iterdir() if path.is_dir()}
    assert made == {"S260101a", "logs", ".sirenflow"}
    for page in (project / "results").rglob("*.html"):
        text = page.read_text(encoding="utf-8")
        assert MARKUP not in text
        assert_safe(text)


@pytest.mark.parametrize("umask", [0o000, 0o002, 0o022, 0o077], ids="{:03o}".format)
def test_no_stranger_may_change_a_file_and_all_else_is_as_the_umask_says(
    project: Path, umask: int
) -> None:
    alerts = project / "alerts"
    alerts.mkdir()
    (alerts / "good.json").write_bytes(GOOD)
    (alerts / "bad.json").write_bytes(b"{}")
    assert traced(project, "ingest", alerts, umask=umask).exit_code == 3
    if umask == 0:  # which takes some seconds
        assert traced(project, "run", umask=umask).exit_code == 0
    places = ("inbox", "results", ".snakemake")
    made = [path for place in places for path in (project / place).rglob("*")]
    assert len(made) >= (30 if umask == 0 else 5)
    for path in made:
        mode = stat.S_IMODE(path.lstat().st_mode)
        assert mode & stat.S_IWOTH == 0, f"{path} {mode:04o}"
        most = 0o777 if path.is_dir() else 0o666
        if ".snakemake" not in path.parts:  # which chooses modes itself
            assert mode == most & ~umask & ~stat.S_IWOTH, f"{path} {mode:04o}"
