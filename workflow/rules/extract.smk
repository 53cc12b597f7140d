# Alerts of one superevent: every field, every sky map, every number.


rule extract:
    """Decode alerts, extract sky maps and measure them"""
    input:
        lambda wildcards: ALERTS[wildcards.superevent],
    output:
        alerts=f"{RESULTS}/{{superevent}}/alerts.json",
        skymaps=directory(f"{RESULTS}/{{superevent}}/skymaps"),
        localization=f"{RESULTS}/{{superevent}}/localization.json",
    params:
        levels_percent=config["credible_levels_percent"],
        version=sirenflow.__version__,
    message:
        "{wildcards.superevent}: decode, extract and measure {input}"
    run:
        workers.run(
            workflow.cores,
            extract,
            files=[Path(file) for file in input],
            alerts=Path(output.alerts),
            skymaps=Path(output.skymaps),
            localization=Path(output.localization),
            levels_percent=params.levels_percent,
        )
