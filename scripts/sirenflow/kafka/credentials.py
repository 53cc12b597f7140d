"""The login for a server, and how it and librdkafka's own settings reach hop-client."""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

import hop
from hop.auth import AmbiguousCredentialError, Auth, load_auth, select_matching_auth
from hop.configure import Config, get_config_path

from sirenflow.errors import StreamError
from sirenflow.kafka.address import Address

_GCN_HOSTS = ("kafka.gcn.nasa.gov", "kafka.test.gcn.nasa.gov", "kafka.dev.gcn.nasa.gov")
# Modes that hop-client refuses.
_UNSAFE_MODE = 0o7077
_NO_AUTH = "or use --no-auth for a server without login"
_SECRETS = ("sasl.password", "sasl.oauthbearer.client.secret")


def find_credential(address: Address, environ: Mapping[str, str]) -> Auth:
    """Find the login for a server.

    For GCN it is in the variables ``GCN_CLIENT_ID`` and ``GCN_CLIENT_SECRET``. Without those, and
    for any other server, it is in the file that ``hop auth add`` writes. Raise StreamError if there
    is no login, or no single one, or it cannot be read. The message is one line that says what to
    do, and has no secret.

    Parameters
    ----------
    address
        Its user, if any, chooses among several logins.
    """
    if address.host in _GCN_HOSTS:
        credential = _gcn_credential(address, environ)
        if credential is not None:
            return credential
        if not _has_credentials_file():
            raise StreamError(
                f"no login for {address.host}: set GCN_CLIENT_ID and GCN_CLIENT_SECRET, which are "
                "made at https://gcn.nasa.gov/quickstart"
            )
    file = _credentials_file()
    return _select_credential(_load_credentials(file), address, file)


def with_settings(auth: Auth | None, settings: Mapping[str, Any]) -> Auth:
    """Add settings of librdkafka to a login: the only way on which hop-client passes them on.

    Return a login that fits any server, as one does that was chosen before.

    Parameters
    ----------
    settings
        Settings by librdkafka's names, such as ``log_level`` or ``statistics.interval.ms``.
    """
    login = {"security.protocol": "PLAINTEXT"} if auth is None else auth()
    hidden = {key: _Secret(login[key]) for key in _SECRETS if key in login}
    return _Tuned("" if auth is None else auth.username, {**login, **hidden, **settings})


class Stream(hop.Stream):  # type: ignore[misc]
    """hop's stream, without hop's own configuration.

    It is a file that may be missing, malformed or have no home, and says only what Sirenflow
    decides itself: whether hop fetches and stores large messages elsewhere.
    """

    config = Config(fetch_external=False, automatic_offload=False)


class _Tuned(Auth):  # type: ignore[misc]
    """A login with settings of librdkafka."""

    def __init__(self, user: str, settings: dict[str, Any]) -> None:
        super().__init__(user, "")
        self._settings = settings

    def __call__(self) -> dict[str, Any]:
        return self._settings


class _Secret(str):
    """Text that is not shown: adc-streaming logs all settings at level DEBUG."""

    def __repr__(self) -> str:
        return "'...'"


def _gcn_credential(address: Address, environ: Mapping[str, str]) -> Auth | None:
    user, secret = environ.get("GCN_CLIENT_ID"), environ.get("GCN_CLIENT_SECRET")
    if bool(user) != bool(secret):
        found, missing = ("ID", "SECRET") if user else ("SECRET", "ID")
        raise StreamError(f"GCN_CLIENT_{found} is set and GCN_CLIENT_{missing} is not; set both")
    if not user or address.user not in (None, user):
        return None
    domain = address.host.removeprefix("kafka.")
    endpoint = f"https://auth.{domain}/oauth2/token"
    return Auth(user, secret, host=address.host, token_endpoint=endpoint)


def _has_credentials_file() -> bool:
    try:
        return _credentials_file().exists()
    except StreamError:
        return False


def _credentials_file() -> Path:
    try:
        return Path(get_config_path("auth"))
    except TypeError as error:
        raise StreamError(
            "no login can be found: neither HOME nor XDG_CONFIG_HOME is set, and the user has no "
            "entry in the table of users; set HOME to the directory whose .config/hop/auth.toml "
            f"has the login, {_NO_AUTH}"
        ) from error


def _load_credentials(file: Path) -> list[Auth]:
    try:
        mode = file.stat().st_mode if file.exists() else 0
        if mode & _UNSAFE_MODE:
            raise StreamError(
                f"{file} is open to others (mode {mode & 0o7777:04o}); run: chmod 600 {file}"
            )
        return list(load_auth())
    except StreamError:
        raise
    except FileNotFoundError as error:
        raise StreamError(
            f'no login: {file} does not exist; run "hop auth add", {_NO_AUTH}'
        ) from error
    except OSError as error:
        raise StreamError(f"{file} cannot be read: {error.strerror}") from error
    except Exception as error:  # hop-client checks no types, and raises what then comes
        # Only the place: what the parser says may repeat a secret.
        line = getattr(error.__context__, "lineno", None)
        raise _malformed_file_error(file, "" if line is None else f" (line {line})") from error


def _select_credential(credentials: list[Auth], address: Address, file: Path) -> Auth:
    try:
        return select_matching_auth(credentials, address.broker, address.user)
    except AmbiguousCredentialError as error:
        names = sorted(_matching_names(credentials, address))
        advice = (
            f"name one in the address: kafka://{quote(names[0])}@{address.name}"
            if len(set(names)) > 1
            else 'remove one with "hop auth remove"'
        )
        raise StreamError(
            f"several logins in {file} fit {address.broker} ({_quoted_list(names)}); {advice}"
        ) from error
    except RuntimeError as error:
        whose = "" if address.user is None else f" of {address.user!r}"
        found = _quoted_list(f"{login.username} for {login.hostname}" for login in credentials)
        raise StreamError(
            f"no login{whose} for {address.broker} in {file} (found {found or 'none'}); "
            f'run "hop auth add", {_NO_AUTH}'
        ) from error
    except Exception as error:  # a host name that is no text
        raise _malformed_file_error(file) from error


def _matching_names(credentials: list[Auth], address: Address) -> Iterator[str]:
    """Find whose logins fit equally well: a login with a host name beats those without."""
    exact = any(login.hostname and _matches_address(login, address) for login in credentials)
    for login in credentials:
        if _matches_address(login, address) and bool(login.hostname) == exact:
            yield login.username


def _matches_address(login: Auth, address: Address) -> bool:
    try:
        select_matching_auth([login], address.broker, address.user)
    except RuntimeError:
        return False
    return True


def _quoted_list(names: Iterable[str]) -> str:
    return ", ".join(repr(name) for name in names)


def _malformed_file_error(file: Path, where: str = "") -> StreamError:
    return StreamError(f'{file} is malformed{where}; correct it, or write it anew: "hop auth add"')
