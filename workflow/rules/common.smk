# How a rule runs its stage, and where its products stand in Snakemake's report.


def work(stage, input, output, log, outside=None, **arguments):
    """Hand a stage to a worker process, its files as arguments of the names the rule gives them.

    `outside` names the files that are not ours, and thus not among the inputs.
    """
    named = {**dict(input.items()), **dict(output.items()), **(outside or {})}
    files = {
        name: str(value) if isinstance(value, str) else [*map(str, value)]
        for name, value in named.items()
    }
    try:
        isolate_alerts.run_stage(
            partial(stage_workers.run_stage, stage_workers.start(workflow.cores)),
            stage,
            files,
            arguments,
        )
    except Exception as error:
        with suppress(OSError):  # on a full disk: it is the stage's error that is told
            lines = [*getattr(error, "output", ()), f"{stage}: {error}\n"]
            Path(log[0]).write_text("\n".join(lines), errors="backslashreplace")
        raise
    input_state.date_not_after_now(input)


def take_lock():
    """Let no two runs make the same products; a run that died is not in the way."""
    try:
        stage_workers.RUN_LOCKS.hold(Path(PRIVATE) / "lock")
    except SirenflowError as error:
        raise WorkflowError(str(error)) from None


# Alerts and tables are not ours, so they are no inputs; see sirenflow.pipeline.input_state.


def alerts_state(wildcards):
    """Name the file with the state of a superevent's alerts."""
    name = f"superevents/{wildcards.superevent}"
    return input_state.state_file(
        Path(PRIVATE), name, files_digest(ALERTS[wildcards.superevent])
    )


def table_state(key):
    """Name the file with the state of a user's table."""
    return input_state.state_file(
        Path(PRIVATE), f"tables/{key}", input_state.table_digest(config, key)
    )


def of_all(product):
    """Name a product of all superevents: those to be made now, and those that stand."""
    every = ALERTS if config["superevents"] is None else inbox.list_superevents(INBOX)
    of = {superevent: product.format(superevent=superevent) for superevent in every}
    return [
        path
        for superevent, path in of.items()
        if superevent in ALERTS or os.path.isfile(path)
    ]


def report_category(wildcards):
    """Name the menu of a superevent, real ones apart from all others."""
    menus = {"mock": "Mock superevents", "test": "Test superevents"}
    return menus.get(identifier.superevent_kind(wildcards.superevent), "Superevents")


def report_month(wildcards):
    """Name the month of a superevent's signal, by its identifier: S241102br is of 2024-11."""
    return identifier.superevent_month(wildcards.superevent) or "Unusual identifiers"
