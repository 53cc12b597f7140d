# One superevent for people and for other tools: page, text, summary, regions, visibility.


rule report:
    """Write credible regions, visibility, and the superevent's page, text and summary"""
    input:
        alerts=rules.extract.output.alerts,
        skymaps=rules.extract.output.skymaps,
        localization=rules.extract.output.localization,
        # Parts of the page that the configuration asks for, or does not.
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
        regions=f"{RESULTS}/{{superevent}}/regions.json",
        region_files=directory(f"{RESULTS}/{{superevent}}/regions"),
        visibility=(
            f"{RESULTS}/{{superevent}}/visibility.json"
            if config["visibility"]["sites"]
            else []
        ),
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
        sites=config["visibility"]["sites"],
        minimum_altitude_deg=config["visibility"]["minimum_altitude_deg"],
        maximum_sun_altitude_deg=config["visibility"]["maximum_sun_altitude_deg"],
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
            sites=params.sites,
            minimum_altitude_deg=params.minimum_altitude_deg,
            maximum_sun_altitude_deg=params.maximum_sun_altitude_deg,
        )
