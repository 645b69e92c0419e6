"""`holdfast approve`: writes into approvals.yml that somebody stands for a flow, segment, model or prompt as it reads now."""

from collections.abc import Sequence
from datetime import date

from activation.playbook.governance import KINDS, Item
from activation.playbook.playbook import Playbook
from orchestration.preflight import load_valid_playbook
from orchestration.resources import PLAYBOOK, UserError

APPROVALS = "approvals.yml"

BLOCK = """\
  - approval_id: {approval_id}
    {kind}: {name}
    role: {role}
    approved_on: {approved_on}
    expires_on: {expires_on}
    content_hash: "{content_hash}"
"""


def list_standings(today: date) -> list[str]:
    """One line for each item: whether it may be used today, by which approval, until when."""
    playbook = load_valid_playbook()
    lines = []
    for item in playbook.items():
        approval, fault = playbook.standing(item, today)
        until = f"until {approval.expires_on} by {approval.role} ({approval.approval_id})" if approval else ""
        lines.append(f"{item!s:<50} {(fault or 'approved').replace('_', ' '):<24} {until}".rstrip())
    return lines


def approve(names: Sequence[str], *, role: str, today: date, until: date) -> list[str]:
    """Append an approval of each item to the playbook.

    Args:
        names: Of the items, as kind/name.
        role: In whose role.
        today: When.
        until: Last day on which it holds.

    Returns:
        A line for each.

    Raises:
        UserError: An item is unknown, the role may not approve it, or the day is past; nothing is written.
        PlaybookError: The playbook has faults.
    """
    playbook = load_valid_playbook()
    if until < today:
        message = f"--until {until} is over already (today is {today})"
        raise UserError(message)
    items = [_item(playbook, name, role) for name in names]
    taken = {approval.approval_id for approval in playbook.approvals}
    said, text = [], ""
    for item in items:
        approval_id = next(
            name
            for number in range(1, len(taken) + 2)
            if (name := f"approval_{item.kind}_{item.name}_{number}") not in taken
        )
        taken.add(approval_id)
        content_hash = playbook.content_hash(item)
        text += BLOCK.format(
            approval_id=approval_id,
            kind=item.kind,
            name=item.name,
            role=role,
            approved_on=today,
            expires_on=until,
            content_hash=content_hash,
        )
        said.append(f"{item} as it reads now ({content_hash}) is approved through {until}: {approval_id}")
    path = PLAYBOOK / APPROVALS
    written = path.read_text(encoding="utf-8")
    begun = (
        written.rstrip().removesuffix("[]").rstrip() if written.rstrip().endswith("approvals: []") else written.rstrip()
    )
    path.write_text(f"{begun}\n{text}", encoding="utf-8")
    return said


def _item(playbook: Playbook, name: str, role: str) -> Item:
    item = next((each for each in playbook.items() if str(each) == name), None)
    if item is None:
        message = f"there is no {name!r} to approve: name it as {', '.join(f'{kind}/…' for kind in KINDS)}; `holdfast approve` lists all"
        raise UserError(message)
    roles = playbook.policies.roles_of(item.kind)
    if role not in roles:
        message = f"a {item.kind} is approved by {' or '.join(roles)}, not by {role} (approval_roles of playbook/policies.yml)"
        raise UserError(message)
    return item
