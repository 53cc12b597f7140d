"""The workflow run whenever alerts arrive."""

import logging
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from pathlib import Path

import watchfiles

from sirenflow.alerts.identifier import is_identifier
from sirenflow.errors import SirenflowError
from sirenflow.files.mount import directory_identity, is_shared, snapshot
from sirenflow.inbox import quarantine, store
from sirenflow.pipeline import stage_workers
from sirenflow.processes import exit_codes, process_limit, signals
from sirenflow.processes.prefork import PreforkServer

_LOG = logging.getLogger(__name__)

SURVEY_SECONDS = 300.0
"""So often the whole inbox is looked at, whatever changes the system has reported."""
LINGER_SECONDS = 10.0
"""For so long a superevent is looked at again: the system may report a new directory too late."""

_PRELOAD = (
    "sirenflow.pipeline.snakemake.environment:set_home",  # astropy cannot be imported without one
    *stage_workers.PRELOAD,
    *(f"sirenflow.{module}" for module in ("stages.catalogue", "pipeline.project", "pipeline.run")),
    "sirenflow.pipeline.snakemake.driver:preload",
)
_TICK_MS = 1000
_DEBOUNCE_MS = 200
_STEP_MS = 20
_POLL_SECONDS = 2.0


def preloaded_server(entry_point: str) -> PreforkServer:
    """Start a process that has imported what a run needs; see `PreforkServer`."""
    return PreforkServer(entry_point, _PRELOAD)


class Watch:
    """Runs a command for what arrives in an inbox.

    What arrives during a run is for the next one, all of it at once.

    Parameters
    ----------
    command
        Of `sirenflow`: brings all products up to date, or those of some superevents with
        ``--superevent ID``.
    shared_digest
        Returns something that differs when all products are due, as by another configuration.
    entry_point
        ``package.module:function`` that is called with the words of a command.
    """

    def __init__(
        self,
        directory: Path,
        command: Sequence[str],
        is_anything_due: Callable[[], bool],
        shared_digest: Callable[[], str],
        entry_point: str,
    ) -> None:
        self._inbox = directory.absolute()  # or polling would give names from here
        self._command = list(command)
        self._is_anything_due = is_anything_due
        self._shared_digest = shared_digest
        self._entry_point = entry_point
        self._surveyed_on = ""
        self._is_survey_due = False
        self._quarantine = 0
        self._stopping = threading.Event()
        self._running: PreforkServer | None = None
        # What was made of each superevent that changed lately, and when it is forgotten.
        self._made: dict[str, tuple[list[Path], float]] = {}

    def until_stopped(self) -> None:
        """Go on until SIGTERM or Ctrl-C; the run in hand begins no more jobs then."""
        self._inbox.mkdir(parents=True, exist_ok=True)
        with (
            signals.call_on_signals(lambda _: self._stop()),
            preloaded_server(self._entry_point) as server,
        ):
            self._running = server
            surveyed = float("-inf")
            waiting: set[str] = set()
            for changed in self._changes():
                if (
                    quarantine.QUARANTINE_DIRECTORY in changed
                    or self._quarantine_state() != self._quarantine
                ):
                    surveyed = float("-inf")
                waiting |= (changed - {quarantine.QUARANTINE_DIRECTORY}) | self._changed_since()
                # What is new comes before what is only due again.
                if waiting and self._run(server, sorted(waiting)):
                    waiting.clear()
                    if self._is_all_due():
                        surveyed = float("-inf")
                is_due = self._is_survey_due or time.monotonic() - surveyed > SURVEY_SECONDS
                if not waiting and is_due:
                    surveyed, self._is_survey_due = time.monotonic(), False
                    self._survey(server)

    def _stop(self) -> None:
        self._stopping.set()
        if self._running is not None:
            self._running.terminate()

    def _changes(self) -> Iterator[set[str]]:
        """Yield the superevents (and the quarantine) with new files; at least every 2 s."""
        polling = is_shared(self._inbox)
        while self._await_inbox():
            watched = directory_identity(self._inbox)
            way = f"every {_POLL_SECONDS:g} s" if polling else "with file system notifications"
            _LOG.info("watching %s, %s", self._inbox.resolve(), way)
            process_limit.check_threads()  # watchfiles aborts the process where it can start none
            try:
                for changed in self._poll() if polling else self._notifications():
                    if changed is None or directory_identity(self._inbox) != watched:
                        break
                    yield changed
            except FileNotFoundError:  # the inbox itself, which is waited for
                continue
            except (OSError, RuntimeError) as error:  # of what is in the inbox, or of the system
                _LOG.warning(
                    "file system notifications do not work for inbox %s (%s); its files are "
                    "compared every %g s instead",
                    *(self._inbox, error, _POLL_SECONDS),
                )
                polling = self._is_survey_due = True
                continue
            if not self._stopping.is_set() and directory_identity(self._inbox) is not None:
                _LOG.warning(
                    "inbox %s was replaced by another directory; all its alerts are checked",
                    self._inbox,
                )
                self._is_survey_due = True

    def _notifications(self) -> Iterator[set[str] | None]:
        """Yield changes that the system reports, at least once a second; None ends it."""
        for changes in watchfiles.watch(
            self._inbox,
            watch_filter=lambda _, path: self._is_relevant(path),
            debounce=_DEBOUNCE_MS,
            step=_STEP_MS,
            stop_event=self._stopping,
            rust_timeout=_TICK_MS,
            yield_on_timeout=True,
            force_polling=False,
        ):
            named = {self._superevent(path) for _, path in changes}
            yield None if self._is_deleted(changes) else {name for name in named if name}

    def _poll(self) -> Iterator[set[str]]:
        """Yield changes found by comparing names and times; unreadable directories are empty."""
        before = snapshot(self._inbox)
        yield set()
        while not self._stopping.wait(_POLL_SECONDS):
            now = snapshot(self._inbox)
            names = {name for name in before | now if before.get(name) != now.get(name)}
            before = now
            yield {name for name in names if self._superevent(str(self._inbox / name))}

    def _await_inbox(self) -> bool:
        """Wait until there is an inbox; tell whether to go on."""
        if directory_identity(self._inbox) is None and not self._stopping.is_set():
            _LOG.error(
                "inbox %s does not exist; no alerts can be processed until it is back", self._inbox
            )
            while directory_identity(self._inbox) is None:
                if self._stopping.wait(_TICK_MS / 1000):
                    return False
            _LOG.warning("inbox %s is back; all its alerts are checked", self._inbox)
            self._is_survey_due = True
        return not self._stopping.is_set()

    def _is_relevant(self, path: str) -> bool:
        return self._superevent(path) is not None or Path(path) == self._inbox

    def _is_deleted(self, changes: Set[tuple[watchfiles.Change, str]]) -> bool:
        """Return whether the watched directory is deleted; the next one may have its number."""
        return (watchfiles.Change.deleted, str(self._inbox)) in changes

    def _superevent(self, path: str) -> str | None:
        """Name the superevent, or the quarantine, whose directory a path is in."""
        inside = Path(path).relative_to(self._inbox).parts
        if inside and inside[0] == quarantine.QUARANTINE_DIRECTORY:
            return None if inside[-1].endswith(".tmp") else quarantine.QUARANTINE_DIRECTORY
        return inside[0] if inside and is_identifier(inside[0]) else None

    def _quarantine_state(self) -> int:
        """Return when entries last came or went; a new directory may be reported late."""
        try:
            return (self._inbox / quarantine.QUARANTINE_DIRECTORY).stat().st_mtime_ns
        except OSError:
            return 0

    def _changed_since(self) -> set[str]:
        """Find superevents that were made, and of which there are other files now."""
        now = time.monotonic()
        self._made = {name: made for name, made in self._made.items() if made[1] > now}
        return {name for name, (files, _) in self._made.items() if self._files(name) != files}

    def _is_all_due(self) -> bool:
        try:
            return self._shared_digest() != self._surveyed_on
        except SirenflowError:  # as the run has said
            return False

    def _survey(self, server: PreforkServer) -> None:
        """Run the workflow if anything is new in the whole inbox."""
        self._quarantine = self._quarantine_state()
        try:
            self._surveyed_on = self._shared_digest()
            # Again in a second if another run is in the way.
            self._is_survey_due = self._is_anything_due() and not self._run(server, [])
        except SirenflowError as error:  # of a configuration that is being edited, for one
            _LOG.error("%s", error)

    def _run(self, server: PreforkServer, superevents: Sequence[str]) -> bool:
        """Run the workflow; tell whether it need not be run again for these."""
        if self._stopping.is_set():
            return False
        files = {name: self._files(name) for name in superevents}
        present = [name for name in superevents if files[name]]
        if superevents and not present:  # only the directory is there yet
            return self._remember(files)
        events = [word for name in present for word in ("--superevent", name)]
        try:
            code = server.run([*self._command[:1], *events, *self._command[1:]])
        except ConnectionError as error:
            if not self._stopping.is_set():
                _LOG.warning("%s", error)
            return False
        if code == exit_codes.BUSY:
            return False
        return self._remember(files)

    def _remember(self, files: Mapping[str, list[Path]]) -> bool:
        until = time.monotonic() + LINGER_SECONDS
        self._made |= {name: (listed, until) for name, listed in files.items()}
        return True

    def _files(self, superevent: str) -> list[Path]:
        return store.list_alerts(self._inbox / superevent)
