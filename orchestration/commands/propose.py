"""`holdfast propose`: a language model is asked for words of an email, and each of them becomes a file that nothing loads."""

from collections import Counter
from datetime import date

from activation.emails.judge import judge
from activation.emails.proposals import (
    FOLDER,
    Brief,
    Proposal,
    Words,
    brief_of,
    hash_of_request,
    read_answer,
    request_of,
)
from activation.load import load_wording
from activation.playbook.prompts import fill, hash_of_messages
from orchestration.commands.endpoint import ask, model_of
from orchestration.commands.prompts import approved_prompt
from orchestration.preflight import load_valid_playbook
from orchestration.resources import PLAYBOOK, Endpoint, Settings, UserError


def propose(
    settings: Settings, endpoint: Endpoint, flow: str, step: str, *, block: str | None, count: int, today: date
) -> list[str]:
    """Ask a language model for words of an email and write each proposal to a file.

    Args:
        settings: Where the registry of prompts is.
        endpoint: Whom to ask.
        flow: The email's flow.
        step: Its step.
        block: The block whose words are wanted; None: the subject.
        count: How many.
        today: The day by which approvals of prompts are judged.

    Returns:
        Lines for people.

    Raises:
        NoSuchEmail: There is no such flow or step.
        ProposalRefused: There is no such block, or it is no matter of words.
        UserError: No approved prompt.
        EndpointFailed: The endpoint gives no answer.
        AnswerRefused: The answer is not what was asked for.
    """
    from ml.tracking import log_proposals

    book, wording = load_valid_playbook(), load_wording(PLAYBOOK)
    brief = brief_of(book, wording, flow=flow, step=step, block=block, count=count)
    prompt = approved_prompt(settings, book, brief.purpose, today=today)
    try:
        messages = fill(prompt.messages, brief.told)
    except KeyError as missing:
        message = f"prompt {prompt.name} asks in version {prompt.version} for {missing}, which nobody can tell: approve the newest one"
        raise UserError(message) from None
    request = request_of(messages, brief.purpose, model=model_of(endpoint))
    answer = ask(endpoint, request)
    proposals = [
        _kept(
            brief,
            words,
            prompt=prompt.name,
            prompt_version=prompt.version,
            prompt_hash=hash_of_messages(prompt.messages),
            model=str(request["model"]),
            endpoint=endpoint.host,
            request_hash=hash_of_request(request),
            proposed_on=today,
            remarks=judge(words, brief, wording),
        )
        for words in read_answer(answer.text, brief.purpose, count=count)
    ]
    found = Counter(each.rule for proposal in proposals for each in proposal.remarks)
    params = {
        "flow": flow,
        "step": step,
        "asked_for": block or "subject",
        "model": str(request["model"]),
        "endpoint": endpoint.host,
        "request_hash": hash_of_request(request),
    }
    counts: dict[str, float] = {
        "wanted": count,
        "proposed": len(proposals),
        "acceptable": sum(not proposal.errors for proposal in proposals),
        **{f"remarks/{rule}": number for rule, number in found.items()},
        **({} if answer.tokens is None else {"tokens": answer.tokens}),
    }
    run = log_proposals(
        prompt, name=f"{flow} {step} {block or 'subject'}", params=params, metrics=counts,
        tracking_uri=settings.tracking_uri, artifacts=settings.artifacts, ui_address=settings.mlflow_ui,
    )  # fmt: skip
    lines = [line for proposal in proposals for line in _shown(proposal)]
    return [
        *lines,
        f"nothing of it is sent: `holdfast accept NAME` takes one over, its flow then waits for an approval\nrun  {run}",
    ]


def _kept(brief: Brief, words: Words, **of_it: object) -> Proposal:
    """A proposal, in a file of a new name."""
    folder = PLAYBOOK / FOLDER
    folder.mkdir(exist_ok=True)
    stem = f"{brief.flow}_{brief.step}_{brief.block or 'subject'}"
    number = 1 + max((int(file.stem.rpartition("_")[2]) for file in folder.glob(f"{stem}_*.yml")), default=0)
    proposal = Proposal.model_validate(
        {
            "proposal": f"{stem}_{number}",
            "flow": brief.flow,
            "step": int(brief.step),
            "block": brief.block,
            "words": words,
            **of_it,
        }
    )
    with (folder / f"{proposal.proposal}.yml").open("x", encoding="utf-8") as file:
        file.write(proposal.to_yaml())
    return proposal


def _shown(proposal: Proposal) -> list[str]:
    errors = len(proposal.errors)
    said = f"{errors} errors, {len(proposal.remarks) - errors} warnings" if proposal.remarks else "no remark"
    return [
        f"{proposal.proposal}: {said}",
        *(f"  {field}: {text}" for field, text in proposal.words.texts.items()),
        *(f"  {each}" for each in proposal.remarks),
    ]
