# All superevents together.


rule catalogue:
    """Write the catalogue's page and tables"""
    input:
        events=expand(rules.report.output.event, superevent=ALERTS),
    output:
        page=f"{RESULTS}/index.html",
        ecsv=f"{RESULTS}/catalogue.ecsv",
        csv=f"{RESULTS}/catalogue.csv",
    log:
        f"{LOGS}/catalogue.log",
    params:
        version=sirenflow.__version__,  # another version makes everything anew
    message:
        "catalogue of all superevents: {output.page}"
    run:
        work("catalogue", input, output, log)
