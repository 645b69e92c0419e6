"""Where released emails go: files for an ESP's importer, or a relay; the section `destinations` of `policies.yml`."""

from typing import Annotated, Literal

from pydantic import Field

from activation.playbook.parts import Part

Destination = Literal["files", "smtp"]
Esp = Literal["klaviyo", "mailchimp", "sendgrid"]
Count = Annotated[int, Field(ge=1)]
Rate = Annotated[float, Field(gt=0)]


class Smtp(Part):
    """How a relay is spoken to; where it is says HOLDFAST_SMTP_URL.

    Attributes:
        envelope_from: Address that bounces go to (Return-Path); null: the sender's.
        feedback_sender: Last part of the Feedback-ID, by which Gmail's Postmaster Tools name us.
        sendgrid_arguments: Whether the header X-SMTPAPI tells SendGrid the decision, which its events then name.
        per_second: Most emails in a second.
        per_domain_per_second: Most emails in a second to one domain; null: no limit but `per_second`.
        attempts: Most attempts at an email in one run, and at reaching the relay, before they wait for the next run.
        retry_seconds: Wait before the second attempt; each further wait is twice as long.
        recheck_minutes: How old the recheck of consent may become before sending stops and rechecks.
        refusals_in_a_row: So many refusals without an acceptance between them mean that we are refused, and sending stops.
    """

    envelope_from: Annotated[str, Field(pattern=r"^[^@\s<>]+@[^@\s<>]+$")] | None = None
    feedback_sender: Annotated[str, Field(pattern=r"^[A-Za-z0-9]{5,15}$")] = "holdfast"
    sendgrid_arguments: bool = False
    per_second: Rate = 10.0
    per_domain_per_second: Rate | None = None
    attempts: Count = 4
    retry_seconds: Count = 60
    recheck_minutes: Count = 15
    refusals_in_a_row: Count = 25


class Destinations(Part):
    """Where a day's list goes unless `holdfast release --to` says otherwise, and for which ESPs files are written."""

    default: Destination = "files"
    esp_files: tuple[Esp, ...] = ("klaviyo", "mailchimp", "sendgrid")
    smtp: Smtp = Smtp()
