"""Write the mock alerts of ``samples/``: every kind of alert a listener meets, all invented.

Run ``python scripts/make_samples.py [DIR]``. The same bytes come out on every run. The script
imports nothing of sirenflow, so that the samples can tell sirenflow when it is wrong. The sky maps
are real multi-order maps of analytic 3-D posteriors: `analytic_skymap` says which.
"""

from __future__ import annotations

import argparse
import base64
import io
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

import fastavro

from analytic_skymap import ExternalPosition, Map, Measurement, make_fits

SAMPLES = Path(__file__).resolve().parents[1] / "samples"
SYNC_MARKER = b"sirenflow-sample"  # Avro's 16 bytes between blocks; random unless given


# ----------------------------------------------------------------------------------------- alerts


@dataclass(frozen=True)
class Event:
    """The record's `event`, under the names and in the units of the user guide (far in Hz)."""

    time: str
    far: float
    instruments: tuple[str, ...]
    pipeline: str
    group: str = "CBC"
    search: str = "AllSky"
    significant: bool = True
    classification: Mapping[str, float] = field(default_factory=dict)
    properties: Mapping[str, float] = field(default_factory=dict)
    mchirp_source: Mapping[str, list[float]] | None = None
    duration: float | None = None
    central_frequency: float | None = None
    skymap: Map | None = None


@dataclass(frozen=True)
class Coincidence:
    """The record's `external_coinc`: times in s, rates in Hz."""

    gcn_notice_id: int | str
    ivorn: str
    observatory: str
    search: str
    time_difference: float
    time_coincidence_far: float | None
    time_sky_position_coincidence_far: float | None
    combined_skymap: Map | None = None


Wire = Literal["avro", "avro-2022", "json", "json-2023"]


@dataclass(frozen=True)
class Alert:
    """One message.

    Attributes
    ----------
    alert_type, time_created, event, external_coinc
        As in the record.
    name
        What the file's name says after the alert type.
    wire
        Encoding and schema. JSON of 2023 leaves `combined_skymap` out when there is none.
    unknown
        Keys that no schema knows, added to the record.
    """

    alert_type: str
    time_created: str
    event: Event | None = None
    external_coinc: Coincidence | None = None
    name: str = ""
    wire: Wire = "avro"
    unknown: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Superevent:
    """A superevent and its alerts in the order of their time."""

    superevent_id: str
    alerts: tuple[Alert, ...]


def to_record(value: Any, superevent_id: str) -> Any:
    """Convert declarations to the record's own types, making the sky maps on the way."""
    if isinstance(value, Map):
        return make_fits(value, superevent_id)
    if isinstance(value, Event | Coincidence):
        return {k: to_record(v, superevent_id) for k, v in vars(value).items()}
    return list(value) if isinstance(value, tuple) else value


def alert_record(alert: Alert, superevent_id: str) -> dict[str, Any]:
    """Make the record of an alert, maps as bytes."""
    record = {
        "alert_type": alert.alert_type,
        "time_created": alert.time_created,
        "superevent_id": superevent_id,
        "event": to_record(alert.event, superevent_id),
        "external_coinc": to_record(alert.external_coinc, superevent_id),
        "urls": {"gracedb": f"https://example.org/superevents/{superevent_id}/view/"},
        **alert.unknown,
    }
    if alert.wire == "json-2023":
        del record["external_coinc"]["combined_skymap"]
    return record


STRINGS = {"type": "array", "items": "string"}
NUMBERS = {"type": "array", "items": "double"}
STRING_BY_NAME = {"type": "map", "values": "string"}
NUMBER_BY_NAME = {"type": "map", "values": "double"}


def _avro_record(name: str, fields: Mapping[str, Any]) -> dict[str, Any]:
    listed = [{"name": key, "type": kind} for key, kind in fields.items()]
    return {"type": "record", "name": name, "fields": listed}


def writer_schema(alert: Alert) -> dict[str, Any]:
    """Return the Avro schema with the fields of igwn-gwalert-schema 1.3.0, and unknown ones."""
    mchirp = _avro_record("Mchirp", dict.fromkeys(["bin_edges", "probabilities"], NUMBERS))
    event = _avro_record(
        "Event",
        dict.fromkeys(["time", "group", "pipeline", "search"], "string")
        | {"far": "double", "significant": "boolean", "instruments": STRINGS}
        | dict.fromkeys(["classification", "properties"], NUMBER_BY_NAME)
        | {"duration": ["null", "double"], "central_frequency": ["null", "double"]}
        | {"mchirp_source": ["null", mchirp], "skymap": ["null", "bytes"]},
    )
    joint_far = ["time_coincidence_far", "time_sky_position_coincidence_far"]
    coincidence = _avro_record(
        "Coincidence",
        dict.fromkeys(["ivorn", "observatory", "search"], "string")
        | {"gcn_notice_id": ["int", "string"], "time_difference": "double"}
        | {key: ["null", "double"] for key in joint_far}
        | {"combined_skymap": ["null", "bytes"]},
    )
    types = ["EARLYWARNING", "PRELIMINARY", "INITIAL", "UPDATE", "RETRACTION"]
    return _avro_record(
        "Alert",
        {"alert_type": {"type": "enum", "name": "AlertType", "symbols": types}}
        | dict.fromkeys(["time_created", "superevent_id", *alert.unknown], "string")
        | {"event": ["null", event], "external_coinc": ["null", coincidence]}
        | {"urls": STRING_BY_NAME},
    )


def writer_schema_2022() -> dict[str, Any]:
    """Return the looser Avro schema of 2022: alert_type a string, no `significant`, no unions."""
    event = _avro_record(
        "auto_record0",
        dict.fromkeys(["time", "group", "pipeline", "search"], "string")
        | {"far": "double", "instruments": STRINGS, "skymap": "bytes"}
        | dict.fromkeys(["properties", "classification"], NUMBER_BY_NAME),
    )
    return _avro_record(
        "auto_record1",
        dict.fromkeys(["alert_type", "time_created", "superevent_id"], "string")
        | {"urls": STRING_BY_NAME, "event": event, "external_coinc": "null"},
    )


def encode(alert: Alert, superevent_id: str) -> bytes:
    """Make the bytes of an alert as they would arrive."""
    record = alert_record(alert, superevent_id)
    if alert.wire.startswith("json"):
        text = json.dumps(record, default=lambda data: base64.b64encode(data).decode())
        return text.encode()
    schema = writer_schema_2022() if alert.wire == "avro-2022" else writer_schema(alert)
    buffer = io.BytesIO()
    fastavro.writer(buffer, schema, [record], codec="null", sync_marker=SYNC_MARKER)
    return buffer.getvalue()


def file_name(number: int, alert: Alert, superevent_id: str) -> str:
    """Name a sample's file so that names sort as the alerts were sent."""
    words = [superevent_id, f"{number:02}", alert.alert_type.lower(), alert.name]
    return "-".join(filter(None, words)) + "." + alert.wire.split("-")[0]


# ------------------------------------------------------------------------------- the superevents

HLV, HL = ("H1", "L1", "V1"), ("H1", "L1")


def seen(m: Measurement, skymap: Map | None, **fields: Any) -> Event:
    """Declare the event of a measurement; `fields` are those of `Event`."""
    return Event(time=m.time, instruments=m.instruments, skymap=skymap, **fields)


def classes(bns: float, nsbh: float, bbh: float, terrestrial: float) -> dict[str, float]:
    """Return a classification."""
    return {"BNS": bns, "NSBH": nsbh, "BBH": bbh, "Terrestrial": terrestrial}


def bns_life_cycle() -> Superevent:
    """Binary neutron star, from early warning to a joint update with Fermi."""
    best = Measurement(158.3, -27.4, 92.0, 0.16, "2026-04-18T03:12:44.315Z", HLV, 20.0, 110.0)
    vetted = replace(best, snr=19.0, bandwidth_hz=90.0, distance_error=0.18)
    rough = replace(best, snr=14.0, bandwidth_hz=50.0, distance_error=0.24)
    first = replace(rough, time="2026-04-18T03:12:44.318Z")
    early = replace(first, instruments=HL, snr=9.5, bandwidth_hz=60.0, distance_error=0.3)
    preliminary = seen(
        first,
        Map(first, "2026-04-18T03:13:08Z"),
        far=3.2e-10,
        pipeline="gstlal",
        classification=classes(0.97, 0.02, 0.0, 0.01),
        properties={"HasNS": 1.0, "HasRemnant": 0.93, "HasMassGap": 0.02, "HasSSM": 0.0},
    )
    warning = replace(
        preliminary,
        far=2.7e-9,
        instruments=HL,
        search="EarlyWarning",
        classification=classes(0.94, 0.01, 0.0, 0.05),
        skymap=Map(early, "2026-04-18T03:12:15Z"),
    )
    initial = replace(
        preliminary, time=best.time, far=4.6e-17, skymap=Map(vetted, "2026-04-18T03:30:12Z")
    )
    final = Map(best, "2026-04-18T17:41:55Z", "ligo-skymap-from-samples")
    update = replace(
        initial,
        skymap=final,
        classification=classes(0.996, 0.003, 0.0, 0.001),
        properties={"HasNS": 1.0, "HasRemnant": 0.98, "HasMassGap": 0.0, "HasSSM": 0.0},
        mchirp_source={
            "bin_edges": [0.1, 0.87, 1.14, 1.18, 1.22, 1.26, 1.74, 5.5],
            "probabilities": [0.0, 0.02, 0.31, 0.52, 0.14, 0.01, 0.0],
        },
    )
    fermi = Coincidence(
        gcn_notice_id=798174766,
        ivorn="ivo://example.org/mock#GBM_Fin_Pos2026-04-18T03:12:46.02",
        observatory="Fermi",
        search="GRB",
        time_difference=1.7,
        time_coincidence_far=2.4e-13,
        time_sky_position_coincidence_far=6.9e-15,
        combined_skymap=replace(final, external=ExternalPosition(161.5, -24.5, 4.5, "Fermi")),
    )
    return Superevent(
        "MS260418b",
        (
            Alert("EARLYWARNING", "2026-04-18T03:12:19Z", warning),
            Alert("PRELIMINARY", "2026-04-18T03:13:14Z", preliminary),
            Alert("PRELIMINARY", "2026-04-18T03:18:20Z", preliminary, name="repeated"),
            Alert("INITIAL", "2026-04-18T03:37:02Z", initial),
            Alert("UPDATE", "2026-04-18T17:46:31Z", update),
            Alert("UPDATE", "2026-04-18T17:46:31Z", update, fermi, name="fermi"),
        ),
    )


def nsbh_in_the_schema_of_2022() -> Superevent:
    """Neutron star and black hole, by the south pole, in the format of 2022."""
    best = Measurement(41.0, -80.5, 245.0, 0.24, "2026-02-11T19:50:06.942Z", HLV, 14.0, 80.0)
    early = replace(best, instruments=HL, snr=9.0, bandwidth_hz=60.0, distance_error=0.35)
    preliminary = seen(
        best,
        Map(best, "2026-02-11T19:50:30Z"),
        far=8.8e-12,
        pipeline="spiir",
        classification=classes(0.06, 0.89, 0.02, 0.03),
        properties={"HasNS": 1.0, "HasRemnant": 0.24, "HasMassGap": 0.11},
    )
    warning = replace(
        preliminary, far=1.9e-9, instruments=HL, skymap=Map(early, "2026-02-11T19:49:58Z")
    )
    return Superevent(
        "TS260211a",
        (
            Alert("EARLY_WARNING", "2026-02-11T19:50:01Z", warning, wire="avro-2022"),
            Alert("PRELIMINARY", "2026-02-11T19:50:41Z", preliminary, wire="avro-2022"),
        ),
    )


def bbh_retracted_then_confirmed() -> Superevent:
    """Binary black hole across RA 0, retracted by mistake and confirmed an hour later."""
    first = Measurement(351.0, 8.0, 1450.0, 0.28, "2026-05-22T11:04:51.207Z", HL, 12.5, 110.0)
    best = replace(first, snr=15.0, distance_error=0.25)
    preliminary = seen(
        first,
        Map(first, "2026-05-22T11:05:11Z", unsigned_uniq=True),
        far=5.1e-9,
        pipeline="pycbc",
        search="BBH",
        classification=classes(0.0, 0.03, 0.96, 0.01),
        properties={"HasNS": 0.01, "HasRemnant": 0.0, "HasMassGap": 0.03, "HasSSM": 0.0},
    )
    confirmed = replace(
        preliminary,
        far=7.4e-11,
        pipeline="MBTA",
        search="AllSky",
        skymap=Map(best, "2026-05-22T12:10:40Z", repeated_card="DISTMEAN"),
    )
    return Superevent(
        "MS260522k",
        (
            Alert("PRELIMINARY", "2026-05-22T11:05:20Z", preliminary),
            Alert("RETRACTION", "2026-05-22T11:21:09Z"),
            Alert("INITIAL", "2026-05-22T12:19:40Z", confirmed, name="confirmed"),
        ),
    )


def burst_without_distance() -> Superevent:
    """Short unmodelled burst with a map of the sky alone."""
    m = Measurement(322.0, -24.0, 1.0, 1.0, "2026-06-07T22:31:17.350Z", HL, 13.0, 90.0)
    event = seen(
        m,
        Map(m, "2026-06-07T22:33:02Z", "CWB"),
        far=2.2e-9,
        pipeline="CWB",
        group="Burst",
        duration=0.0114,
        central_frequency=152.6,
    )
    return Superevent(
        "MS260607d",
        (
            Alert("PRELIMINARY", "2026-06-07T22:34:10Z", event),
            Alert("INITIAL", "2026-06-07T23:02:48Z", event),
        ),
    )


def cbc_without_distance() -> Superevent:
    """Low-significance candidate of a burst pipeline in the CBC group, as GCN JSON."""
    m = Measurement(92.0, -38.0, 1.0, 1.0, "2026-07-15T06:09:17.780Z", HL, 8.5, 90.0)
    event = seen(
        m,
        Map(m, "2026-07-15T06:09:52Z", "CWB"),
        far=1.3e-5,
        significant=False,
        pipeline="CWB",
        search="BBH",
        classification=classes(0.0, 0.0, 0.06, 0.94),
        properties={"HasNS": 0.0, "HasRemnant": 0.0, "HasMassGap": 0.03},
    )
    return Superevent(
        "MS260715s",
        (Alert("PRELIMINARY", "2026-07-15T06:14:59Z", event, name="no-distance", wire="json"),),
    )


def subsolar_mass() -> Superevent:
    """Subsolar-mass candidate: no classification, HasSSM, and a key that no schema knows."""
    m = Measurement(28.0, 52.0, 58.0, 0.3, "2026-08-03T14:27:33.081Z", HL, 10.5, 120.0)
    event = seen(
        m,
        Map(m, "2026-08-03T14:28:10Z"),
        far=6.3e-9,
        pipeline="MBTA",
        search="SSM",
        properties={"HasSSM": 0.99, "HasNS": 0.71, "HasMassGap": 0.0},
        mchirp_source={
            "bin_edges": [0.1, 0.3, 0.4, 0.5, 0.6, 0.87],
            "probabilities": [0.02, 0.11, 0.58, 0.27, 0.02],
        },
    )
    unknown = {"comment": "a key that no schema knows"}
    return Superevent(
        "MS260803a",
        (Alert("PRELIMINARY", "2026-08-03T14:28:25Z", event, name="ssm", unknown=unknown),),
    )


def single_detector_retracted() -> Superevent:
    """Early warning without a map, then a map of half the sky, then a retraction."""
    m = Measurement(14.0, 27.0, 150.0, 0.33, "2026-09-02T08:15:40.655Z", ("L1",), 9.2, 90.0)
    warning = seen(
        m,
        None,
        far=3.0e-8,
        pipeline="gstlal",
        search="EarlyWarning",
        classification=classes(0.62, 0.0, 0.0, 0.38),
        properties={"HasNS": 1.0, "HasRemnant": 0.9, "HasMassGap": 0.0, "HasSSM": 0.0},
    )
    preliminary = replace(
        warning, search="AllSky", far=8.1e-9, skymap=Map(m, "2026-09-02T08:16:07Z")
    )
    return Superevent(
        "TS260902f",
        (
            Alert("EARLYWARNING", "2026-09-02T08:15:31Z", warning, name="no-map"),
            Alert("PRELIMINARY", "2026-09-02T08:16:15Z", preliminary, name="single-detector"),
            Alert("RETRACTION", "2026-09-02T08:49:53Z"),
        ),
    )


def retraction_alone() -> Superevent:
    """Retraction that no alert came before."""
    alert = Alert("RETRACTION", "2026-09-26T23:06:05Z", name="alone", wire="json")
    return Superevent("MS260926m", (alert,))


def neutrino_coincidence() -> Superevent:
    """Coincidence with neutrinos, which give no position and so no combined map."""
    m = Measurement(155.0, -29.0, 610.0, 0.26, "2026-10-04T03:43:54.694Z", HL, 12.0, 100.0)
    event = seen(
        m,
        Map(m, "2026-10-04T03:44:25Z"),
        far=9.5e-10,
        pipeline="SGNL",
        search="MDC",
        classification=classes(0.0, 0.55, 0.43, 0.02),
        properties={"HasNS": 0.57, "HasRemnant": 0.02, "HasMassGap": 0.4, "HasSSM": 0.0},
    )
    neutrinos = Coincidence(
        gcn_notice_id="mock-snews-20261004",
        ivorn="ivo://example.org/mock#SNEWS2026-10-04T03:44:02.12",
        observatory="SNEWS",
        search="MDC",
        time_difference=7.43,
        time_coincidence_far=5.4e-18,
        time_sky_position_coincidence_far=None,
    )
    wire: Wire = "json-2023"
    return Superevent(
        "MS261004d",
        (Alert("PRELIMINARY", "2026-10-04T03:48:59Z", event, neutrinos, "neutrinos", wire),),
    )


SUPEREVENTS = (
    bns_life_cycle(),
    nsbh_in_the_schema_of_2022(),
    bbh_retracted_then_confirmed(),
    burst_without_distance(),
    cbc_without_distance(),
    subsolar_mass(),
    single_detector_retracted(),
    retraction_alone(),
    neutrino_coincidence(),
)


def write_samples(directory: Path) -> list[Path]:
    """Write every sample into a directory, and return the files."""
    directory.mkdir(parents=True, exist_ok=True)
    written = []
    for superevent in SUPEREVENTS:
        for number, alert in enumerate(superevent.alerts, start=1):
            path = directory / file_name(number, alert, superevent.superevent_id)
            path.write_bytes(encode(alert, superevent.superevent_id))
            written.append(path)
    return written


def main() -> None:
    """Read the command line and write the samples."""
    parser = argparse.ArgumentParser(description="Write the mock alerts of samples/.")
    parser.add_argument("directory", nargs="?", type=Path, default=SAMPLES, metavar="DIR")
    for path in write_samples(parser.parse_args().directory):
        print(f"{path.stat().st_size:9,d} bytes  {path}")


if __name__ == "__main__":
    main()
