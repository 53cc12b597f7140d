"""The sentence says what the alert means, in the words of the published thresholds."""

import pytest

from sirenflow.superevent import number_text, sentence
from sirenflow.superevent.sentence import SentenceFacts


def plain(text: str) -> str:
    return text.replace(number_text.NARROW_SPACE, " ").replace(number_text.NO_BREAK, " ")


@pytest.mark.parametrize(
    ("probability", "word"),
    [
        (1.0, "almost certain"),
        (0.99, "almost certain"),
        (0.98, "likely"),
        (0.66, "likely"),
        (0.33, "possible"),
        (0.01, "unlikely"),
        (0.0, "very unlikely"),
    ],
)
def test_words_follow_the_published_thresholds(probability: float, word: str) -> None:
    assert sentence.word_for(probability, sentence.LIKELIHOOD_WORDS) == word


def said(**facts: object) -> str:
    values: dict[str, object] = {"kind": "real", "state": "update", **facts}
    return plain(sentence.sentence_text(sentence.sentence(SentenceFacts(**values))))  # type: ignore[arg-type]


def test_sentence_of_a_binary_neutron_star() -> None:
    assert said(
        source_class="BNS",
        source_probability=0.95,
        has_remnant=0.91,
        distance_mean_mpc=186.2,
        distance_std_mpc=37.4,
    ) == (
        "Probably a binary neutron star (95 %), 186 ± 37 Mpc away; "
        "matter outside the remnant is likely (HasRemnant 91 %)."
    )


def test_sentence_of_noise_promises_no_remnant_and_no_distance() -> None:
    text = said(
        source_class="Terrestrial",
        source_probability=0.9,
        has_remnant=0.5,
        distance_mean_mpc=186.2,
        distance_std_mpc=37.4,
    )
    assert text == "Probably terrestrial noise (90 %)."


def test_sentence_of_an_unclear_source_is_true_at_forty_per_cent() -> None:
    text = said(source_class="BBH", source_probability=0.4)
    assert text == "Source unclear: the most probable is a binary black hole (40 %)."


def test_sentence_names_the_alert_of_an_earlier_map() -> None:
    text = said(
        source_class="BBH", source_probability=0.97, distance_mean_mpc=800, distance_alert_number=2
    )
    assert text == "Probably a binary black hole (97 %), 800 Mpc away by the sky map of alert 2."


def test_distance_does_not_leave_its_unit() -> None:
    spread = "186 ± 37 Mpc".replace(" ", number_text.NO_BREAK)
    facts = SentenceFacts(
        kind="real", state="update", distance_mean_mpc=186.2, distance_std_mpc=37.4
    )
    assert spread in sentence.sentence_text(sentence.sentence(facts))
    assert number_text.distance_range_text(74.2, 123.7) == f"74–124{number_text.NO_BREAK}Mpc"


def test_sentence_of_a_burst() -> None:
    text = said(is_burst=True, duration_s=0.0117, central_frequency_hz=155.4)
    assert text == "An unmodelled burst: 12 ms long near 155 Hz. No distance or source class."


def test_mock_begins_with_the_warning_and_retraction_with_stop() -> None:
    assert said(kind="mock").startswith("Test alert, do not observe. Were it real: ")
    assert said(state="retracted").startswith("Stop follow-up.")
    assert said(kind="test", state="retracted").startswith(
        "Test alert, do not observe. Stop follow-up."
    )
