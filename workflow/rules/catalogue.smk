# All superevents together.


rule catalogue:
    """Write the catalogue's page, tables and feed"""
    input:
        events=lambda _: INPUTS.products_of_all(rules.report.output.event),
    output:
        **(
            {"parquet": f"{RESULTS}/catalogue.parquet"}
            if config["catalogue"]["parquet"]
            else {}
        ),
        page=report(
            f"{RESULTS}/index.html",
            caption="../report/catalogue.rst",
            category="Catalogue",
            labels={"product": "page of all superevents"},
        ),
        ecsv=f"{RESULTS}/catalogue.ecsv",
        csv=f"{RESULTS}/catalogue.csv",
        json=f"{RESULTS}/catalogue.json",
        votable=f"{RESULTS}/catalogue.vot",
        feed=f"{RESULTS}/events.atom",
    log:
        f"{LOGS}/catalogue.log",
    params:
        # Only linked: the catalogue is made even if the page of candidates cannot be.
        candidates=[f"{RESULTS}/candidates.html"] if config["candidates"] else [],
        unreadable=lambda _: INPUTS.unreadable.all(),
        version=snakefile.VERSION,
    message:
        "catalogue of all superevents: {output.page}"
    run:
        work(
            "catalogue",
            input,
            output,
            log,
            outside={"candidates": params.candidates},
            memory=f"{RESULTS}/.sirenflow/catalogue",
            unreadable=params.unreadable,
        )
