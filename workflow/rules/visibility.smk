# How much of a superevent's sky map each configured site can observe, and when.


rule visibility:
    """Find when each site can see how much of the sky map"""
    input:
        alerts=rules.extract.output.alerts,
        localization=rules.extract.output.localization,
        skymaps=rules.extract.output.skymaps,
    output:
        visibility=f"{RESULTS}/{{superevent}}/visibility.json",
    log:
        f"{LOGS}/visibility/{{superevent}}.log",
    params:
        sites=config["visibility"]["sites"],
        minimum_altitude_deg=config["visibility"]["minimum_altitude_deg"],
        maximum_sun_altitude_deg=config["visibility"]["maximum_sun_altitude_deg"],
        version=snakefile.VERSION,
    message:
        "{wildcards.superevent}: visibility from the sites"
    run:
        work(
            "visibility",
            input,
            output,
            log,
            sites=params.sites,
            minimum_altitude_deg=params.minimum_altitude_deg,
            maximum_sun_altitude_deg=params.maximum_sun_altitude_deg,
        )
