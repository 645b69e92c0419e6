"""Email events as the SendGrid Event Webhook posts them."""

import numpy as np

from simulator.arrays import texts
from simulator.instants import SECOND
from simulator.response import BLOCKED, BOUNCED, CLICKED, COMPLAINED, DELIVERED, OPENED, UNSUBSCRIBED, Responses, Sends
from simulator.selves import Selves

SHOP = "https://harbourandhill.example"
EVENTS = {
    DELIVERED: '"event":"delivered","response":"250 OK"',
    OPENED: '"event":"open","sg_machine_open":false,"useragent":"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7)","ip":"198.51.100.7"',
    CLICKED: '"event":"click","url":"%s","url_offset":{"index":0,"type":"html"},'
    '"useragent":"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7)","ip":"198.51.100.7"',
    UNSUBSCRIBED: '"event":"unsubscribe"',
    COMPLAINED: '"event":"spamreport"',
    BOUNCED: '"event":"bounce","type":"bounce","bounce_classification":"Invalid Address",'
    '"reason":"550 5.1.1 mailbox does not exist","status":"5.1.1"',
    BLOCKED: '"event":"bounce","type":"blocked","bounce_classification":"Reputation","reason":"421 4.7.0 try again later","status":"4.7.0"',
}
MACHINE_OPEN = '"event":"open","sg_machine_open":true,"useragent":"Mozilla/5.0","ip":"203.0.113.9"'
LINKS = tuple(
    f"{SHOP}/{path}?utm_medium=email"
    for path in ("collections/all", "collections/for-you", "blogs/journal", "unsubscribe")
)
"""Of an email, in the order of `response.LINK_SHARES`; the last one is `UNSUBSCRIBE_LINK`."""
RECORD = (
    '{"email":"%s","timestamp":%s,"smtp-id":"<%s@ismtpd-1.example>","sg_event_id":"%s","sg_message_id":"%s.recvd-0",%s%s,'
    '"decision_id":"%s","flow":"%s","step":"%s","arm":"%s"}'
)


def write_events(selves: Selves, sends: Sends, responses: Responses, event_ids: list[str]) -> list[str]:
    """One webhook object per report, in the order of the reports."""
    send = responses.send
    clicks = [EVENTS[CLICKED].replace("%s", link) for link in LINKS]
    by_kind = texts([*(EVENTS[kind] for kind in range(len(EVENTS))), MACHINE_OPEN, *clicks])
    event = by_kind[np.where(responses.is_machine_open, len(EVENTS), responses.kind)]
    clicked = responses.kind == CLICKED
    event[clicked] = by_kind[len(EVENTS) + 1 + responses.link[clicked]]
    decision = sends.id[send].tolist()
    category = np.where(responses.kind == COMPLAINED, "", '"category":["' + sends.flow[send] + '"],').tolist()
    rows = zip(
        selves.mailbox[sends.person[send]].tolist(), (responses.happened_at // SECOND).tolist(), decision, event_ids, decision, category,
        event.tolist(), decision, sends.flow[send].tolist(), sends.step[send].tolist(),
        sends.arm[send].tolist(), strict=True,
    )  # fmt: skip
    return [RECORD % row for row in rows]
