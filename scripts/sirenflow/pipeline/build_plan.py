"""Which superevents a run builds: the inbox compared with the build state."""

import os
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from sirenflow.errors import InboxError
from sirenflow.inbox import store
from sirenflow.pipeline.build_state import BuildState, read_build_state, shared_digest
from sirenflow.pipeline.input_state import files_digest, is_dated_after_now
from sirenflow.pipeline.project import Project
from sirenflow.pipeline.snakemake.snakemake_dir import snakemake_dir_id
from sirenflow.superevent.unreadable_messages import read_unreadable

FIRST_PRODUCT = "alerts.json"
"""Product of the first stage of each superevent; all others depend on it."""

_PRODUCTS = (
    *(FIRST_PRODUCT, "localization.json", "regions.json"),
    *("index.html", "event.json", "circular.txt"),
)
_TABLES = (
    *("index.html", "catalogue.ecsv", "catalogue.csv", "catalogue.json", "catalogue.vot"),
    "events.atom",
)
_READ_BY_TABLES = ("event.json", "candidates.json")


@dataclass(frozen=True)
class Selection:
    """Which superevents to consider: by default those with new alerts.

    Attributes
    ----------
    everything
        All of them, and all products of each.
    since
        Those with an alert created at this time or later, written as in names: 20261122T170000Z.
    """

    everything: bool = False
    superevents: tuple[str, ...] = ()
    since: str | None = None


@dataclass(frozen=True)
class BuildPlan:
    """What a run has to do.

    Attributes
    ----------
    alerts
        Files of each superevent that was looked at.
    digests
        Of these files, and of the superevent's unreadable messages.
    unreadable
        Digest of all unreadable messages.
    quarantine_error
        Why the quarantine cannot be read; None if it can be read.
    force_rerun
        Those of them that Snakemake may wrongly take for up to date.
    removed
        Superevents that were built and are not in the inbox any more.
    missing_inbox
        Error message if all superevents of the build state are gone from the inbox, else None.
    is_limited
        Whether only superevents that the user named were looked at.
    """

    alerts: Mapping[str, Sequence[Path]]
    digests: Mapping[str, str]
    unreadable: str
    quarantine_error: str | None
    state: BuildState
    selected: list[str]
    force_rerun: list[str]
    removed: list[str]
    missing_inbox: str | None
    is_catalogue_due: bool
    is_catalogue_incomplete: bool
    is_limited: bool

    @property
    def is_anything_due(self) -> bool:
        """Whether there is something to build."""
        return bool(self.selected) or self.is_catalogue_due

    @property
    def are_messages_new(self) -> bool:
        """Whether the catalogue lists other unreadable messages than there are now."""
        return self.state.unreadable != self.unreadable

    def state_with(self, built: Iterable[str]) -> BuildState:
        """Return the build state after these superevents and the catalogue were built."""
        digests = {name: self.digests[name] for name in built}
        state = self.state.without(self.removed).with_built(digests, snakemake_dir_id())
        return replace(state, unreadable=self.unreadable)


def build_state_file(project: Project) -> Path:
    """Return the file with the build state."""
    return project.private / "done.json"


def plan_build(project: Project, selection: Selection) -> BuildPlan:
    """Compare the inbox with the build state.

    Raise InboxError if the inbox cannot be read, or has no alerts of a superevent that is named.
    """
    alerts = _list_alerts(project, selection)
    known = read_build_state(build_state_file(project))
    now = shared_digest(project.config)
    state = known.valid_for(now)
    unreadable = read_unreadable(project.inbox)
    digests = {
        name: files_digest(files) + unreadable.digest(name) for name, files in alerts.items()
    }
    selected = _select(project, selection, alerts, set(state.outdated(digests)))
    built = {
        name: digests[name]
        for name in selected
        if (project.results / name / FIRST_PRODUCT).exists()
    }
    force_rerun = known.force_rerun(built, now, snakemake_dir_id())
    incomplete = not all((project.results / name).exists() for name in _TABLES)
    removed = [] if selection.superevents else sorted(state.superevents.keys() - digests.keys())
    missing = None if selection.everything else _check_inbox(project, known, alerts)
    return BuildPlan(
        alerts=alerts,
        digests=digests,
        unreadable=unreadable.digest(),
        quarantine_error=unreadable.quarantine_error,
        state=state,
        selected=selected,
        force_rerun=force_rerun + _untrusted_times(project, selected, force_rerun),
        removed=removed,
        missing_inbox=missing,
        is_catalogue_due=incomplete
        or state.unreadable != unreadable.digest()
        or bool(removed)
        or missing is not None,
        is_catalogue_incomplete=incomplete,
        is_limited=bool(selection.superevents),
    )


def _list_alerts(project: Project, selection: Selection) -> dict[str, list[Path]]:
    alerts = store.list_superevents(project.inbox, selection.superevents or None)
    unknown = sorted(set(selection.superevents) - set(alerts))
    if unknown:
        raise InboxError(f"no alerts of {', '.join(unknown)} in {project.inbox}")
    return alerts


def _select(
    project: Project,
    selection: Selection,
    alerts: Mapping[str, Sequence[Path]],
    outdated: set[str],
) -> list[str]:
    if selection.everything or selection.superevents:
        return list(alerts)
    since = selection.since
    if since is not None:
        return [name for name in alerts if any(file.name >= since for file in alerts[name])]
    return [name for name in alerts if name in outdated or _is_incomplete(project, name)]


def _is_incomplete(project: Project, superevent: str, products: Sequence[str] = _PRODUCTS) -> bool:
    directory = project.results / superevent
    is_missing = not all((directory / name).exists() for name in products)
    return is_missing or _is_cut_short(project, superevent)


def _is_cut_short(project: Project, superevent: str) -> bool:
    """Return whether a product that the catalogue or the table of candidates reads is incomplete.

    Only its last bytes are read, as there may be thousands. The catalogue finds other damage when
    it reads the file: see `sirenflow.catalogue.cache`.
    """
    for name in _READ_BY_TABLES:
        with suppress(OSError), (project.results / superevent / name).open("rb") as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(max(size - 2, 0))
            if file.read() != b"}\n":
                return True
    return False


def _untrusted_times(project: Project, selected: Iterable[str], known: Sequence[str]) -> list[str]:
    """List superevents with products that Snakemake may wrongly take for up to date.

    Their times say nothing about their content, or one is missing that no target names.
    """
    others = [name for name in _PRODUCTS if name != "index.html"]  # the page is a target
    return [
        name
        for name in selected
        if name not in known
        and (project.results / name).exists()
        and (is_dated_after_now(project.results / name) or _is_incomplete(project, name, others))
    ]


def _check_inbox(
    project: Project, known: BuildState, alerts: Mapping[str, Sequence[Path]]
) -> str | None:
    """Return an error message if the build state has superevents and the inbox has none at all.

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
