"""Secrets in text: no message, log or record shows the password of a URL.

URLs of databases and archives may hold one, in the place before the host or as a parameter, and
the errors of drivers quote them. What is quoted may be mistyped, so that no parser finds its parts:
rather too much is hidden than too little.
"""

from __future__ import annotations

import re
import sys
import traceback

HIDDEN = "***"
"""Stands in place of a secret."""

_SECRET_NAME = (
    r"[\w-]*(?:password|passwd|pass|passphrase|passwort|pwd|secret|token|credentials?|signature|"
    r"api[_-]?key|access[_-]?key(?:[_-]?id)?)"
)
# User and password end with the last @ of a line, since a password may have any character.
_BEFORE_HOST = re.compile(
    r"(?P<user>(?:\b[a-z][\w+.-]*:|(?<![\w:]))/{1,3}(?!\.\.\.:)[^\s:/@?#'\"]*):"
    rf"(?!{re.escape(HIDDEN)}@)(?![0-9]{{1,5}}(?:[/?#\s'\"),;:]|$)(?!\S*@))[^\n]*@",
    re.IGNORECASE,
)
# A value in quotes, or up to another parameter or the end of what is quoted.
_VALUE = r"'(?:\\.|[^'\\\n])*'|\"(?:\\.|[^\"\\\n])*\"|[^\n&'\"]*?(?=$|[\n&'\"]|\s+[\w.-]+\s*=)"
_PARAMETER = re.compile(
    rf"(?P<name>\b{_SECRET_NAME}(?:['\"]\s*:\s*(?=b?['\"])|\s*=\s*|%3D))"
    rf"(?!{re.escape(HIDDEN)})(?:{_VALUE})",
    re.IGNORECASE,
)
_HEADER = re.compile(
    r"(?P<name>\bauthorization['\"]?\s*[:=]\s*b?['\"]?)[^\n'\"]+|"
    r"(?P<scheme>\bbearer\s+)[\w+/=.~-]{12,}",
    re.IGNORECASE,
)
_IS_PARAMETER = re.compile("[=:]|%3D", re.IGNORECASE)  # the other takes longer
_IS_HEADER = re.compile("authorization|bearer", re.IGNORECASE)
_URL = re.compile(r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*)://(?P<rest>.*)", re.DOTALL)
_PARAMETERS = frozenset(
    """
    host hostaddr port dbname user password passfile require_auth channel_binding
    connect_timeout client_encoding options application_name fallback_application_name
    keepalives keepalives_idle keepalives_interval keepalives_count tcp_user_timeout replication
    gssencmode sslmode sslnegotiation requiressl sslcompression sslcert sslkey sslkeylogfile
    sslpassword sslcertmode sslrootcert sslcrl sslcrldir sslsni requirepeer
    ssl_min_protocol_version ssl_max_protocol_version min_protocol_version max_protocol_version
    krbsrvname gsslib gssdelegation scram_client_key scram_server_key service servicefile
    target_session_attrs load_balance_hosts oauth_issuer oauth_client_id oauth_client_secret
    oauth_scope
    """.split()  # noqa: SIM905
)
"""The parameters of a connection that PostgreSQL's libpq knows."""
_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})")


def redacted(text: str) -> str:
    """A text without the secrets of the URLs, connection strings and headers in it.

    Parameters
    ----------
    text : str
        Any: a message, a line of a log, a traceback.
    """
    if "@" in text:
        text = _BEFORE_HOST.sub(rf"\g<user>:{HIDDEN}@", text)
    if _IS_PARAMETER.search(text):
        text = _PARAMETER.sub(rf"\g<name>{HIDDEN}", text)
    return _HEADER.sub(_without_header, text) if _IS_HEADER.search(text) else text


def shown_content(content: str | bytes) -> str:
    """Content from elsewhere as a message repeats it behind an address: in quotes, without secrets.

    An @ in it is escaped: up to that, all of the message would be taken for the address's password.
    """
    return redacted(repr(content)).replace("@", r"\x40")


def show_traceback(error: BaseException) -> None:
    """Print the traceback of a defect, without secrets."""
    text = "".join(traceback.format_exception(error))
    sys.stderr.write(redacted(text))
    sys.stderr.flush()


def shown_url(url: str) -> str:
    """A setting that is, or should be, the URL of something, as messages show it.

    Only the scheme is shown if a secret could be anywhere in it.
    """
    if "@" not in url and _PARAMETER.search(url) is None:
        return url
    match = _URL.fullmatch(url)
    if match is None:
        return "..."
    _, _, after_host = match["rest"].partition("/")
    _, _, query = url.partition("?")
    is_clear = (
        url_fault(url) is None
        and re.search(r"['\"\s]|:.*@", after_host) is None
        and _are_parameters(query)
    )
    return redacted(url) if is_clear else f"{match['scheme']}://..."


def url_fault(url: str) -> str | None:
    """The part of a URL that programs would read in different ways; None if it is clear.

    A password with an @ or a slash that is not percent-encoded would in part be taken for a host,
    which messages name and requests are sent to.
    """
    match = _URL.fullmatch(url)
    if match is None:
        return "is no URL"
    scheme, rest = match["scheme"].lower(), match["rest"]
    if scheme.partition("+")[0] in {"file", "sqlite"}:  # a path, which may have any character
        return None
    authority = re.split("[/?]", rest, maxsplit=1)[0]
    path, _, query = rest[len(authority) :].partition("?")
    userinfo, at, host = authority.rpartition("@")
    is_web = scheme in {"http", "https", "s3"}
    with_parameters = "" if is_web else query
    if any(c in " '\"" or not c.isprintable() for c in authority + with_parameters):
        what = "a space, quote or control character"
    elif _ESCAPE.search(authority + with_parameters):
        what = "a % without two digits"
    elif "@" in userinfo:
        what = "an @"
    elif _may_hold_userinfo(path, is_web) or (
        "@" in path + query and not at and not _is_with_port(host)
    ):
        what = "a / or ?"
    elif not _are_parameters(with_parameters):
        what = "an & or ?"
    else:
        return None if _is_with_port(host) else "has a port that is no number"
    return f"has {what} where it must be percent-encoded (as %40 for @)"


def _may_hold_userinfo(path: str, is_web: bool) -> bool:
    """True if a path could be the rest of a user and a password with a slash in one of them."""
    return "@" in path and (not is_web or ":" in path.partition("@")[0])


def _are_parameters(query: str) -> bool:
    """True if a query is parameters, and not the rest of a password with an &."""
    items = [item.partition("=") for item in query.split("&") if item]
    may_be_a_rest = _PARAMETER.search(query) is not None
    return all(
        separator and not (may_be_a_rest and name not in _PARAMETERS)
        for name, separator, _ in items
    )


def _is_with_port(host: str) -> bool:
    """True if a port follows each colon of a host, or of several hosts."""
    outside = re.sub(r"\[[^\]]*\]", "", host)
    return all(
        re.fullmatch("[^:]*(:[0-9]{0,5})?", one, re.ASCII) is not None for one in outside.split(",")
    )


def _without_header(match: re.Match[str]) -> str:
    return f"{match['name'] or match['scheme']}{HIDDEN}"
