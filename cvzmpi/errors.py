"""The errors that cvzmpi raises for a reason that a user can act on.

Each carries one clear line: which file or setting, which value, what was expected. Everything
else that is raised is a defect of the program and shows its traceback.
"""

from cvzmpi.redaction import redacted


class CvzmpiError(Exception):
    """Base of all errors with a message for the user, in which there are no secrets."""

    def __init__(self, *arguments: object) -> None:
        super().__init__(*(redacted(a) if isinstance(a, str) else a for a in arguments))


class ConfigError(CvzmpiError):
    """The configuration or the command line is wrong; nothing was started."""


class LaunchError(CvzmpiError):
    """The MPI job was started in a way that cannot work."""


class ModelFileError(CvzmpiError):
    """The neural network's weights are missing or are not the published ones."""


class LightCurveError(CvzmpiError):
    """An input light curve cannot be used."""


class ArchiveError(CvzmpiError):
    """The archive of the light curves did not give what was asked for."""


class SectorFileError(CvzmpiError):
    """An output file cannot be read, written or continued."""


class DamagedFileError(SectorFileError):
    """An output file is unreadable or inconsistent, so that its light curve must start anew."""


class LedgerError(CvzmpiError):
    """The ledger refuses something, or is not what is expected."""


class LedgerUnavailableError(LedgerError):
    """The ledger's database cannot be reached or is locked; later it may be."""


class IllegalTransitionError(LedgerError):
    """A unit cannot go from its state to that one."""


class StaleEventError(LedgerError):
    """The unit is no longer as the event supposes: another job was faster, or took it over."""


class Level1Error(CvzmpiError):
    """A dataset of a telescope cannot be read, or cannot be prepared for the inversion."""


class MapFileError(CvzmpiError):
    """A file with a map of the Sun cannot be read, written or continued."""


class DamagedMapFileError(MapFileError):
    """A file with a map of the Sun is unreadable or inconsistent."""


class TransferError(CvzmpiError):
    """Files could not be brought to where they should be."""


def one_line(error: BaseException) -> str:
    """What an error says, on one line and without secrets; its type where it says nothing."""
    return redacted(" ".join(str(error).split())) or type(error).__name__
