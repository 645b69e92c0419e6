"""`holdfast accept`: a person takes over what a language model proposed; what it becomes part of then waits for an approval."""

import re
import shutil
import tempfile
from datetime import date
from pathlib import Path

from pydantic import ValidationError

from activation.emails.amend import with_subject, with_variant
from activation.emails.judge import judge
from activation.emails.proposals import FOLDER, BlockWords, Proposal, ProposalRefused, brief_of, fragments_of
from activation.load import load_wording
from activation.playbook.content import ENDINGS, fragment
from activation.playbook.governance import Item
from activation.playbook.located import read_located
from orchestration.preflight import load_valid_playbook
from orchestration.resources import PLAYBOOK, UserError

NAME = re.compile(r"[a-z][a-z0-9_]*")


def accept(name: str, *, variant: str | None, segment: str | None, today: date) -> list[str]:
    """Take a proposal over into the playbook; whatever it is part of then waits for an approval.

    Args:
        name: Of the proposal.
        variant: How the variant of a block is to be called.
        segment: Who gets it.
        today: When.

    Returns:
        Lines for people.

    Raises:
        ProposalRefused: There is no such proposal, it was taken over before, or today's rules find an error in it.
        UserError: It is not said how it is to be called, or who gets it.
        PlaybookError: The playbook would have faults with it; nothing is written.
    """
    proposal = _proposal(name)
    _require_clean(proposal)
    files = _files_of(proposal, variant=variant, segment=segment)
    with tempfile.TemporaryDirectory() as folder:
        tried = Path(shutil.copytree(PLAYBOOK, Path(folder) / PLAYBOOK.name))
        _write(tried, files)
        book = load_valid_playbook(tried)
    item = Item("flow", proposal.flow)
    taken = proposal.model_copy(update={"accepted_on": today, "accepted_as": variant or "subject"})
    _write(PLAYBOOK, {**files, f"{FOLDER}/{name}.yml": taken.to_yaml()})
    lines = [f"{PLAYBOOK.name}/{file}" for file in files]
    fault = book.standing(item, today).fault
    waits = "" if fault is None else f"; {item} is sent to nobody until `holdfast approve {item} --role …`"
    return [*lines, f"{name} is taken over as {variant or 'the subject'}{waits}"]


def _proposal(name: str) -> Proposal:
    folder = PLAYBOOK / FOLDER
    names = sorted(file.stem for file in folder.glob("*.yml"))
    if name not in names:
        message = f"there is no proposal {name}: there are {', '.join(names) or 'none'}"
        raise ProposalRefused(message)
    located, faults = read_located(folder / f"{name}.yml", name=f"{PLAYBOOK.name}/{FOLDER}/{name}.yml")
    if faults:
        raise ProposalRefused(str(faults[0]))
    try:
        proposal = Proposal.model_validate(located.content)
    except ValidationError as problem:
        detail = problem.errors(include_input=False, include_url=False)[0]
        raise ProposalRefused(str(located.fault(detail["loc"], detail["msg"]))) from None
    if proposal.accepted_on is not None:
        message = f"{name} was taken over on {proposal.accepted_on} as {proposal.accepted_as}"
        raise ProposalRefused(message)
    return proposal


def _require_clean(proposal: Proposal) -> None:
    """Hold today's rules against the words as they stand in the file now: whoever mends them by hand is read as well."""
    book, wording = load_valid_playbook(), load_wording(PLAYBOOK)
    brief = brief_of(book, wording, flow=proposal.flow, step=str(proposal.step), block=proposal.block, count=1)
    errors = [each for each in judge(proposal.words, brief, wording) if each.severity == "error"]
    if errors:
        more = f", and {len(errors) - 1} more" if len(errors) > 1 else ""
        message = f"{proposal.proposal} cannot be taken over: {errors[0]}{more}"
        raise ProposalRefused(message)


def _files_of(proposal: Proposal, *, variant: str | None, segment: str | None) -> dict[str, str]:
    """What changes, by path below the playbook."""
    path = PLAYBOOK / "flows" / f"{proposal.flow}.yml"
    name = f"flows/{path.name}"
    if proposal.block is None or not isinstance(proposal.words, BlockWords):
        if variant or segment or isinstance(proposal.words, BlockWords):
            message = "a subject is the same for everybody: say neither --variant nor --segment"
            raise UserError(message)
        return {name: with_subject(path, proposal.step, proposal.words)}
    if variant is None or segment is None:
        message = "say how the variant is to be called with --variant, and who gets it with --segment"
        raise UserError(message)
    if not NAME.fullmatch(variant):
        message = f"--variant {variant!r} is no name: use small letters, digits and _"
        raise UserError(message)
    files = {
        f"content/{fragment(proposal.block, variant, ending)}": fragments_of(proposal.words)[ending]
        for ending in ENDINGS
    }
    if found := next((file for file in files if (PLAYBOOK / file).exists()), None):
        message = f"{PLAYBOOK.name}/{found} is there already: choose another --variant"
        raise UserError(message)
    return {**files, name: with_variant(path, proposal.step, proposal.block, variant, segment=segment)}


def _write(folder: Path, files: dict[str, str]) -> None:
    """Write files below a folder, each by rename; the flow, which names the others, is the last."""
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = path.with_name(f"{path.name}.tmp")
        temporary.write_text(text, encoding="utf-8")
        temporary.replace(path)
