# One superevent for people, and its summary for machines.


rule report:
    """Write the superevent's page and summary"""
    input:
        alerts=rules.extract.output.alerts,
        skymaps=rules.extract.output.skymaps,
        localization=rules.extract.output.localization,
    output:
        page=f"{RESULTS}/{{superevent}}/index.html",
        event=f"{RESULTS}/{{superevent}}/event.json",
    params:
        version=sirenflow.__version__,
    message:
        "{wildcards.superevent}: report"
    run:
        workers.run(
            workflow.cores,
            report,
            alerts=Path(input.alerts),
            localization=Path(input.localization),
            skymaps=Path(input.skymaps),
            page=Path(output.page),
            event=Path(output.event),
        )
