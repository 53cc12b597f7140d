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
    log:
        f"{LOGS}/report/{{superevent}}.log",
    params:
        version=sirenflow.__version__,  # another version makes everything anew
    message:
        "{wildcards.superevent}: report"
    run:
        work("report", input, output, log)
