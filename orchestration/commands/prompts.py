"""`holdfast prompts`: registers the playbook's prompts in MLflow, and lets `approved` follow the approvals."""

from datetime import date
from typing import TYPE_CHECKING

from activation.load import load_prompts
from activation.playbook.governance import Item, standing_of
from activation.playbook.playbook import Playbook
from activation.playbook.prompts import Prompt, Purpose, hash_of_messages
from orchestration.preflight import load_valid_playbook
from orchestration.resources import PLAYBOOK, Settings, UserError

if TYPE_CHECKING:
    from ml.tracking import RegisteredPrompt


def register_prompts(settings: Settings, *, today: date) -> list[str]:
    """Make each prompt of the playbook a version, and point `approved` at the newest version that somebody stands for today.

    Returns:
        A line for each prompt.

    Raises:
        PlaybookError: The playbook has faults.
    """
    from ml.tracking import point_approved, prompt_versions, register_prompt

    book, uri = load_valid_playbook(), settings.tracking_uri
    lines = []
    for prompt in load_prompts(PLAYBOOK):
        tags = {"content_hash": prompt.content_hash, "proposes": prompt.proposes}
        now = register_prompt(prompt.prompt, prompt.messages, tags=tags, tracking_uri=uri)
        versions = prompt_versions(prompt.prompt, tracking_uri=uri)
        stand = [found.version for found in versions if stands(book, found, today)]
        point_approved(prompt.prompt, stand[-1] if stand else None, tracking_uri=uri)
        lines.append(_line(prompt, now.version, stand[-1] if stand else None))
    return lines


def _line(prompt: Prompt, now: int, approved: int | None) -> str:
    name = f"prompt/{prompt.prompt}"
    if approved is None:
        said = f"no version is approved; `holdfast approve {name} --role …` approves it as it reads now"
    elif approved == now:
        said = f"version {approved} is approved"
    else:
        said = (
            f"version {approved} is approved and used until `holdfast approve {name} --role …` approves version {now}"
        )
    return f"{name:<24} reads as version {now}; {said}"


def stands(book: Playbook, found: "RegisteredPrompt", today: date) -> bool:
    """Whether an approval that holds names the text of a version, as it stands in the registry."""
    item = Item("prompt", found.name)
    approvals = tuple(approval for approval in book.approvals if approval.item == item)
    return standing_of(approvals, hash_of_messages(found.messages), today).fault is None


def approved_prompt(settings: Settings, book: Playbook, purpose: Purpose, *, today: date) -> "RegisteredPrompt":
    """The version that holds the alias `approved`, if somebody stands for its text today.

    Raises:
        UserError: There is none.
    """
    from ml.tracking import prompt_versions

    name = next((prompt.prompt for prompt in load_prompts(PLAYBOOK) if prompt.proposes == purpose), None)
    if name is None:
        message = f"no file of playbook/prompts proposes: {purpose}"
        raise UserError(message)
    versions = prompt_versions(name, tracking_uri=settings.tracking_uri)
    found = next((each for each in versions if each.is_approved), None)
    if found is None:
        why = "no version holds the alias approved" if versions else "it is not registered"
        message = f"prompt {name} cannot be used, {why}: `holdfast approve prompt/{name} --role …`, or `holdfast prompts` if it is approved"
        raise UserError(message)
    if not stands(book, found, today):
        message = (
            f"prompt {name} cannot be used: version {found.version} holds the alias approved, and no approval that holds today"
            f" names its text; `holdfast prompts` moves the alias"
        )
        raise UserError(message)
    return found
