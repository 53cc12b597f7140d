"""One run of the workflow: only what is new, then the catalogue."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

from sirenflow.errors import InboxError
from sirenflow.files import lock
from sirenflow.inbox import quarantine, store
from sirenflow.pipeline import snakemake_environment
from sirenflow.pipeline.build_state import Record, basis_of, notes, read_record, write_record
from sirenflow.pipeline.input_state import TABLES, files_digest, is_dated_after_now, table_facts
from sirenflow.pipeline.isolate_superevents import Attempt, make_apart
from sirenflow.pipeline.progress import Event, Job, Observer, Trouble
from sirenflow.pipeline.project import Project
from sirenflow.processes import pool
from sirenflow.superevent.unreadable_messages import read_unreadable

_FIRST = "alerts.json"
_PRODUCTS = ("index.html", "event.json", "circular.txt")
# Of Snakemake's options those that do not say which jobs are run, nor with what configuration.
_HOW = re.compile(
    r"--(workflow-)?profile|--executor|-e|--jobs|--cores|-[jc]\d*|--local-cores|--latency-wait|-w"
    r"|--(default-|set-)?resources|--set-threads|--groups|--group-components|--keep-going|-k"
    r"|--retries|-T|--max-.*|--scheduler.*|--(slurm|htcondor|kubernetes)-.*|--shared-fs-usage"
    r"|--verbose|--quiet|-q|--printshellcmds|-p|--show-failed-logs"
    # Those of profiles/default and profiles/slurm beside these.
    r"|--force-use-threads|--rerun-incomplete|--keep-incomplete"
)


@dataclass(frozen=True)
class Wanted:
    """Which superevents to consider: without any choice, those with new alerts.

    Attributes
    ----------
    everything
        All of them, and all that is made of them.
    superevents
        These.
    since
        Those with an alert created at this time or later, written as in names: 20261122T170000Z.
    """

    everything: bool = False
    superevents: tuple[str, ...] = ()
    since: str | None = None


@dataclass
class Outcome:
    """What a run came to.

    Attributes
    ----------
    superevents, alerts
        How many superevents were considered, and of how many alert files.
    made
        How many jobs were done.
    rejected
        Superevent, file and reason of each alert that was rejected now.
    left_out
        Sentences on what could not be used, and is missing on pages that were made.
    failed
        Jobs that failed.
    troubles
        What else went wrong.
    """

    superevents: int = 0
    alerts: int = 0
    made: int = 0
    rejected: list[tuple[str, str, str]] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)
    failed: list[Job] = field(default_factory=list)
    troubles: list[str] = field(default_factory=list)

    @property
    def succeeded(self) -> bool:
        """Whether everything was made."""
        return not self.failed and not self.troubles


def run(
    project: Project,
    wanted: Wanted,
    cores: int,
    observe: Observer,
    extra: Sequence[str] = (),
) -> Outcome:
    """Bring products up to date.

    First the superevents, so that their pages are there as soon as can be; then, of all that are
    there, the catalogue. A superevent that fails stays as it was, and is tried again the next time.

    Parameters
    ----------
    project
        The workflow and its configuration.
    wanted
        Which superevents to consider.
    cores
        How many jobs at a time.
    observe
        Is told what happens.
    extra
        More arguments for `snakemake`.

    Raises
    ------
    BusyError
        If another run works on the same results.
    InboxError
        If the inbox cannot be read, or has none of the superevents that are wanted.
    Stopped
        If it was told to stop.
    """
    with lock.exclusive(project.private / "lock"):
        return _Run(project, cores, observe, extra).make(wanted)


def is_anything_new(project: Project) -> bool:
    """Tell whether a run would have something to do.

    Raises
    ------
    InboxError
        If the inbox cannot be read.
    """
    survey = _survey(project, Wanted())
    return bool(survey.chosen) or survey.is_catalogue_due


def says_only_how(extra: Sequence[str]) -> bool:
    """Tell whether options of Snakemake say how jobs are run, and not which: no dry run, say."""
    options = [word.partition("=")[0] for word in extra if word.startswith("-")]
    return all(_HOW.fullmatch(option) for option in options)


def basis(project: Project) -> str:
    """Give a digest of what every product depends on beside alerts: another, and all are due."""
    return basis_of(project.config)


@dataclass(frozen=True)
class _Survey:
    """What the inbox and the record say.

    Attributes
    ----------
    alerts
        Files of each superevent that was looked at.
    digests
        Of these files, and of the messages about the superevent that could not be read.
    unreadable
        Digest of all messages that could not be read.
    quarantine_error
        Why the quarantine cannot be read; None if it can be read.
    record
        What is done.
    chosen
        Those to consider.
    overtaken
        Those of them of which Snakemake may not know that they are to be made anew.
    gone
        Those that were done and are not in the inbox any more.
    lost
        Reports that all superevents of the record are gone from the inbox; None if they are not.
    is_catalogue_due
        Whether it is, even if no superevent is.
    """

    alerts: Mapping[str, Sequence[Path]]
    digests: Mapping[str, str]
    unreadable: str
    quarantine_error: str | None
    record: Record
    chosen: list[str]
    overtaken: list[str]
    gone: list[str]
    lost: str | None
    is_catalogue_due: bool

    def record_with(self, done: Iterable[str]) -> Record:
        digests = {name: self.digests[name] for name in done}
        record = self.record.without(self.gone).with_done(digests, notes())
        return replace(record, unreadable=self.unreadable)


def _record_file(project: Project) -> Path:
    return project.private / "done.json"


def _survey(project: Project, wanted: Wanted) -> _Survey:
    if not project.inbox.is_dir():
        raise InboxError(
            f"inbox {str(project.inbox)!r} does not exist; fill it with `sirenflow ingest "
            "PATH...`, or name another with `--inbox DIRECTORY`"
        )
    known = read_record(_record_file(project))
    record = known.on(basis(project))
    alerts = store.list_superevents(project.inbox, wanted.superevents or None)
    lost = None if wanted.everything else _loss(project, known, alerts)
    unread = read_unreadable(project.inbox)
    digests = {name: files_digest(files) + unread.digest(name) for name, files in alerts.items()}
    unreadable = unread.digest()
    due = not (project.results / "index.html").exists() or record.unreadable != unreadable
    if wanted.superevents:
        unknown = sorted(set(wanted.superevents) - set(alerts))
        if unknown:
            raise InboxError(f"no alerts of {', '.join(unknown)} in {project.inbox}")
    gone = [] if wanted.superevents else sorted(record.superevents.keys() - digests.keys())
    outdated = set(record.outdated(digests))
    chosen = [name for name in alerts if _is_wanted(project, wanted, name, alerts, outdated)]
    overtaken = known.overtaken({name: digests[name] for name in chosen}, basis(project), notes())
    overtaken += [
        name
        for name in chosen
        if name not in overtaken
        and (is_dated_after_now(project.results / name) or _is_damaged(project, name))
    ]
    due = due or bool(gone) or lost is not None
    error = unread.quarantine_error
    return _Survey(alerts, digests, unreadable, error, record, chosen, overtaken, gone, lost, due)


def _loss(project: Project, known: Record, alerts: Mapping[str, Sequence[Path]]) -> str | None:
    """Return a report if the record has superevents and the inbox has none at all.

    As where a file system is not mounted. A new catalogue would be empty.
    """
    names = known.superevents
    if not names or alerts:
        return None
    count = "the superevent" if len(names) == 1 else f"all {len(names):,} superevents"
    return (
        f"{count} of the last run, such as {min(names)}, cannot be found in inbox "
        f"{str(project.inbox)!r}: is its file system mounted? The catalogue stays as it is; if the "
        "alerts were removed on purpose, accept it with `sirenflow run --all`"
    )


def _is_wanted(
    project: Project,
    wanted: Wanted,
    superevent: str,
    alerts: Mapping[str, Sequence[Path]],
    outdated: Set[str],
) -> bool:
    if wanted.everything or wanted.superevents:
        return True
    if wanted.since is not None:
        return any(file.name >= wanted.since for file in alerts[superevent])
    products = (project.results / superevent / name for name in _PRODUCTS)
    if superevent in outdated or not all(product.exists() for product in products):
        return True
    return _is_damaged(project, superevent)


def _is_damaged(project: Project, superevent: str) -> bool:
    """Tell whether a product that those of all superevents are made of is cut short.

    Only its last bytes are read: there may be thousands.
    """
    for name in ("event.json", "candidates.json"):
        with suppress(OSError), (project.results / superevent / name).open("rb") as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(max(size - 2, 0))
            if file.read() != b"}\n":
                return True
    return False


class _Run:
    def __init__(
        self, project: Project, cores: int, observe: Observer, extra: Sequence[str]
    ) -> None:
        self._project = project
        self._extra = extra
        self._arguments = ["--cores", str(cores), *extra]
        self._cores = cores
        self._tell = observe
        self._outcome = Outcome()
        self._done: dict[str, set[str]] = {}
        self._up_to_date: set[str] = set()

    def make(self, wanted: Wanted) -> Outcome:
        survey = _survey(self._project, wanted)
        chosen, alerts = survey.chosen, survey.alerts
        if not chosen and not survey.is_catalogue_due:
            self._outcome.left_out = list(self._left_out(survey))
            return self._outcome
        if survey.lost is not None:  # whose record and catalogue stay
            self._note(Trouble(survey.lost))
        elif not self._forget(survey):
            return self._outcome
        self._outcome.superevents = len(chosen)
        self._outcome.alerts = sum(len(alerts[superevent]) for superevent in chosen)
        snakemake_environment.prepare(self._project.private)
        pool.start(self._cores)  # they import what they need while the jobs are planned
        lock.forget_stale_locks(self._project.results)
        # To name more than half of them costs Snakemake more than to consider all.
        whole = not wanted.superevents and len(chosen) > len(alerts) / 2
        anew = [f"{self._project.results / name / _FIRST}" for name in survey.overtaken]
        is_other = survey.record.unreadable != survey.unreadable
        tables = self._make_superevents(chosen, whole, anew) and survey.lost is None
        if tables and self._make_tables(is_other) and self._says_only_how():
            with self._disk_errors_told():
                done = self._finished(chosen)
                write_record(_record_file(self._project), survey.record_with(done))
        self._outcome.rejected = list(self._rejected())
        self._outcome.left_out = list(self._left_out(survey))
        return self._outcome

    def _says_only_how(self) -> bool:
        """Return whether all wanted jobs were run; profiles have options, too."""
        from sirenflow.pipeline.snakemake_driver import options_in_effect

        return says_only_how(options_in_effect([*self._project.options, *self._arguments]))

    def _forget(self, survey: _Survey) -> bool:
        """Have the record promise nothing that this run may break; tell whether it could."""
        with self._disk_errors_told():
            write_record(_record_file(self._project), survey.record.without(survey.chosen))
            return True
        return False

    def _make_superevents(self, chosen: Sequence[str], whole: bool, anew: Sequence[str]) -> bool:
        """Make superevents; tell whether anything at all can be made."""

        def make(names: Sequence[str]) -> Attempt:
            considered = None if whole and len(names) == len(chosen) else [*names]
            forced = [file for file in anew if Path(file).parent.name in names]
            attempt = self._snakemake("superevents", considered, forced)
            if attempt.made:
                self._up_to_date.update(names)
            failed = {job.superevent for job in self._outcome.failed}
            left = set(names) - failed - set(self._finished(names))
            # What is for all superevents is no reason to look for some of them.
            unfinished = () if None in failed else tuple(name for name in names if name in left)
            return replace(attempt, unfinished=unfinished)

        for names, attempt in make_apart(chosen, make) if chosen else ():
            if not names:
                self._report(attempt)
                return False
            for name in names:
                said = "\n".join(trouble.text for trouble in attempt.troubles)
                self._note(Job("snakemake", name, failed=True, said=said))
        return True

    def _make_tables(self, is_catalogue_due: bool) -> bool:
        """Make what is about all superevents."""
        results = self._project.results
        pages = {"index.html"} if is_catalogue_due else set()
        if is_dated_after_now(results):  # Snakemake may take them for up to date
            has_candidates = self._project.config["candidates"]
            pages = {"index.html", "candidates.html"} if has_candidates else {"index.html"}
        anew = [f"{results / page}" for page in sorted(pages)]
        attempt = self._snakemake("tables", [], anew)
        self._report(attempt)
        return attempt.made

    def _snakemake(
        self, target: str, superevents: list[str] | None, anew: Sequence[str]
    ) -> Attempt:
        # Slow to import, and not needed where nothing is new.
        from sirenflow.pipeline.snakemake_driver import run_snakemake

        try:
            arguments = self._project.arguments(target, superevents)
        except InboxError as error:
            return Attempt(made=False, troubles=(Trouble(str(error)),))
        arguments += ["--forcerun", *anew] if anew else []
        return run_snakemake([*arguments, *self._arguments], self._note)

    def _report(self, attempt: Attempt) -> None:
        for trouble in attempt.troubles:
            self._note(trouble)

    def _left_out(self, survey: _Survey) -> Iterator[str]:
        """Report which directories and tables cannot be used, now or since an earlier run."""
        yield from store.list_case_conflicts(self._project.inbox)
        rejected_now = {superevent for superevent, _, _ in self._outcome.rejected}
        for superevent in sorted(survey.alerts.keys() - rejected_now):
            for path in survey.alerts[superevent]:
                if not store.is_alert_name(path.name):  # a directory in place of its alerts
                    yield f"{path} cannot be listed: alerts of {superevent} are missing"
        if survey.quarantine_error:
            directory = self._project.inbox / quarantine.QUARANTINE_DIRECTORY
            yield (
                f"quarantine {directory} cannot be read: {survey.quarantine_error}; messages may "
                "be missing, as pages and catalogue say; repair it and run again"
            )
        config = self._project.config
        for key in TABLES:
            reason = table_facts(config, key).get("unusable_because") if config[key] else None
            if reason:
                yield f"{reason}; pages were made without it"

    @contextmanager
    def _disk_errors_told(self) -> Iterator[None]:
        """Have what was done before, and what failed, told beside an error of our own files."""
        try:
            yield
        except InboxError as error:
            self._note(Trouble(str(error)))

    def _note(self, event: Event) -> None:
        match event:
            case Job(failed=True):
                self._outcome.failed.append(event)
            case Job(stage, superevent):
                self._outcome.made += 1
                if superevent is not None:
                    self._done.setdefault(superevent, set()).add(stage)
            case Trouble():
                self._outcome.troubles.append(event.text)
        self._tell(event)

    def _finished(self, chosen: Iterable[str]) -> list[str]:
        """List superevents of which all is made."""
        failed = {job.superevent for job in self._outcome.failed}
        last = (
            {"report", "flatten"} if self._project.config["skymaps"]["flat_nside"] else {"report"}
        )
        return [
            superevent
            for superevent in chosen
            if superevent in self._up_to_date
            or (last <= self._done.get(superevent, set()) and superevent not in failed)
        ]

    def _rejected(self) -> Iterator[tuple[str, str, str]]:
        for superevent, stages in sorted(self._done.items()):
            if "extract" in stages:
                product = self._project.results / superevent / "alerts.json"
                for rejected in json.loads(product.read_bytes())["rejected"]:
                    yield superevent, rejected["file"], rejected["reason"]
