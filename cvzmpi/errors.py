"""The errors that cvzmpi raises for a reason that a user can act on.

Each carries one clear line: which file or setting, which value, what was expected. Everything
else that is raised is a defect of the program and shows its traceback.
"""

from cvzmpi.redaction import redacted


class CvzmpiError(Exception):
    """Base of all errors with a message for the user, in which there are no secrets."""

    def __init__(self, *arguments: object) -> None:
        super().__init__(*(redacted(a) if isinstance(a, str) else a for a in arguments))


class UnavailableError(CvzmpiError):
    """Something outside of cvzmpi does not answer now; later it may, without any change."""


class PutOffError(CvzmpiError):
    """A unit cannot be worked on now, by no fault of its own: a later job does it."""


class FileInUseError(PutOffError):
    """Another program has a file open for writing."""


class MachineError(PutOffError):
    """The machine or its file system is at fault: no space, no memory, no locks."""


class ConfigError(CvzmpiError):
    """The configuration or the command line is wrong; nothing was started."""


class MissingPackageError(CvzmpiError):
    """An optional package is not installed; says which extra brings it."""


class LaunchError(CvzmpiError):
    """The MPI job was started in a way that cannot work.

    Attributes
    ----------
    rank : int
        The launcher's number of the rank that prints the message, of all that have the error.
    """

    def __init__(self, message: str, rank: int = 0) -> None:
        super().__init__(message)
        self.rank = rank


class ModelFileError(CvzmpiError):
    """The neural network's weights are missing or are not the published ones."""


class LightCurveError(CvzmpiError):
    """An input light curve cannot be used."""


class DamagedLightCurveError(LightCurveError):
    """The file of an input light curve is not whole; a copy of it may be."""


class ArchiveError(CvzmpiError):
    """The archive of the light curves did not give what was asked for."""


class ArchiveDownError(ArchiveError, UnavailableError):
    """The archive does not answer, or answers wrongly; later it may do better.

    The error says nothing about the product that was asked for.
    """


class ScratchError(CvzmpiError):
    """The scratch directory cannot be written to."""


class SectorFileError(CvzmpiError):
    """An output file cannot be read, written or continued."""


class DamagedFileError(SectorFileError):
    """An output file is unreadable or inconsistent, so that its light curve must start anew."""


class UnfinishedFileError(SectorFileError):
    """An output file is sound, and not yet far enough for what is asked of it."""


class LedgerError(CvzmpiError):
    """The ledger refuses something, or is not what is expected."""


class LedgerUnavailableError(LedgerError, UnavailableError):
    """The ledger's database cannot be reached or is locked; later it may be."""


class LedgerLostError(LedgerError):
    """The ledger that a running job began with is gone, or another one is in its place."""


class LedgerFullError(LedgerError, MachineError):
    """The disk of the ledger is full."""


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
    """The message of an error, on one line and without secrets; its type if it has no message."""
    return redacted(" ".join(str(error).split())) or type(error).__name__


def defect_line(error: BaseException) -> str:
    """An unforeseen error on one line: its type, its message, and its place in the code."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    where = ""
    if trace is not None:
        code = trace.tb_frame.f_code
        where = f" [{code.co_filename.rpartition('/')[2]}:{trace.tb_lineno} {code.co_name}]"
    return f"{type(error).__name__}: {redacted(' '.join(str(error).split()))}{where}"
