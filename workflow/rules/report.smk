# One superevent for people, and its summary for machines.


rule report:
    """Write the superevent's page, text and summary"""
    input:
        alerts=rules.extract.output.alerts,
        skymaps=rules.extract.output.skymaps,
        localization=rules.extract.output.localization,
        regions=rules.regions.output.regions,
        region_files=rules.regions.output.files,
        # Parts of the page that the configuration asks for, or does not.
        visibility=(
            [rules.visibility.output.visibility]
            if config["visibility"]["sites"]
            else []
        ),
        galaxies=[*rules.galaxies.output] if config["galaxies"] else [],
        candidates=[rules.candidates.output.candidates] if config["candidates"] else [],
    output:
        page=report(
            f"{RESULTS}/{{superevent}}/index.html",
            caption="../report/page.rst",
            category=report_category,
            subcategory=report_month,
            labels={"superevent": "{superevent}", "product": "page"},
        ),
        event=f"{RESULTS}/{{superevent}}/event.json",
        circular=report(
            f"{RESULTS}/{{superevent}}/circular.txt",
            caption="../report/circular.rst",
            category=report_category,
            subcategory=report_month,
            labels={"superevent": "{superevent}", "product": "text"},
        ),
    log:
        f"{LOGS}/report/{{superevent}}.log",
    params:
        config_sha256=INPUTS.config_sha256,
        # Not files: there may be thousands, and one that is deleted must make the page anew, too.
        unreadable=lambda wildcards: INPUTS.unreadable.of(wildcards.superevent),
        version=snakefile.VERSION,
    message:
        "{wildcards.superevent}: report"
    run:
        work(
            "report",
            input,
            output,
            log,
            config_sha256=params.config_sha256,
            unreadable=params.unreadable,
        )
