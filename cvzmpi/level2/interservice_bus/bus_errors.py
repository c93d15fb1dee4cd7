"""Errors of the interservice bus. None of them is about a program, which stays as it is."""

from cvzmpi.errors import ConfigError, UnavailableError


class BusUnavailableError(UnavailableError):
    """The broker of the messages does not answer, or cannot take a message now; later it may."""


class BusRefusedError(ConfigError):
    """The broker refuses what the section `[bus]` asks for."""
