"""One run of the workflow: superevents with new alerts, then the catalogue."""

import csv
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from io import StringIO
from pathlib import Path

from sirenflow.errors import InboxError
from sirenflow.inbox import quarantine, store
from sirenflow.pipeline import stage_workers
from sirenflow.pipeline.build_plan import (
    FIRST_PRODUCT,
    BuildPlan,
    Selection,
    build_state_file,
    plan_build,
)
from sirenflow.pipeline.build_state import BuildState, write_build_state
from sirenflow.pipeline.fatal_superevents import Attempt, build_separately
from sirenflow.pipeline.input_state import TABLES, is_dated_after_now, table_facts
from sirenflow.pipeline.progress import (
    JobFinished,
    ProgressCallback,
    ProgressEvent,
    RunError,
    RunOutcome,
)
from sirenflow.pipeline.project import Project
from sirenflow.pipeline.snakemake import environment
from sirenflow.pipeline.snakemake.snakemake_dir import remove_stale_locks


def run(
    project: Project,
    selection: Selection,
    cores: int,
    on_progress: ProgressCallback,
    extra: Sequence[str] = (),
) -> RunOutcome:
    """Bring products up to date.

    Superevents come first, so that their pages are there as soon as possible; then the catalogue of
    all. A superevent that fails keeps its products, and is tried again by the next run. Raise
    BusyError if another run works on the same results. Raise InboxError if the inbox cannot be
    read, or has no alerts of a superevent that is named. Raise Stopped if a signal stopped it.
    """
    with stage_workers.RUN_LOCKS.exclusive(project.private / "lock"):
        return _Run(project, cores, on_progress, extra).build(plan_build(project, selection))


class _Run:
    def __init__(
        self, project: Project, cores: int, on_progress: ProgressCallback, extra: Sequence[str]
    ) -> None:
        self._project = project
        self._arguments = ["--cores", str(cores), *extra]
        self._cores = cores
        self._on_progress = on_progress
        self._outcome = RunOutcome()
        self._up_to_date: set[str] = set()

    def build(self, plan: BuildPlan) -> RunOutcome:
        if plan.missing_inbox is not None:  # the build state and the catalogue stay
            self._report(RunError(plan.missing_inbox))
            self._build(plan)
        # The state must not list what this run may leave half built.
        elif plan.is_anything_due and self._write_state(plan.state.without(plan.selected)):
            self._build(plan)
        self._outcome.rejected = list(self._rejected())
        self._outcome.left_out = list(self._left_out(plan))
        return self._outcome

    def _build(self, plan: BuildPlan) -> None:
        self._outcome.superevents = len(plan.selected)
        self._outcome.alerts = sum(len(plan.alerts[name]) for name in plan.selected)
        environment.prepare(self._project.private)
        stage_workers.start(self._cores)  # workers import what they need while Snakemake plans
        remove_stale_locks(self._project.results)
        if not self._build_superevents(plan) or plan.missing_inbox is not None:
            return
        if not self._build_tables(plan.are_messages_new or plan.is_catalogue_incomplete):
            return
        damaged = self._find_damaged()
        if damaged and not (self._rebuild_pages(damaged) and self._build_tables(False)):
            return
        if self._are_all_targets_built():
            self._write_state(plan.state_with(self._finished(plan.selected)))

    def _build_superevents(self, plan: BuildPlan) -> bool:
        """Build superevents; return whether anything at all can be built."""
        # To name more than half of them costs Snakemake more than to consider all.
        is_whole = not plan.is_limited and len(plan.selected) > len(plan.alerts) / 2

        def build(names: Sequence[str]) -> Attempt:
            considered = None if is_whole and len(names) == len(plan.selected) else [*names]
            forced = [
                self._project.results / name / FIRST_PRODUCT
                for name in plan.force_rerun
                if name in names
            ]
            attempt = self._snakemake("superevents", considered, forced)
            if attempt.succeeded:
                self._up_to_date.update(names)
            failed = self._outcome.failed_superevents
            left = set(names) - failed - set(self._finished(names))
            # A failed job on all superevents is no reason to build some of them separately.
            unfinished = () if None in failed else tuple(name for name in names if name in left)
            return replace(attempt, unfinished=unfinished)

        for names, attempt in build_separately(plan.selected, build) if plan.selected else ():
            if not names:
                self._report(*attempt.errors)
                return False
            message = "\n".join(error.text for error in attempt.errors)
            self._report(*(JobFinished("snakemake", name, True, message=message) for name in names))
        return True

    def _build_tables(self, is_forced: bool) -> bool:
        """Build the products on all superevents; return whether that succeeded."""
        results = self._project.results
        forced = [results / "index.html"] if is_forced else []
        if is_dated_after_now(results):  # Snakemake may take them for up to date
            forced = [results / "index.html"]
            if self._project.config["candidates"]:
                forced.append(results / "candidates.html")
        attempt = self._snakemake("tables", [], forced)
        self._report(*attempt.errors)
        return attempt.succeeded

    def _find_damaged(self) -> list[str]:
        """List superevents that are not in the catalogue because their summary is damaged.

        The summaries are read by the catalogue's stage only, which leaves out what it cannot read.
        """
        try:
            text = (self._project.results / "catalogue.csv").read_text(encoding="utf-8")
        except FileNotFoundError:  # as with `--until extract`
            return []
        listed = {row["superevent_id"] for row in csv.DictReader(StringIO(text, newline=""))}
        names = sorted(
            name
            for name in {path.name for path in self._project.inbox.iterdir()} - listed
            if (self._project.results / name / "event.json").exists()
        )
        return list(store.list_superevents(self._project.inbox, names)) if names else []

    def _rebuild_pages(self, superevents: list[str]) -> bool:
        """Build the pages and summaries of superevents again; return whether that succeeded."""
        summaries = [self._project.results / name / "event.json" for name in superevents]
        attempt = self._snakemake("superevents", superevents, summaries)
        self._report(*attempt.errors)
        return attempt.succeeded

    def _snakemake(
        self, target: str, superevents: list[str] | None, forced: Sequence[Path]
    ) -> Attempt:
        # Slow to import, and not needed where nothing is new.
        from sirenflow.pipeline.snakemake.driver import run_snakemake

        try:
            arguments = self._project.arguments(target, superevents)
        except InboxError as error:
            return Attempt(succeeded=False, errors=(RunError(str(error)),))
        # A name may begin with "-"; Snakemake removes the "./".
        files = [str(path) if path.is_absolute() else f"./{path}" for path in forced]
        arguments += ["--forcerun", *files] if files else []
        return run_snakemake([*arguments, *self._arguments], self._report)

    def _are_all_targets_built(self) -> bool:
        """Return whether the options, also those of profiles, leave out no target."""
        from sirenflow.pipeline.snakemake.driver import keeps_targets, options_in_effect

        return keeps_targets(options_in_effect([*self._project.options, *self._arguments]))

    def _write_state(self, state: BuildState) -> bool:
        """Write the build state; report an error, and return whether there was none."""
        try:
            write_build_state(build_state_file(self._project), state)
        except InboxError as error:
            self._report(RunError(str(error)))
            return False
        return True

    def _report(self, *events: ProgressEvent) -> None:
        for event in events:
            self._outcome.add(event)
            self._on_progress(event)

    def _finished(self, superevents: Iterable[str]) -> list[str]:
        """List superevents of which everything is built."""
        is_flat = self._project.config["skymaps"]["flat_nside"]
        last = {"report", "flatten"} if is_flat else {"report"}
        failed = self._outcome.failed_superevents
        return [
            name
            for name in superevents
            if name in self._up_to_date
            or (last <= self._outcome.stages.get(name, set()) and name not in failed)
        ]

    def _rejected(self) -> Iterator[tuple[str, str, str]]:
        """Yield superevent, file and reason of each alert that this run rejected."""
        for superevent, stages in sorted(self._outcome.stages.items()):
            if "extract" in stages:
                product = self._project.results / superevent / FIRST_PRODUCT
                for rejected in json.loads(product.read_bytes())["rejected"]:
                    yield superevent, rejected["file"], rejected["reason"]

    def _left_out(self, plan: BuildPlan) -> Iterator[str]:
        """Report which directories and tables cannot be used, now or since an earlier run."""
        yield from store.list_case_conflicts(self._project.inbox)
        rejected_now = {superevent for superevent, _, _ in self._outcome.rejected}
        for superevent in sorted(plan.alerts.keys() - rejected_now):
            for path in plan.alerts[superevent]:
                if not store.is_alert_name(path.name):  # a directory in place of its alerts
                    yield f"{path} cannot be listed: alerts of {superevent} are missing"
        if plan.quarantine_error:
            directory = self._project.inbox / quarantine.QUARANTINE_DIRECTORY
            yield (
                f"quarantine {directory} cannot be read: {plan.quarantine_error}; messages may "
                "be missing, as pages and catalogue say; repair it and run again"
            )
        config = self._project.config
        for key in TABLES:
            reason = table_facts(config, key).get("unusable_reason") if config[key] else None
            if reason:
                yield f"{reason}; pages were made without it"
