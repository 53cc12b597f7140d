# Probable host galaxies, from a user's own catalogue; on when the configuration names one.

if config["galaxies"]:

    rule galaxy_catalogue:
        """Read the table of galaxies into an array that jobs map to memory"""
        input:
            lambda _: INPUTS.table_state("galaxies"),
        output:
            rows=f"{RESULTS}/galaxies.npy",
            facts=f"{RESULTS}/galaxies.json",
        log:
            f"{LOGS}/galaxy_catalogue.log",
        params:
            table=config["galaxies"]["table"],
            state=lambda _: INPUTS.table_digest("galaxies"),
            columns=config["galaxies"]["columns"],
            version=snakefile.VERSION,
        message:
            "galaxies: read {params.table}"
        run:
            work(
                "galaxy_catalogue",
                input,
                output,
                log,
                outside={"table": params.table},
                columns=params.columns,
            )

    rule galaxies:
        """Rank the catalogue's galaxies by the sky map that stands"""
        input:
            alerts=rules.extract.output.alerts,
            localization=rules.extract.output.localization,
            skymaps=rules.extract.output.skymaps,
            rows=rules.galaxy_catalogue.output.rows,
            facts=rules.galaxy_catalogue.output.facts,
        output:
            product=f"{RESULTS}/{{superevent}}/galaxies.json",
            table=f"{RESULTS}/{{superevent}}/galaxies.ecsv",
        log:
            f"{LOGS}/galaxies/{{superevent}}.log",
        params:
            name=config["galaxies"]["name"],
            completeness=config["galaxies"]["completeness"],
            max_listed=config["galaxies"]["max_listed"],
            version=snakefile.VERSION,
        message:
            "{wildcards.superevent}: galaxies"
        run:
            work(
                "galaxies",
                input,
                output,
                log,
                name=params.name,
                completeness=params.completeness,
                max_listed=params.max_listed,
            )
