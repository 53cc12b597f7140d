"""What the Snakefile and its rules use: configuration, inputs and stages.

The Snakefile and the files in workflow/rules only say which rule has which files. The parameter
`workflow` is Snakemake's object of that name.
"""

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import Any

from sirenflow import __version__
from sirenflow.alerts import identifier
from sirenflow.config import configuration
from sirenflow.config.validation import validate
from sirenflow.errors import ConfigError
from sirenflow.files.durable import refuse_others
from sirenflow.inbox import store
from sirenflow.pipeline import input_state, stage_workers
from sirenflow.pipeline.snakemake import workflow_hooks
from sirenflow.pipeline.snakemake.workflow_hooks import is_module, workflow_errors
from sirenflow.pipeline.stage_recovery import run_with_recovery
from sirenflow.superevent.unreadable_messages import Unreadable, read_unreadable

VERSION = __version__
"""A parameter of each rule, so that another version of Sirenflow rebuilds everything."""

_MENUS = {"mock": "Mock superevents", "test": "Test superevents"}


@dataclass(frozen=True)
class Inputs:
    """What the workflow builds from: the configuration, and the alerts of the inbox."""

    config: Mapping[str, Any]
    alerts: Mapping[str, Sequence[Path]]
    unreadable: Unreadable

    @property
    def results(self) -> str:
        """Directory of the products."""
        return str(self.config["results"])

    @property
    def private(self) -> Path:
        """Directory, in that of the products, for what is not a product."""
        return Path(self.results, ".sirenflow")

    @property
    def superevent_pattern(self) -> str:
        """Regular expression for the wildcard `superevent`.

        If the configuration names superevents, no rule can build anything of others.
        """
        if self.config["superevents"] is None:
            return identifier.PATTERN
        return "|".join(self.alerts) or "(?!)"

    @cached_property
    def levels_percent(self) -> list[int]:
        """Credible levels of areas and volumes."""
        return configuration.credible_levels_percent(self.config)

    @cached_property
    def config_sha256(self) -> str:
        """Digest of the configuration, as a page states it."""
        return configuration.config_digest(self.config)

    def alerts_digest(self, superevent: str) -> str:
        """Return a digest of the state of a superevent's alert files."""
        return input_state.files_digest(self.alerts[superevent])

    def alerts_state(self, superevent: str) -> list[str]:
        """Return the file with the state of a superevent's alert files; see `input_state`."""
        name = f"superevents/{superevent}"
        return input_state.write_state(self.private, name, self.alerts_digest(superevent))

    def table_digest(self, key: str) -> str:
        """Return a digest of the state of a user's table: ``galaxies`` or ``candidates``."""
        return input_state.table_digest(self.config, key)

    def table_state(self, key: str) -> list[str]:
        """Return the file with the state of a user's table; see `input_state`."""
        return input_state.write_state(self.private, f"tables/{key}", self.table_digest(key))

    def products_of_all(self, pattern: str) -> list[str]:
        """Return a product of each superevent: those that are to be built, and those that exist."""
        superevents = (
            self.alerts
            if self.config["superevents"] is None
            else store.list_superevents(Path(self.config["inbox"]))
        )
        products = {name: pattern.format(superevent=name) for name in superevents}
        return [
            product
            for name, product in products.items()
            if name in self.alerts or Path(product).is_file()
        ]

    def missing_beside(self, page: str, patterns: Iterable[str]) -> list[str]:
        """Return products of a rule that are missing although its page is there.

        Naming a file costs Snakemake a millisecond, so a page stands for what is made with it.
        """
        return [
            product
            for name in self.alerts
            if Path(page.format(superevent=name)).exists()
            for product in (pattern.format(superevent=name) for pattern in patterns)
            if not Path(product).exists()
        ]


def prepare(workflow: Any) -> None:
    """Prepare the process that reads the Snakefile.

    Raise WorkflowError if the workflow is a module with a prefix, which cannot work.
    """
    refuse_others()
    if not is_module(workflow):
        workflow_hooks.protect_subprocesses()
        workflow_hooks.share_one_process(workflow)
    elif workflow_hooks.has_prefix(workflow):
        with workflow_errors():
            raise ConfigError(
                "module of Sirenflow: prefix and replace_prefix are not supported, as inputs of "
                "its rules are outside the products; set inbox and results in config: instead"
            )


def find_configuration(root: Path) -> Path:
    """Return config.yaml of the working directory, or else of the workflow's directory.

    It need not exist: ``--configfile`` may name another one. Raise WorkflowError if it cannot be
    read.
    """
    with workflow_errors():
        file = configuration.find_config(root)
        if file.exists():
            configuration.load(file)
    return file


def read_inputs(workflow: Any, config: Mapping[str, Any], root: Path) -> Inputs:
    """Validate the configuration and list the alerts.

    Raise WorkflowError if the configuration is wrong, or the inbox cannot be read.

    Parameters
    ----------
    root
        The workflow's directory. A module without a configuration uses the one there, since
        config/config.yaml and ``--config`` are the other workflow's.
    """
    with workflow_errors():
        if not is_module(workflow):
            for file in workflow.configfiles:
                configuration.load(Path(file))  # it refuses a key that is set twice
        elif not workflow_hooks.has_config(workflow):
            config = configuration.load(root / configuration.CONFIG_FILE)
        whole = validate(config)
        inbox = Path(whole["inbox"])
        alerts = store.list_superevents(inbox, whole["superevents"])
        return Inputs(whole, alerts, read_unreadable(inbox))


def start_run(workflow: Any, inputs: Inputs) -> None:
    """Let no other run build the same products; called before the first job.

    Raise WorkflowError if another run works on them.
    """
    with workflow_errors():
        stage_workers.RUN_LOCKS.hold(inputs.private / "lock")
    if not is_module(workflow):
        workflow_hooks.disable_rate_limit(workflow)
        workflow_hooks.record_jobs_once(workflow)


def start_before_first_job(workflow: Any, inputs: Inputs) -> None:
    """Have `start_run` called in a module, whose directive `onstart:` Snakemake ignores."""
    workflow_hooks.before_first_job(workflow, partial(start_run, workflow, inputs))


def run_rule(
    workflow: Any,
    stage: str,
    inputs: Any,
    outputs: Any,
    log: str,
    outside: Mapping[str, Any],
    arguments: Mapping[str, Any],
) -> None:
    """Run the stage of a rule in a worker process; write why it failed to the rule's log.

    Parameters
    ----------
    stage
        Name of a module of `sirenflow.stages`, and of its function.
    inputs, outputs
        Snakemake's lists of the rule's files, which have names.
    outside
        Files by name that are not inputs of the rule, as they are not products.
    """
    named = {**dict(inputs.items()), **dict(outputs.items()), **outside}
    files = {name: _as_text(value) for name, value in named.items()}
    try:
        run = partial(stage_workers.run_stage, stage_workers.start(workflow.cores))
        run_with_recovery(run, stage, files, arguments)
    except Exception as error:
        with suppress(OSError):  # on a full disk the stage's own error is reported
            lines = [*getattr(error, "output", ()), f"{stage}: {error}\n"]
            Path(log).write_text("\n".join(lines), errors="backslashreplace")
        raise
    input_state.date_not_after_now(inputs)


def _as_text(files: Any) -> str | list[str]:
    """Return a file or several as text: Snakemake's own types cannot be sent to a worker."""
    return str(files) if isinstance(files, str) else [*map(str, files)]


def report_category(superevent: str) -> str:
    """Return the menu of a superevent in Snakemake's report; real ones are apart from others."""
    return _MENUS.get(identifier.superevent_kind(superevent), "Superevents")


def report_month(superevent: str) -> str:
    """Return the month of a superevent's signal by its identifier: S241102br is of 2024-11."""
    return identifier.superevent_month(superevent) or "Unusual identifiers"
