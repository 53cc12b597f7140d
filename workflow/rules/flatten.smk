# Sky maps at one resolution, for tools that read no others.


rule flatten:
    """Write sky maps at the configured resolution"""
    input:
        alerts=rules.extract.output.alerts,
        localization=rules.extract.output.localization,
        skymaps=rules.extract.output.skymaps,
    output:
        flat=directory(f"{RESULTS}/{{superevent}}/flat"),
    log:
        f"{LOGS}/flatten/{{superevent}}.log",
    params:
        nside=config["skymaps"]["flat_nside"],
        version=snakefile.VERSION,
    message:
        "{wildcards.superevent}: flat sky maps, nside {params.nside}"
    run:
        work("flatten", input, output, log, nside=params.nside)
