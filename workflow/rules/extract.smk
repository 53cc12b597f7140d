# Alerts of one superevent: every field, every sky map, every number.


rule extract:
    """Decode alerts, extract sky maps and measure them"""
    input:
        alerts_state,
    output:
        alerts=f"{RESULTS}/{{superevent}}/alerts.json",
        skymaps=directory(f"{RESULTS}/{{superevent}}/skymaps"),
        localization=f"{RESULTS}/{{superevent}}/localization.json",
    log:
        f"{LOGS}/extract/{{superevent}}.log",
    params:
        files=lambda wildcards: [*map(str, INPUTS.alerts[wildcards.superevent])],
        state=lambda wildcards: INPUTS.alerts_digest(wildcards.superevent),
        levels_percent=INPUTS.levels_percent,
        version=snakefile.VERSION,
    message:
        "{wildcards.superevent}: decode, extract and measure {params.files}"
    run:
        work(
            "extract",
            input,
            output,
            log,
            outside={"files": params.files},
            levels_percent=params.levels_percent,
            superevent_id=wildcards.superevent,
        )
