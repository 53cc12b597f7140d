# Credible regions as files for other tools, and comparisons of each map with earlier ones.


rule regions:
    """Write credible regions and compare sky maps"""
    input:
        alerts=rules.extract.output.alerts,
        localization=rules.extract.output.localization,
        skymaps=rules.extract.output.skymaps,
    output:
        regions=f"{RESULTS}/{{superevent}}/regions.json",
        files=directory(f"{RESULTS}/{{superevent}}/regions"),
    log:
        f"{LOGS}/regions/{{superevent}}.log",
    params:
        version=snakefile.VERSION,
    message:
        "{wildcards.superevent}: credible regions and comparisons"
    run:
        work("regions", input, output, log)
