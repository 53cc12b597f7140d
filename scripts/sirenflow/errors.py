"""What can go wrong, in kinds that a caller can tell apart."""


class SirenflowError(Exception):
    """Root of all errors that Sirenflow raises on purpose."""


class AlertError(SirenflowError):
    """The bytes are not one alert that can be keyed and decoded."""


class SkymapError(SirenflowError):
    """The bytes are not a multi-order sky map: nothing can be delivered."""


class SkymapValueError(SkymapError):
    """A readable multi-order sky map whose values allow no honest numbers."""


class InboxError(SirenflowError):
    """The inbox cannot be read or written."""


class ConfigError(SirenflowError):
    """The configuration has a wrong key or value."""
