"""The commit of the inversion code, which must exist in its repository if one is configured."""

from __future__ import annotations

import re

import requests

from cvzmpi.errors import UnavailableError, one_line
from cvzmpi.level2.handing_in.ready_event import HandInError

_HASH = re.compile(r"[0-9a-fA-F]{7,64}")
_SECONDS = (5.0, 20.0)  # to connect, and between the parts of an answer


class RepositoryUnavailableError(HandInError, UnavailableError):
    """The repository of the inversion code does not say now whether it has a commit."""


def check_commit(repository: str, commit: str) -> None:
    """Check that a commit is in a repository.

    Parameters
    ----------
    repository : str
        Address of its pages, which has one at `commit/<hash>` for each commit, as those of GitHub,
        Gitea and, below `/-`, of GitLab; "" if commits are not checked.

    Raises
    ------
    HandInError
        If it is not there.
    RepositoryUnavailableError
        If that cannot be known now.
    """
    if not repository:
        return
    if _HASH.fullmatch(commit) is None:
        raise HandInError(
            f"commit {commit}: expected 7 to 64 hexadecimal digits, since commits are looked for "
            f"in {repository}"
        )
    place = f"/commit/{commit}"
    try:
        with requests.get(
            f"{repository.rstrip('/')}{place}", timeout=_SECONDS, stream=True
        ) as answer:
            status, address = answer.status_code, answer.url
    except requests.RequestException as error:
        raise RepositoryUnavailableError(f"{repository}: no answer: {one_line(error)}") from error
    if status == requests.codes.not_found:
        raise HandInError(f"commit {commit}: not in {repository}")
    if status != requests.codes.ok:
        raise RepositoryUnavailableError(
            f"{repository}: expected status 200 or 404 for commit {commit}, got {status}"
        )
    if (
        place.lower() not in address.lower()
    ):  # as the page to sign in, which is there for any commit
        raise RepositoryUnavailableError(
            f"{repository}: asked for commit {commit}, it leads to another page"
        )
