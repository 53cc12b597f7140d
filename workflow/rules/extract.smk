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
        files=lambda wildcards: [*map(str, ALERTS[wildcards.superevent])],
        state=lambda wildcards: files_digest(ALERTS[wildcards.superevent]),
        levels_percent=credible_levels_percent(config),
        version=sirenflow.__version__,  # another version makes everything anew
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
