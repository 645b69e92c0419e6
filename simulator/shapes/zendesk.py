"""Tickets and users as the Zendesk API returns them, each landing again whenever it changes."""

import json
from typing import NamedTuple

import numpy as np

from simulator.arrays import Ints, Texts
from simulator.instants import DAY, write_zulu
from simulator.names import CITIES
from simulator.people import BLOCK_SIZE, People
from simulator.purchases import Orders
from simulator.selves import Selves
from simulator.tickets import Tickets

USER_IDS, AGENT_IDS, TICKET_IDS = 396_000_000_000, 395_000_000_000, 1_000
AGENTS = ("Arthur Agent", "Brigitte Becker", "Carmen Costa")
URL = "https://harbourandhill.example/api/v2"
USER = (
    '{"id":%(id)s,"url":"%(url)s","name":"%(name)s","email":%(email)s,"created_at":"%(created)s","updated_at":"%(updated)s",'
    '"time_zone":"%(zone)s","iana_time_zone":"%(iana)s","phone":%(phone)s,"shared_phone_number":null,"photo":null,"locale_id":1,'
    '"locale":"en-US","organization_id":null,"role":"%(role)s","verified":true,"external_id":null,"tags":[],"alias":"",'
    '"active":true,"shared":false,"shared_agent":false,"last_login_at":"%(created)s","two_factor_auth_enabled":false,'
    '"signature":"","details":"","notes":"","role_type":null,"custom_role_id":null,"moderator":%(staff)s,'
    '"ticket_restriction":"%(restriction)s","only_private_comments":false,"restricted_agent":true,"suspended":false,'
    '"default_group_id":null,"report_csv":false,"user_fields":{}}'
)
TICKET = (
    '{"id":%(id)s,"url":"%(url)s","external_id":null,"via":{"channel":"%(channel)s","source":{"from":{},"to":{},"rel":null}},'
    '"created_at":"%(created)s","updated_at":"%(updated)s","type":"question","subject":"%(subject)s","raw_subject":"%(subject)s",'
    '"description":"%(subject)s","priority":"%(priority)s","status":"%(status)s","recipient":null,"requester_id":%(requester)s,'
    '"submitter_id":%(requester)s,"assignee_id":%(assignee)s,"organization_id":null,"group_id":360006965034,"collaborator_ids":[],'
    '"follower_ids":[],"email_cc_ids":[],"forum_topic_id":null,"problem_id":null,"has_incidents":false,"is_public":true,"due_at":null,'
    '"tags":[],"custom_fields":[],"satisfaction_rating":%(satisfaction)s,"sharing_agreement_ids":[],"followup_ids":[],'
    '"brand_id":360003529474,"allow_channelback":false,"allow_attachments":true}'
)
ZONES = {
    "America/Los_Angeles": "Pacific Time (US & Canada)", "America/Denver": "Mountain Time (US & Canada)",
    "America/Chicago": "Central Time (US & Canada)", "America/New_York": "Eastern Time (US & Canada)",
    "America/Phoenix": "Arizona", "Europe/Berlin": "Berlin",
}  # fmt: skip
SUBJECTS = ("Where is my order?", "A part is missing", "How do I return this?", "Change of address")


class Rows(NamedTuple):
    """Records, their ids, and when each was written."""

    text: list[str]
    ids: list[str]
    written_at: Ints


class Users(NamedTuple):
    """End users: whoever wrote to support, one for each address; shape (m,) each."""

    id: Ints
    person: Ints
    """Who wrote first from the address."""
    email: Texts
    created_at: Ints


def find_users(people: People, orders: Orders, tickets: Tickets) -> tuple[Users, Ints]:
    """The users of a block, and which of them asked each row of the tickets, shape (tickets,)."""
    address = np.array([email.lower() for email in orders.email[tickets.order].tolist()], dtype=object)
    by_time = np.argsort(tickets.created_at, kind="stable")
    _, first, user = np.unique(address[by_time].astype(str), return_index=True, return_inverse=True)
    row = by_time[first]
    person = orders.person[tickets.order[row]]
    asked_by = np.empty(len(address), dtype=np.int64)
    asked_by[by_time] = user
    # Two addresses of one person are two users.
    by_person = np.argsort(person, kind="stable")
    _, start, count = np.unique(person[by_person], return_index=True, return_counts=True)
    nth = np.empty(len(person), dtype=np.int64)
    nth[by_person] = np.arange(len(person)) - np.repeat(start, count)
    ids = USER_IDS + 10 * people.number[person] + nth
    return Users(ids, person, address[row], tickets.created_at[row]), asked_by


def write_users(people: People, selves: Selves, users: Users, start: int) -> Rows:
    """One record per user when the first question comes; the agents of the shop are in the first export."""
    rows = zip(
        users.id.tolist(), users.person.tolist(), users.email.tolist(), write_zulu(users.created_at), strict=True
    )
    text = [_user(selves, number, person, email, at) for number, person, email, at in rows]
    ids = [str(number) for number in users.id.tolist()]
    written_at = users.created_at
    if people.block == 0:
        text += [_agent(place, name, write_zulu(np.array([start - 300 * DAY]))[0]) for place, name in enumerate(AGENTS)]
        ids += [str(AGENT_IDS + place) for place in range(len(AGENTS))]
        written_at = np.concatenate([written_at, np.full(len(AGENTS), start)])
    return Rows(text, ids, written_at)


def _user(selves: Selves, number: int, person: int, email: str, created: str) -> str:
    zone = CITIES[selves.city[person]][4]
    return USER % {
        "id": number, "url": f"{URL}/users/{number}.json", "name": f"{selves.first_name[person]} {selves.last_name[person]}",
        "email": json.dumps(email), "created": created, "updated": created, "zone": ZONES[zone], "iana": zone,
        "phone": json.dumps(selves.phone[person] or None), "role": "end-user", "staff": "false", "restriction": "requested",
    }  # fmt: skip


def _agent(place: int, name: str, created: str) -> str:
    number = AGENT_IDS + place
    email = json.dumps(f"{name.split(maxsplit=1)[0].lower()}@harbourandhill.example")
    return USER % {
        "id": number, "url": f"{URL}/users/{number}.json", "name": name, "email": email, "created": created, "updated": created,
        "zone": ZONES["America/New_York"], "iana": "America/New_York", "phone": "null", "role": "agent", "staff": "true",
        "restriction": "assigned",
    }  # fmt: skip


def write_tickets(people: People, users: Users, asked_by: Ints, tickets: Tickets) -> Rows:
    """One record per version of a ticket."""
    ids = (TICKET_IDS + people.block * 100 * BLOCK_SIZE + tickets.ticket).tolist()
    rows = zip(
        ids, tickets.ticket.tolist(), users.id[asked_by].tolist(), tickets.status.tolist(), tickets.priority.tolist(),
        write_zulu(tickets.created_at), write_zulu(tickets.updated_at), tickets.satisfaction.tolist(), strict=True,
    )  # fmt: skip
    text = [
        TICKET
        % {
            "id": number, "url": f"{URL}/tickets/{number}.json", "channel": ("email", "web")[place % 2], "created": created,
            "updated": updated, "subject": SUBJECTS[place % len(SUBJECTS)], "priority": priority, "status": status,
            "requester": requester, "assignee": "null" if status == "new" else AGENT_IDS + place % len(AGENTS),
            "satisfaction": f'{{"score":"{mood}"}}' if mood else "null",
        }
        for number, place, requester, status, priority, created, updated, mood in rows
    ]  # fmt: skip
    return Rows(text, [str(number) for number in ids], tickets.updated_at)
