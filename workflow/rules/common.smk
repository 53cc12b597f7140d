# How a rule runs its stage.


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
