# Alerts of one superevent: every field, every sky map, every number.


rule extract:
    """Decode alerts, extract sky maps and measure them"""
    input:
        files=lambda wildcards: ALERTS[wildcards.superevent],
    output:
        alerts=f"{RESULTS}/{{superevent}}/alerts.json",
        skymaps=directory(f"{RESULTS}/{{superevent}}/skymaps"),
        localization=f"{RESULTS}/{{superevent}}/localization.json",
    log:
        f"{LOGS}/extract/{{superevent}}.log",
    params:
        levels_percent=config["credible_levels_percent"],
        version=sirenflow.__version__,  # another version makes everything anew
    message:
        "{wildcards.superevent}: decode, extract and measure {input}"
    run:
        work("extract", input, output, log, levels_percent=params.levels_percent)
