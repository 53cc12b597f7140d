"""Settings of the whole test suite."""

from hypothesis import HealthCheck, Phase, settings

# The same examples each time: a run must tell of the code, not of the dice.
settings.register_profile(
    "sirenflow",
    max_examples=50,
    deadline=None,
    # Without shrinking: it takes minutes where each example takes milliseconds.
    phases=[Phase.explicit, Phase.generate],
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("sirenflow")
