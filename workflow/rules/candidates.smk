# Candidate counterparts against every alert; on when the configuration names a table of them.

if config["candidates"]:

    rule candidate_list:
        """Read the table of candidates"""
        input:
            lambda _: INPUTS.table_state("candidates"),
        output:
            candidates=f"{RESULTS}/candidates.json",
        log:
            f"{LOGS}/candidate_list.log",
        params:
            table=config["candidates"]["table"],
            state=lambda _: INPUTS.table_digest("candidates"),
            columns=config["candidates"]["columns"],
            version=snakefile.VERSION,
        message:
            "candidates: read {params.table}"
        run:
            work(
                "candidate_list",
                input,
                output,
                log,
                outside={"table": params.table},
                columns=params.columns,
            )

    rule candidates:
        """Compare every candidate with the sky map of every alert"""
        input:
            alerts=rules.extract.output.alerts,
            localization=rules.extract.output.localization,
            skymaps=rules.extract.output.skymaps,
            listed=rules.candidate_list.output.candidates,
        output:
            candidates=f"{RESULTS}/{{superevent}}/candidates.json",
        log:
            f"{LOGS}/candidates/{{superevent}}.log",
        params:
            days_before=config["candidates"]["days_before"],
            days_after=config["candidates"]["days_after"],
            version=snakefile.VERSION,
        message:
            "{wildcards.superevent}: candidates"
        run:
            work(
                "candidates",
                input,
                output,
                log,
                days_before=params.days_before,
                days_after=params.days_after,
            )

    rule candidate_table:
        """Write the table and the page of all candidates"""
        input:
            events=lambda _: INPUTS.products_of_all(rules.candidates.output.candidates),
            listed=rules.candidate_list.output.candidates,
        output:
            table=f"{RESULTS}/candidates.ecsv",
            page=f"{RESULTS}/candidates.html",
        log:
            f"{LOGS}/candidate_table.log",
        params:
            version=snakefile.VERSION,
        message:
            "candidates of all superevents: {output.page}"
        run:
            work("candidate_table", input, output, log)
