"""Alerts that arrive become pages, whatever happens meanwhile: real processes, real alerts."""

from __future__ import annotations

import os
import random
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
from arrivals import put_in_quarantine
from commands import PROGRAM
from paths import SAMPLE_ALERTS
from snakemake_runs import checksums, snakemake
from watching import (
    PATIENCE_SECONDS,
    is_told,
    small_alert,
    store,
    wait_until,
    waiting,
)

from sirenflow.errors import AlertError
from sirenflow.files.lock import exclusive
from sirenflow.inbox import quarantine

STANDBY = "sirenflow.processes.prefork"


@pytest.fixture(scope="module")
def expected(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Give the products of all samples, made by one `snakemake` run."""
    directory = tmp_path_factory.mktemp("plain")
    for file in SAMPLE_ALERTS:
        store(directory, file.read_bytes())
    assert snakemake(directory, cores=2).returncode == 0
    return checksums(directory / "results")


def test_what_was_there_is_made_at_once_and_what_comes_when_it_comes(tmp_path: Path) -> None:
    before, later, other = small_alert(), small_alert(minute=1), small_alert("MS260927a")
    store(tmp_path, before)
    with waiting(tmp_path, "watch"):
        wait_until(lambda: is_told(tmp_path, before))
        for data in (later, other):
            store(tmp_path, data)
            wait_until(lambda data=data: is_told(tmp_path, data))


def test_it_makes_an_inbox_that_is_not_there(tmp_path: Path) -> None:
    data = small_alert()
    with waiting(tmp_path, "watch", "--inbox", "deep/inbox", "--results", "out"):
        assert (tmp_path / "deep/inbox").is_dir()
        (tmp_path / "inbox").symlink_to("deep/inbox")
        (tmp_path / "results").symlink_to("out")
        store(tmp_path, data)
        wait_until(lambda: is_told(tmp_path, data))


def test_burst_ends_with_the_products_of_one_plain_run(
    tmp_path: Path, expected: dict[str, str]
) -> None:
    dice = random.Random(5)  # noqa: S311 - the same each time
    files = dice.sample(SAMPLE_ALERTS, len(SAMPLE_ALERTS))
    with waiting(tmp_path, "watch") as watch:
        for file in files:
            store(tmp_path, file.read_bytes())
            time.sleep(dice.choice([0, 0, 0.1, 0.5]))
        wait_until(lambda: checksums(tmp_path / "results") == expected)
        assert watch.stop() == 0


def test_alert_that_comes_during_a_run_is_made_by_the_next(tmp_path: Path) -> None:
    first, later = small_alert(), small_alert(minute=1)
    with waiting(tmp_path, "watch") as watch:
        store(tmp_path, first)
        wait_until((tmp_path / "results/MS260926m/alerts.json").exists)
        store(tmp_path, later)
        wait_until(lambda: is_told(tmp_path, later))
        wait_until(lambda: watch.said(" considered, ") >= 2)


def test_superevents_are_not_missed_however_their_directories_come(tmp_path: Path) -> None:
    """A directory may be there before the system is asked to tell of it, and a file before that."""
    data = [small_alert(f"MS26090{day}{letter}") for day in range(1, 6) for letter in "ab"]
    dice = random.Random(6)  # noqa: S311 - the same each time
    with waiting(tmp_path, "watch"):
        for number, alert in enumerate(data):
            if number % 2:
                store(tmp_path / "aside", alert)
                (made,) = (tmp_path / "aside/inbox").iterdir()
                made.rename(tmp_path / "inbox" / made.name)
            else:
                store(tmp_path, alert)
            time.sleep(dice.uniform(0, 0.3))
        empty = tmp_path / "inbox/MS260909z/RETRACTION"
        empty.mkdir(parents=True)
        wait_until(lambda: all(is_told(tmp_path, alert) for alert in data))
        late = small_alert("MS260909z")
        store(tmp_path, late)
        wait_until(lambda: is_told(tmp_path, late))


def test_where_the_system_does_not_tell_it_looks_by_itself(tmp_path: Path) -> None:
    program = f"import sirenflow.pipeline.watch as w; w.is_shared = lambda _: True; {PROGRAM[2]}"
    first, later = small_alert(), small_alert(minute=1)
    with waiting(tmp_path, "watch", program=[sys.executable, "-c", program]) as watch:
        assert watch.said("every 2 s")
        for data in (first, later):
            store(tmp_path, data)
            wait_until(lambda data=data: is_told(tmp_path, data))
        assert watch.stop() == 0


def test_after_another_configuration_the_next_alert_is_made_and_then_the_rest(
    tmp_path: Path,
) -> None:
    first, other = small_alert(), small_alert("MS260927a")
    page = tmp_path / "results/MS260926m/index.html"
    store(tmp_path, first)
    with waiting(tmp_path, "watch") as watch:
        wait_until(lambda: is_told(tmp_path, first))
        (tmp_path / "config").mkdir()
        (tmp_path / "config/config.yaml").write_text("visibility: {sites: []}\n")
        before = page.stat().st_mtime_ns
        store(tmp_path, other)
        wait_until(lambda: is_told(tmp_path, other))
        wait_until(lambda: page.exists() and page.stat().st_mtime_ns != before)
        wait_until(lambda: watch.said(" considered, ") >= 3)
        assert watch.said("1 superevent considered") == 3
        made = (tmp_path / "results/MS260927a/index.html").stat().st_mtime_ns
        assert made < page.stat().st_mtime_ns


def test_configuration_that_is_broken_for_a_while_does_not_end_it(tmp_path: Path) -> None:
    first, other, later = small_alert(), small_alert("MS260927a"), small_alert(minute=1)
    store(tmp_path, first)
    with waiting(tmp_path, "watch") as watch:
        wait_until(lambda: is_told(tmp_path, first))
        (tmp_path / "config").mkdir()
        (tmp_path / "config/config.yaml").write_text("visibility: {sites: yes and no}\n")
        store(tmp_path, other)
        wait_until(lambda: watch.said("config.yaml: visibility: sites is"))
        (tmp_path / "config/config.yaml").write_text("visibility: {sites: []}\n")
        store(tmp_path, later)
        wait_until(lambda: is_told(tmp_path, later))
        wait_until(lambda: is_told(tmp_path, other))


def test_it_waits_for_another_run_to_end(tmp_path: Path) -> None:
    data = small_alert()
    with waiting(tmp_path, "watch") as watch:
        with exclusive(tmp_path / "results/.sirenflow/lock"):
            store(tmp_path, data)
            wait_until(lambda: watch.said("lock is locked by process") >= 2)
            assert not is_told(tmp_path, data)
        wait_until(lambda: is_told(tmp_path, data))


def test_second_watch_is_refused_with_exit_75(tmp_path: Path) -> None:
    with waiting(tmp_path, "watch") as watch:
        second = subprocess.run(
            [*PROGRAM, "watch"],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
            timeout=PATIENCE_SECONDS,
        )
        assert second.returncode == 75
        assert f"process {watch.process.pid} on " in second.stderr
        assert watch.process.poll() is None


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_signal_ends_it_well_and_leaves_no_process(tmp_path: Path, number: signal.Signals) -> None:
    data = small_alert()
    with waiting(tmp_path, "watch") as watch:
        store(tmp_path, data)
        wait_until(lambda: is_told(tmp_path, data))
        wait_until(lambda: watch.said(" considered, "))
        assert watch.stop(number) == 0
        assert watch.left() == []
        assert watch.said("Traceback") == 0


def test_signal_in_the_middle_of_a_run_ends_it_well_and_the_next_completes_it(
    tmp_path: Path, expected: dict[str, str]
) -> None:
    for file in SAMPLE_ALERTS:
        store(tmp_path, file.read_bytes())
    with waiting(tmp_path, "watch") as watch:
        wait_until(lambda: list(tmp_path.glob("results/*/regions.json")))
        assert watch.stop() == 0
        assert watch.left() == []
        assert watch.said("Traceback") == 0
    assert checksums(tmp_path / "results") != expected
    with waiting(tmp_path, "watch"):
        wait_until(lambda: checksums(tmp_path / "results") == expected)


def test_standby_that_was_killed_is_started_again(tmp_path: Path) -> None:
    with waiting(tmp_path, "watch") as watch:
        for minute in range(2):
            wait_until(lambda: watch.pid_of(STANDBY))
            lost = watch.pid_of(STANDBY)
            assert lost is not None
            os.kill(lost, signal.SIGKILL)
            data = small_alert(minute=minute)
            store(tmp_path, data)
            wait_until(lambda data=data: is_told(tmp_path, data))
            assert watch.pid_of(STANDBY) != lost
        assert watch.said("was lost, and started again") == 2
        assert watch.stop() == 0


def test_whatever_is_killed_every_alert_is_made(tmp_path: Path, expected: dict[str, str]) -> None:
    """Each process in turn, among them the workers and the watch itself."""
    dice = random.Random(7)  # noqa: S311 - the same each time
    files = dice.sample(SAMPLE_ALERTS, len(SAMPLE_ALERTS))
    killed: set[int] = set()
    while files:
        with waiting(tmp_path, "watch") as watch:
            for _ in range(2):
                for file in files[:4]:
                    store(tmp_path, file.read_bytes())
                del files[:4]
                time.sleep(dice.uniform(0.2, 2))
                # None is left if the watch itself was killed before.
                victims = dice.sample(left := watch.left(), min(1, len(left)))
                killed.update(victims)
                for pid in victims:
                    with suppress(ProcessLookupError):
                        os.kill(pid, signal.SIGKILL)
            if watch.process.pid not in killed and not files:
                wait_until(lambda: checksums(tmp_path / "results") == expected)
                return
    with waiting(tmp_path, "watch"):
        wait_until(lambda: checksums(tmp_path / "results") == expected)


def unreadable_messages(directory: Path) -> list[str]:
    """Read from the catalogue and a superevent's page how many messages could not be read."""
    said = []
    for name in ("", "MS260926m"):
        try:
            page = (directory / "results" / name / "index.html").read_text()
        except FileNotFoundError:  # it is being replaced
            return []
        found = re.search(r"(\d+) messages? [a-z ]*could not be read", page)
        said.append(found[1] if found else "0")
    return said


def test_message_that_goes_to_quarantine_or_leaves_it_is_on_the_pages_at_once(
    tmp_path: Path,
) -> None:
    """Also the first one, in a directory that was not there."""
    store(tmp_path, small_alert())
    with waiting(tmp_path, "watch"):
        wait_until(lambda: is_told(tmp_path, small_alert()))
        data = small_alert(minute=1).replace(b"00:01:00Z", b"in the morning")
        put_in_quarantine(
            tmp_path / "inbox", data, AlertError("no time", "invalid_identity"), {"way": "listen"}
        )
        wait_until(lambda: unreadable_messages(tmp_path) == ["1", "1"])
        other = b"no alert"
        put_in_quarantine(tmp_path / "inbox", other, AlertError("no alert"), {"way": "listen"})
        wait_until(lambda: unreadable_messages(tmp_path) == ["2", "1"])
        for entry in quarantine.list_entries(tmp_path / "inbox"):
            quarantine.drop_entry(entry)
        wait_until(lambda: unreadable_messages(tmp_path) == ["0", "0"])


def _replace(directory: Path) -> None:
    (directory / "inbox").rename(directory / "old")
    (directory / "inbox").mkdir()


def _delete_and_make(directory: Path) -> None:
    """Delete the inbox and make one, which may have the same inode number."""
    shutil.rmtree(directory / "inbox")
    (directory / "inbox").mkdir()


@pytest.mark.parametrize("replace", [_replace, _delete_and_make])
def test_inbox_that_is_replaced_is_noticed_at_once(
    tmp_path: Path, replace: Callable[[Path], None]
) -> None:
    """And what it held already is made, without waiting for the survey."""
    first, later = small_alert(), small_alert("MS260927a")
    with waiting(tmp_path, "watch") as watch:
        store(tmp_path, first)
        wait_until(lambda: is_told(tmp_path, first))
        replace(tmp_path)
        store(tmp_path, later)
        wait_until(lambda: is_told(tmp_path, later))
        said = ("was replaced by another directory", "is back; all its alerts are checked")
        wait_until(lambda: sum(map(watch.said, said)) == 1)
        assert watch.stop() == 0


def test_inbox_that_is_gone_is_reported_once_and_made_when_it_is_back(tmp_path: Path) -> None:
    first, later, last = small_alert(), small_alert("MS260927a"), small_alert("MS260928a")
    with waiting(tmp_path, "watch") as watch:
        store(tmp_path, first)
        wait_until(lambda: is_told(tmp_path, first))
        (tmp_path / "inbox").rename(tmp_path / "old")
        wait_until(lambda: watch.said("does not exist; no alerts can be processed"))
        store(tmp_path / "aside", later)
        (tmp_path / "aside/inbox").rename(tmp_path / "inbox")
        wait_until(lambda: is_told(tmp_path, later))
        store(tmp_path, last)
        wait_until(lambda: is_told(tmp_path, last))
        assert (watch.said("does not exist; no alerts"), watch.said("is back; all its alerts")) == (
            1,
            1,
        )
        assert watch.stop() == 0


def _loop(inbox: Path) -> None:
    (inbox / "MS260902b").mkdir(parents=True)
    (inbox / "MS260902b/UPDATE").symlink_to("UPDATE")


def _unreadable(inbox: Path) -> None:
    (inbox / "MS260902b").mkdir(parents=True)
    (inbox / "MS260902b").chmod(0)


# Without its capabilities, root cannot read a directory without permissions either.
WITHOUT_CAPABILITIES = ["setpriv", "--bounding-set=-all", "--inh-caps=-all"]
POLLING = f"import sirenflow.pipeline.watch as w; w.is_shared = lambda _: True; {PROGRAM[2]}"


@pytest.mark.parametrize("polling", [False, True])
@pytest.mark.parametrize("break_one", [_loop, _unreadable])
def test_unreadable_directory_does_not_end_it(
    tmp_path: Path, break_one: Callable[[Path], None], polling: bool
) -> None:
    """Not at the start, and not when it appears later; other superevents are processed."""
    first, later = small_alert(), small_alert("MS260927a")
    program = [sys.executable, "-c", POLLING] if polling else PROGRAM
    break_one(tmp_path / "inbox")
    store(tmp_path, first)
    with waiting(tmp_path, "watch", program=[*WITHOUT_CAPABILITIES, *program]) as watch:
        wait_until(lambda: is_told(tmp_path, first))
        store(tmp_path, later)
        wait_until(lambda: is_told(tmp_path, later))
        assert watch.said("Traceback") == 0
        is_fallback_certain = break_one is _unreadable and not polling
        fallbacks = watch.said("file system notifications do not work")
        assert fallbacks == 1 if is_fallback_certain else fallbacks <= 1
        assert watch.stop() == 0
