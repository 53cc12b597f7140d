# How a rule runs its stage, and where its products stand in Snakemake's report.


def work(stage, input, output, log, **arguments):
    """Hand a stage to a worker process, its files as arguments of the names the rule gives them."""
    files = {**dict(input.items()), **dict(output.items())}
    paths = {
        name: Path(value) if isinstance(value, str) else [Path(file) for file in value]
        for name, value in files.items()
    }
    try:
        workers.run(workflow.cores, stages.call, stage, **paths, **arguments)
    except Exception:
        Path(log[0]).write_text(traceback.format_exc(), errors="backslashreplace")
        raise


def report_category(wildcards):
    """Name the menu of a superevent, real ones apart from all others."""
    kinds = {"M": "Mock superevents", "T": "Test superevents"}
    return kinds.get(wildcards.superevent[0], "Superevents")


def report_month(wildcards):
    """Name the month of a superevent's signal, by its identifier: S241102br is of 2024-11."""
    date = wildcards.superevent.lstrip("MTS")
    return f"20{date[:2]}-{date[2:4]}"
