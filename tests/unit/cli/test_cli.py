"""The command line tells what it did, in one line a matter, with exit codes to rely on."""

from __future__ import annotations

import os
import pty
import re
import shlex
import subprocess
import sys
import termios
from pathlib import Path

import click
import pytest
from commands import PROGRAM, all_commands, example_of, run, sirenflow
from paths import ROOT, SAMPLES

from sirenflow import __version__
from sirenflow.cli import printable
from sirenflow.inbox import store

RETRACTION = SAMPLES / "MS260926m-01-retraction-alone.json"
COMMANDS = dict(all_commands())
# Their examples need a server, or a listener: see test_broker.py and test_health.py.
STREAM_COMMANDS = {"broker", "health", "listen", "publish"}
# Their examples need products: see test_compare.py and test_crossmatch.py.
PRODUCT_COMMANDS = {"compare", "crossmatch", "reprocess", "run", "watch"}
# What the commands on the quarantine take for their example: its SHA-256 begins with 9b0a4c.
NO_ALERT = b"no alert 40751429"


def test_ingest_counts_what_it_stored_and_what_it_had() -> None:
    first = sirenflow("ingest", RETRACTION)
    assert (first.exit_code, first.stderr) == (0, "")
    assert first.stdout == "1 stored, 0 duplicate, 0 rejected (inbox: inbox)\n"
    second = sirenflow("ingest", RETRACTION, "samples/MS260522k-02-retraction.avro")
    assert (second.exit_code, second.stderr) == (0, "")
    assert second.stdout == "1 stored, 1 duplicate, 0 rejected (inbox: inbox)\n"


def test_ingest_takes_every_sample_and_lists_nine_superevents() -> None:
    result = sirenflow("ingest", "samples")
    assert result.stdout == "20 stored, 0 duplicate, 0 rejected, 1 skipped (inbox: inbox)\n"
    assert len(store.list_superevents(Path("inbox"))) == 9


def test_ingest_does_the_rest_and_exits_3_when_some_are_rejected() -> None:
    Path("bad.avro").write_bytes(b"no alert")
    result = sirenflow("ingest", "bad.avro", RETRACTION)
    assert result.exit_code == 3
    assert result.stdout == "1 stored, 0 duplicate, 1 rejected (inbox: inbox)\n"
    assert result.stderr == (
        "sirenflow: rejected bad.avro: begins with b'no alert'; "
        "expected an Avro container or a GCN JSON object\n"
    )


def test_ingest_of_nothing_says_so() -> None:
    Path("empty").mkdir()
    result = sirenflow("ingest", "empty")
    assert result.exit_code == 0
    assert result.stdout == "0 stored, 0 duplicate, 0 rejected (inbox: inbox)\n"


def test_ingest_uses_the_inbox_given_before_the_configured_one() -> None:
    Path("config").mkdir()
    Path("config/config.yaml").write_text("inbox: configured\n")
    assert "(inbox: configured)" in sirenflow("ingest", RETRACTION).stdout
    assert "(inbox: given)" in sirenflow("ingest", "--inbox", "given", RETRACTION).stdout
    for name in ("configured", "given"):
        assert list(store.list_superevents(Path(name))) == ["MS260926m"]


@pytest.mark.parametrize(
    "arguments",
    [
        ["ingest"],
        ["ingest", "nowhere"],
        ["ingest", "--inbox", "samples/README.md", "samples"],
        ["ingest", "--unknown", "samples"],
        ["show"],
        ["show", "nowhere"],
        ["show", "samples"],
        ["unknown"],
        ["quarantine"],
        ["quarantine", "unknown"],
        ["quarantine", "show"],
        ["quarantine", "drop"],
        ["health", "--max-silence", "0"],
        ["health", "--max-silence", "nan"],
        ["health", "--max-silence", "1e300"],
        ["publish", "--to", "kafka://a/b", "--speed", "nan", "samples"],
        ["publish", "samples"],
        ["publish", "--to", "kafka://a/b"],
        ["publish", "--to", "kafka://a/b", "nowhere"],
        ["publish", "--to", "kafka://a/b", "--speed", "-1", "samples"],
        ["listen", "--start", "yesterday"],
        ["listen", "--start", ""],
        ["broker", "--port", "9092"],
        [],
    ],
)
def test_wrong_usage_exits_2_and_stores_nothing(arguments: list[str]) -> None:
    result = sirenflow(*arguments)
    assert result.exit_code == 2
    assert "Usage: " in result.stderr
    assert not Path("inbox").exists()


@pytest.mark.parametrize(
    ("arguments", "renamed"),
    [
        (["locate", "10:34:24", "-26.78"], "the command locate is now crossmatch"),
        (["crossmatch", "1", "2", "--event", "S240422ed"], "--event is now --superevent"),
        (["run", "--event", "S240422ed"], "--event is now --superevent"),
        (["run", "--log", "json"], "--log is now --format"),
        (["watch", "--log=text"], "--log is now --format"),
        (["reprocess", "--results", "new", "--log", "json"], "--log is now --format"),
        (["health", "--silence", "3"], "--silence is now --max-silence"),
        (["publish", "--to", "kafka://a/b", "--pace", "60", "samples"], "--pace is now --speed"),
    ],
)
def test_name_of_version_0_3_is_refused_with_its_new_name(
    arguments: list[str], renamed: str
) -> None:
    result = sirenflow(*arguments)
    assert result.exit_code == 2
    assert result.stderr.endswith(f"Error: {renamed}\n")
    assert not Path("inbox").exists()


@pytest.mark.parametrize(
    "arguments",
    [
        ["ingest", "--inbox", "given", "samples"],
        ["listen", "--inbox", "given", "--url", "kafka://a/b"],
        ["publish", "--no-auth", "--to", "kafka://a/b", "samples"],
        ["health", "--inbox", "given"],
        ["quarantine", "list", "--inbox", "given"],
        ["quarantine", "retry", "--inbox", "given"],
        ["crossmatch", "1", "2", "--results", "given"],
        ["run", "--inbox", "given", "--results", "made"],
        ["watch", "--inbox", "given", "--results", "made"],
        ["reprocess", "--inbox", "given", "--results", "made"],
    ],
)
def test_misspelt_key_is_an_error_of_every_command(arguments: list[str]) -> None:
    """Also outside a clone, and where the command line names every directory."""
    Path("config").mkdir()
    Path("config/config.yaml").write_text("kafka: {topic: kafka://a/b}\n")
    result = sirenflow(*arguments)
    assert result.exit_code == 1
    assert re.fullmatch(
        r"sirenflow: config/config\.yaml[^:\n]*: kafka: unknown key 'topic'; the keys are topics, "
        r"large_message_hosts; [^\n]+\n",
        result.stderr,
    )
    assert not Path("given").exists()


def test_inbox_that_cannot_be_written_is_one_line_and_exit_1() -> None:
    result = sirenflow("ingest", "--inbox", "/proc/nowhere", RETRACTION)
    assert (result.exit_code, result.stdout) == (1, "")
    assert re.fullmatch(
        r"sirenflow: /proc/nowhere/\S+ cannot be written: No such file or directory\n",
        result.stderr,
    )


def test_debug_shows_the_traceback() -> None:
    arguments = ["--debug", "ingest", "--inbox", "/proc/nowhere", str(RETRACTION)]
    done = subprocess.run([*PROGRAM, *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr.startswith("Traceback")
    assert "InboxError: /proc/nowhere" in done.stderr


def test_broken_configuration_is_one_line_and_exit_1() -> None:
    Path("config").mkdir()
    Path("config/config.yaml").write_text("inbox: [a\nb: c\n")
    result = sirenflow("ingest", RETRACTION)
    assert result.exit_code == 1
    assert re.fullmatch(r"sirenflow: config/config.yaml cannot be read: [^\n\\]+\n", result.stderr)


def test_names_cannot_move_the_cursor_or_forge_a_line() -> None:
    Path("a\x1b[2J\nsirenflow: all is well\u202e.avro").write_bytes(b"\x1b[2J\n")
    result = sirenflow("ingest", "--inbox", "in\x1b[31m\nbox", ".")
    assert result.exit_code == 3
    assert result.stderr.count("\n") == result.stdout.count("\n") == 1
    assert r"a\x1b[2J\nsirenflow: all is well\u202e.avro" in result.stderr
    assert r"(inbox: in\x1b[31m\nbox)" in result.stdout
    assert all(character.isprintable() for character in result.output.replace("\n", ""))


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("S230518h, 90 % of the sky: 4 π", "S230518h, 90 % of the sky: 4 π"),
        ("\x00\x1b\x7f\x9b\r\n\t", r"\x00\x1b\x7f\x9b\r\n\t"),
        ("\u202e\u2028\ufeff\udcff", r"\u202e\u2028\ufeff\udcff"),
    ],
)
def test_only_what_prints_is_printed(text: str, shown: str) -> None:
    assert printable(text) == shown


def test_inbox_name_that_is_no_text_does_not_stop_the_summary() -> None:
    done = subprocess.run(
        [*PROGRAM, "ingest", "--inbox", b"in\xff", str(RETRACTION)],
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0
    assert done.stdout == b"1 stored, 0 duplicate, 0 rejected (inbox: in\\udcff)\n"


def run_on_a_terminal(*arguments: str) -> str:
    """Run the command with a terminal as standard error; return what that shows."""
    here, there = pty.openpty()
    termios.tcsetwinsize(there, (24, 100))
    with subprocess.Popen([*PROGRAM, *arguments], stdout=subprocess.DEVNULL, stderr=there):
        os.close(there)
        shown = b""
        while True:
            try:
                piece = os.read(here, 4096)
            except OSError:  # Linux's way to say that the other end is closed
                break
            if not piece:
                break
            shown += piece
    os.close(here)
    return shown.decode()


def test_progress_is_shown_on_a_terminal_and_wiped_at_the_end() -> None:
    Path("bad.avro").write_bytes(b"no alert")
    shown = run_on_a_terminal("ingest", "samples", "bad.avro")
    assert " alerts" in shown
    assert "sirenflow: rejected bad.avro: begins with" in shown
    assert shown.split("\r")[-2].strip() == ""


def test_no_progress_is_shown_where_there_is_no_terminal() -> None:
    done = subprocess.run([*PROGRAM, "ingest", "samples"], capture_output=True, check=True)
    assert done.stderr == b""


def test_show_prints_position_distance_and_record_of_the_sample() -> None:
    """The peak lies in the map's densest row, as astropy and the README's figures have it."""
    result = sirenflow("show", "samples/MS260715s-01-preliminary-no-distance.json")
    assert result.exit_code == 0
    assert re.search(r"^Most probable sky location \(RA, Dec\) = \(\d", result.stdout)
    assert "\nDistance: not provided\n" in result.stdout
    assert "'superevent_id': 'MS260715s'" in result.stdout


def test_show_of_what_is_no_alert_names_the_file() -> None:
    result = sirenflow("show", "samples/README.md")
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.startswith("sirenflow: samples/README.md: begins with b'# Mock")
    assert result.stderr.count("\n") == 1


def help_of(command: str) -> str:
    result = sirenflow(*command.split(), "--help")
    assert result.exit_code == 0
    return " ".join(result.stdout.split())


def test_commands_are_these() -> None:
    """Those within another too: what follows is asked of each."""
    assert {
        *STREAM_COMMANDS,
        *PRODUCT_COMMANDS,
        "ingest",
        "show",
        "quarantine",
        "quarantine retry",
    } < set(COMMANDS)


@pytest.mark.parametrize("command", COMMANDS)
def test_help_of_every_command_tells_exit_codes(command: str) -> None:
    shown = help_of(command)
    assert re.search(r"Exit codes: 0 .*; 1 .*[;.] ?2 wrong usage", shown)
    rejects = command in {"ingest", "publish", "quarantine retry"}
    assert ("; 3 done, but some were rejected" in shown) == rejects
    makes = command in {"run", "reprocess"}
    assert ("; 3 done, but alerts" in shown) == makes
    assert ("; 75 another listener" in shown) == (command == "listen")


@pytest.mark.parametrize("command", COMMANDS)
def test_example_of_every_command_is_of_that_command(command: str) -> None:
    assert example_of(command).startswith(command)


@pytest.mark.parametrize("command", sorted(set(COMMANDS) - STREAM_COMMANDS - PRODUCT_COMMANDS))
def test_example_of_every_command_works(command: str) -> None:
    Path("bad.avro").write_bytes(NO_ALERT)
    assert sirenflow("ingest", "bad.avro").exit_code == 3
    result = sirenflow(*shlex.split(example_of(command)))
    # This one does its work, and says that the entry stays.
    assert result.exit_code == (3 if command == "quarantine retry" else 0)
    assert result.output


@pytest.mark.parametrize("command", COMMANDS)
def test_every_option_is_explained(command: str) -> None:
    for parameter in COMMANDS[command].params:
        if isinstance(parameter, click.Option):
            assert parameter.help
        else:
            context = click.Context(COMMANDS[command])
            assert parameter.make_metavar(context).strip("[].") in help_of(command)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_number_of_an_option_has_a_unit(command: str) -> None:
    """As its metavar: HOURS, FACTOR, or N, which the help explains."""
    for parameter in COMMANDS[command].params:
        if isinstance(parameter, click.Option) and not (parameter.is_flag or parameter.hidden):
            shown = parameter.make_metavar(click.Context(COMMANDS[command]))
            assert shown not in {"TEXT", "FLOAT", "INTEGER", "INTEGER RANGE"}


@pytest.mark.parametrize("command", COMMANDS)
def test_readme_mentions_every_command(command: str) -> None:
    assert f"sirenflow {command}" in (ROOT / "README.md").read_text(encoding="utf-8")


def modules_after(statement: str) -> set[str]:
    show = "import sys; print(*{name.split('.')[0] for name in sys.modules})"
    command = [sys.executable, "-c", f"{statement}\n{show}"]
    return set(subprocess.run(command, capture_output=True, text=True, check=True).stdout.split())


def test_help_needs_nothing_slow() -> None:
    loaded = modules_after("import sirenflow.cli")
    slow = {"hop", "adc", "confluent_kafka", "requests", "prometheus_client", "jsonschema"}
    assert not loaded & {*slow, "astropy", "numpy", "pandas", "scipy", "snakemake", "jinja2"}


def test_listener_needs_nothing_of_the_workflow() -> None:
    """It runs for months beside others: what it never uses must not be in its memory."""
    loaded = modules_after(
        "import sirenflow.cli, sirenflow.kafka.listener, sirenflow.kafka.topic_reader\n"
        "import sirenflow.kafka.address, sirenflow.config.configuration"
    )
    assert {"hop", "confluent_kafka", "fastavro"} <= loaded
    assert not loaded & {"snakemake", "pandas", "astropy", "numpy", "scipy", "jinja2", "watchfiles"}


_LOGS = """
import logging
from sirenflow.cli.terminal import log_to_stderr
log_to_stderr({debug})
log = logging.getLogger("sirenflow.x")
log.info("%s", "a\\x1b[2J\\n2026-01-01T00:00:00Z INFO forged\\u202e")
log.debug("details")
logging.getLogger("librdkafka").error("again and again")
try:
    raise ValueError("a\\x1b[2J\\n2026-01-01T00:00:00Z INFO forged")
except ValueError:
    log.exception("fault")
"""


@pytest.mark.parametrize("debug", [False, True])
def test_log_is_a_line_a_matter_that_no_sender_can_forge(debug: bool) -> None:
    command = [sys.executable, "-c", _LOGS.format(debug=debug)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout == ""
    assert all(c.isprintable() for c in done.stderr.replace("\n", ""))
    stamp = r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:]{8}Z "
    dated = [line for line in done.stderr.split("\n") if re.match(stamp, line)]
    said = [re.sub(stamp, "", line, count=1) for line in dated]
    assert said[0] == r"INFO a\x1b[2J\n2026-01-01T00:00:00Z INFO forged\u202e"
    more = ["DEBUG details", "ERROR again and again"] if debug else []
    assert said[1:] == [*more, "ERROR fault"]
    assert "Traceback (most recent call last):" in done.stderr


@pytest.mark.slow
def test_what_needs_no_login_works_without_home() -> None:
    done = run("show", RETRACTION)
    assert (done.returncode, done.stderr) == (0, "")


def test_version_is_the_packages() -> None:
    assert sirenflow("--version").stdout == f"sirenflow {__version__}\n"


def test_example_output_in_the_readme_is_what_the_command_prints() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    block = re.search(r"```console\n\$ sirenflow (.*)\n((?:(?!```).*\n)*?)\.\.\.\n```", readme)
    assert block
    assert sirenflow(*shlex.split(block[1])).stdout.startswith(block[2])
