# All superevents together.


rule catalogue:
    """Write the catalogue's page and tables"""
    input:
        expand(rules.report.output.event, superevent=ALERTS),
    output:
        page=f"{RESULTS}/index.html",
        ecsv=f"{RESULTS}/catalogue.ecsv",
        csv=f"{RESULTS}/catalogue.csv",
    params:
        version=sirenflow.__version__,
    message:
        "catalogue of all superevents: {output.page}"
    run:
        workers.run(
            workflow.cores,
            catalogue,
            events=[Path(event) for event in input],
            page=Path(output.page),
            ecsv=Path(output.ecsv),
            csv=Path(output.csv),
        )
