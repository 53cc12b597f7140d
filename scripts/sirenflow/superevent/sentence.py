"""The plain sentence on a superevent: what its newest alert means for an observer.

The thresholds of its words are those of `LIKELIHOOD_WORDS` and `CERTAINTY_WORDS`; the event page
prints them.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from sirenflow.superevent.number_text import (
    NO_BREAK,
    distance_text,
    duration_text,
    frequency_text,
    probability_text,
)

SUB_SOLAR, SUB_SOLAR_SEARCH = "sub-solar mass", "sub-solar search"


# Lowest probability for each word: likelihood of a property, then certainty of a source class.
LIKELIHOOD_WORDS = (
    (0.99, "almost certain"),
    (0.66, "likely"),
    (0.33, "possible"),
    (0.01, "unlikely"),
    (0.0, "very unlikely"),
)


CERTAINTY_WORDS = (
    (0.99, "almost certainly"),
    (0.66, "probably"),
    (0.5, "perhaps"),
    (0.0, "source unclear: the most probable is"),
)


CLASS_NOUNS = {
    "BNS": "a binary neutron star",
    "NSBH": "a neutron star and a black hole",
    "BBH": "a binary black hole",
    "Terrestrial": "terrestrial noise",
}


@dataclass(frozen=True)
class Phrase:
    """A piece of the sentence, and whether it carries the weight."""

    text: str
    strong: bool = False


@dataclass(frozen=True)
class SentenceFacts:
    """What the sentence is made of; None where the alert does not say.

    `distance_alert_number` is set where the distance is that of an earlier alert's sky map;
    `sub_solar` and `has_ssm` as `sirenflow.superevent.sub_solar` says.
    """

    kind: str
    state: str
    is_burst: bool = False
    source_class: str | None = None
    source_probability: float | None = None
    has_remnant: float | None = None
    distance_mean_mpc: float | None = None
    distance_std_mpc: float | None = None
    distance_alert_number: int | None = None
    duration_s: float | None = None
    central_frequency_hz: float | None = None
    has_values: bool = True
    sub_solar: str | None = None
    has_ssm: float | None = None


def word_for(probability: float, words: Iterable[tuple[float, str]]) -> str:
    """Choose the word of the highest threshold that `probability` reaches."""
    return next(word for lowest, word in words if probability >= lowest)


def sentence(facts: SentenceFacts) -> tuple[Phrase, ...]:
    """Say in one or two plain sentences what the alert means for an observer."""
    opening: list[Phrase] = []
    if facts.kind != "real":
        opening = [Phrase("Test alert, do not observe.", strong=True), Phrase(" ")]
    if facts.state == "no_readable_alert":
        return (*opening, Phrase("No alert of this superevent could be read."))
    if facts.state == "retracted":
        return (*opening, *_retraction(facts))
    body = _description(facts)
    if opening:
        return (*opening, Phrase("Were it real: "), *body)
    return (Phrase(body[0].text[0].upper() + body[0].text[1:], body[0].strong), *body[1:])


def sentence_text(phrases: Iterable[Phrase]) -> str:
    """Join the phrases of a sentence."""
    return "".join(phrase.text for phrase in phrases)


def _retraction(facts: SentenceFacts) -> list[Phrase]:
    kept = (
        " The last values before the retraction are kept below, for the record."
        if facts.has_values
        else " No alert with values came before the retraction."
    )
    return [
        Phrase("Stop follow-up.", strong=True),
        Phrase(" The collaboration withdrew this candidate." + kept),
    ]


def _description(facts: SentenceFacts) -> list[Phrase]:
    if not facts.has_values:
        return [Phrase("this alert carries no event values.")]
    if facts.is_burst:
        return _burst(facts)
    phrases = _source(facts)
    if facts.source_class == "Terrestrial":
        return [*phrases, Phrase(".")]
    if facts.distance_mean_mpc is not None:
        distance = distance_text(facts.distance_mean_mpc, facts.distance_std_mpc)
        alert = facts.distance_alert_number
        away = " away" if alert is None else f" away by the sky map of alert {alert}"
        unbroken = f"{distance} Mpc".replace(" ", NO_BREAK)
        phrases += [Phrase(", "), Phrase(unbroken, strong=True), Phrase(away)]
    phrases += _property("a component below one solar mass", "HasSSM", facts.has_ssm)
    phrases += _property("matter outside the remnant", "HasRemnant", facts.has_remnant)
    return [*phrases, Phrase(".")]


def _property(what: str, name: str, probability: float | None) -> list[Phrase]:
    """Write how likely a property is; nothing where that is unknown."""
    if probability is None:
        return []
    return [
        Phrase(f"; {what} is "),
        Phrase(word_for(probability, LIKELIHOOD_WORDS), strong=True),
        Phrase(f" ({name} {probability_text(probability)})"),
    ]


def _source(facts: SentenceFacts) -> list[Phrase]:
    if facts.sub_solar == SUB_SOLAR:
        return [Phrase("a "), Phrase("sub-solar-mass candidate", strong=True)]
    if facts.sub_solar is not None:
        candidate = Phrase("a compact binary candidate", strong=True)
        return [candidate, Phrase(" of the sub-solar-mass search")]
    if facts.source_class is None or facts.source_probability is None:
        return [Phrase("a compact binary candidate", strong=True), Phrase(" with no source class")]
    noun = CLASS_NOUNS.get(facts.source_class, f"a source of class {facts.source_class}")
    return [
        Phrase(word_for(facts.source_probability, CERTAINTY_WORDS) + " "),
        Phrase(noun, strong=True),
        Phrase(f" ({probability_text(facts.source_probability)})"),
    ]


def _burst(facts: SentenceFacts) -> list[Phrase]:
    details = []
    if facts.duration_s is not None:
        details.append(f"{duration_text(facts.duration_s)} long")
    if facts.central_frequency_hz is not None:
        details.append(f"near {frequency_text(facts.central_frequency_hz)}")
    described = f": {' '.join(details)}." if details else "."
    missing = " No source class." if facts.distance_mean_mpc else " No distance or source class."
    return [Phrase("an "), Phrase("unmodelled burst", strong=True), Phrase(described + missing)]
