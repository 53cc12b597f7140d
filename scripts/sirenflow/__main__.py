"""`python -m sirenflow`: the command, also for the processes that Sirenflow itself starts."""

from sirenflow.cli import main

if __name__ == "__main__":
    main(prog_name="sirenflow")
