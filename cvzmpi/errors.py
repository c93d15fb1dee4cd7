"""The errors that cvzmpi raises for a reason that a user can act on.

Each carries one clear line: which file or setting, which value, what was expected. Everything
else that is raised is a defect of the program and shows its traceback.
"""

from cvzmpi.messages.redaction import redacted


class CvzmpiError(Exception):
    """Base of all errors with a message for the user, in which there are no secrets."""

    def __init__(self, *arguments: object) -> None:
        super().__init__(*(redacted(a) if isinstance(a, str) else a for a in arguments))


class UnavailableError(CvzmpiError):
    """Something outside of cvzmpi does not answer now; later it may, without any change.

    Remedy: run the same again later; `cvzmpi status` says what it waits for.
    """


class PutOffError(CvzmpiError):
    """A unit cannot be worked on now, by no fault of its own: a later job does it.

    Remedy: none; the next job does it.
    """


class FileInUseError(PutOffError):
    """Another program has a file open for writing.

    Remedy: close the file in the other program, often a notebook.
    """


class MachineError(PutOffError):
    """The machine or its file system is at fault: no space, no memory, no locks.

    Remedy: free the disk or the memory, or use a file system with `flock`; then run it again.
    """


class ConfigError(CvzmpiError):
    """The configuration or the command line is wrong; nothing was started.

    Remedy: change the setting or the option that the message names.
    """


class MissingPackageError(CvzmpiError):
    """An optional package is not installed; says which extra brings it.

    Remedy: install the extra that the message names, with the pip that it names.
    """


class LaunchError(CvzmpiError):
    """The MPI job was started in a way that cannot work.

    Remedy: start it as the message says: with the launcher of the MPI that cvzmpi uses.

    Attributes
    ----------
    rank : int
        The launcher's number of the rank that prints the message, of all that have the error.
    """

    def __init__(self, message: str, rank: int = 0) -> None:
        super().__init__(message)
        self.rank = rank


class ModelFileError(CvzmpiError):
    """The neural network's weights are missing or are not the published ones.

    Remedy: name the converted models in `detector.file`, or make them with `cvzmpi models`.
    """


class LightCurveError(CvzmpiError):
    """An input light curve cannot be used.

    Remedy: none for this file: the message says what it lacks. The others go on.
    """


class DamagedLightCurveError(LightCurveError):
    """The file of an input light curve is not whole; a copy of it may be.

    Remedy: fetch the file again, or put a whole copy beside it.
    """


class ArchiveError(CvzmpiError):
    """The archive of the light curves did not give what was asked for.

    Remedy: look at the address and the listings in the section `[archive]`.
    """


class ArchiveDownError(ArchiveError, UnavailableError):
    """The archive does not answer, or answers wrongly; later it may do better.

    Remedy: run it again later.

    The error says nothing about the product that was asked for.
    """


class ScratchError(CvzmpiError):
    """The scratch directory cannot be written to.

    Remedy: name a directory with room and the right to write in `archive.scratch`.
    """


class SectorFileError(CvzmpiError):
    """An output file cannot be read, written or continued.

    Remedy: do what the message says; no file is changed until then.
    """


class DamagedFileError(SectorFileError):
    """An output file is unreadable or inconsistent, so that its light curve must start anew.

    Remedy: none; the file is kept under another name and its light curve made anew.
    """


class UnfinishedFileError(SectorFileError):
    """An output file is sound, and not yet far enough for what is asked of it.

    Remedy: run the job until the light curve is done.
    """


class LedgerError(CvzmpiError):
    """The ledger refuses something, or is not what is expected.

    Remedy: do what the message says; `cvzmpi verify` compares the ledger with the files.
    """


class LedgerUnavailableError(LedgerError, UnavailableError):
    """The ledger's database cannot be reached or is locked; later it may be.

    Remedy: see to the database, and run it again.
    """


class LedgerLostError(LedgerError):
    """The ledger that a running job began with is gone, or another one is in its place.

    Remedy: run it again: a ledger that is lost is made anew from the files.
    """


class LedgerFullError(LedgerError, MachineError):
    """The disk of the ledger is full.

    Remedy: make room on the disk of the ledger, and run it again.
    """


class IllegalTransitionError(LedgerError):
    """A unit cannot go from its state to that one.

    Remedy: look at `cvzmpi history UNIT`: the unit is elsewhere on its way.
    """


class StaleEventError(LedgerError):
    """The unit is no longer as the event supposes: another job was faster, or took it over.

    Remedy: none; what the other job did stands.
    """


class Level1Error(CvzmpiError):
    """A dataset of a telescope cannot be read, or cannot be prepared for the inversion.

    Remedy: look at the dataset that the message names, and fetch it again.
    """


class MapFileError(CvzmpiError):
    """A file with a map of the Sun cannot be read, written or continued.

    Remedy: do what the message says; no file is changed until then.
    """


class DamagedMapFileError(MapFileError):
    """A file with a map of the Sun is unreadable or inconsistent.

    Remedy: none; the file is kept under another name and its map made anew.
    """


class TransferError(CvzmpiError):
    """Files could not be brought to where they should be.

    Remedy: look at the destination that the message names, and run it again.
    """


class TransferUnavailableError(TransferError, UnavailableError):
    """A service that transfers files does not answer, refuses the credentials, or is not done yet.

    Remedy: run it again later: a transfer under way goes on. If the message names credentials, set
    those in the environment.
    """


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
