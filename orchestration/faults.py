"""Which exceptions are the user's to mend (exit 2), which are a failed run (exit 1)."""

from activation.emails.proposals import ProposalRefused
from activation.load import PlaybookError
from activation.playbook.playbook import NoSuchEmail
from activation.release.release import ReleaseRefused
from ml.propensity.task import TaskError
from orchestration.landing_zone.files import LandingError
from orchestration.resources import UserError

OF_THE_USER = (UserError, LandingError, PlaybookError, NoSuchEmail, ProposalRefused, ReleaseRefused, TaskError)


def exit_code_of(fault: Exception) -> int | None:
    """2 for a fault of the input or the call, 1 for a failed run, None for a defect that deserves its traceback."""
    if isinstance(fault, OF_THE_USER):
        return 2
    return (
        1
        if type(fault).__name__ in {"RunFailed", "DbtFailed", "ResidueFound", "EndpointFailed", "AnswerRefused"}
        else None
    )
