"""What marketing decided, as typed and checked values; a version of it can be stored and used on a later day."""

import json
from datetime import date
from functools import cached_property
from typing import Any, Self

from pydantic import Field

from activation.playbook.cohorts import Cell
from activation.playbook.content import Brand, Content, Variable, files_of
from activation.playbook.experiments import Experiment
from activation.playbook.flows import Flow, Step
from activation.playbook.governance import (
    KINDS,
    Approval,
    Excluded,
    Item,
    Override,
    Standing,
    hash_of,
    standing_of,
)
from activation.playbook.identity import Identity
from activation.playbook.parts import Part
from activation.playbook.pilot import Pilot
from activation.playbook.policies import Policies
from activation.playbook.segments import Segment
from activation.playbook.service_levels import ServiceLevel


class NoSuchEmail(Exception):
    """A flow or a step was named that the playbook does not have; the message is one line that names those it has."""


class Playbook(Part):
    """One version of everything that marketing decided."""

    policies: Policies
    service_levels: tuple[ServiceLevel, ...]
    identity: Identity
    experiments: tuple[Experiment, ...]
    flows: tuple[Flow, ...]
    approvals: tuple[Approval, ...]
    overrides: tuple[Override, ...] = ()
    pilot: Pilot | None = None
    content: dict[str, str]
    """Text of layouts and fragments, by their path below `content/`."""
    brand: Brand | None = None
    """None in a version that was stored before emails were made of blocks."""
    variables: tuple[Variable, ...] = ()
    content_hashes: dict[str, str] = Field(default_factory=dict)
    """Of segments, models and prompts as they read when the version was made, by kind/name."""
    segments: tuple[Segment, ...] = ()
    """What marketing says of each segment; a version that was stored before it was kept has none."""

    @cached_property
    def version(self) -> str:
        """First 12 hex digits of the sha256 of the canonical content."""
        return hash_of(self.to_json())

    @property
    def global_holdout(self) -> Experiment:
        """The experiment that is nested outside all others."""
        return next(experiment for experiment in self.experiments if experiment.scope == "global")

    @property
    def flow_experiments(self) -> tuple[Experiment, ...]:
        """Experiments within one flow."""
        return tuple(experiment for experiment in self.experiments if experiment.scope == "flow")

    @cached_property
    def mails(self) -> Content | None:
        """What its emails are made of; None in a version that was stored before there were blocks."""
        if self.brand is None:
            return None
        return Content(
            brand=self.brand,
            variables=self.variables,
            files=self.content,
            flows={flow.flow: flow for flow in self.flows},
            unsubscribe_url=self.policies.list_unsubscribe.url,
        )

    def email_of(self, flow: str, step: str) -> tuple[Content, Step]:
        """What a step's emails are made of.

        Raises:
            NoSuchEmail: There is no such flow or step.
        """
        content = self.mails
        if content is None or flow not in content.flows:
            message = f"there is no flow {flow}: there are {', '.join(each.flow for each in self.flows)}"
            raise NoSuchEmail(message)
        steps = {str(each.step): each for each in content.flows[flow].steps}
        if step not in steps:
            message = f"{flow} has no step {step}: it has {', '.join(steps)}"
            raise NoSuchEmail(message)
        return content, steps[step]

    def is_stale(self, source: str, age_days: int | None) -> bool:
        """Whether decisions do without a source that landed `age_days` ago (None: never); an undeclared one is stale."""
        levels = [level for level in self.service_levels if level.source == source]
        return not levels or levels[0].is_stale(age_days)

    def standing(self, item: Item, day: date) -> Standing:
        """Whether a flow, segment or model may be used on a day, and by which approval.

        A version that was stored before segments and models had to be approved goes on as it did.
        """
        if item.kind != "flow" and not self.content_hashes:
            return Standing(None, None)
        of_item = tuple(approval for approval in self.approvals if approval.item == item)
        return standing_of(of_item, self.content_hash(item), day)

    def items(self) -> tuple[Item, ...]:
        """All that needs an approval."""
        named = sorted(self.content_hashes)
        others = (Item(kind, name.partition("/")[2]) for name in named for kind in KINDS if name.startswith(f"{kind}/"))
        return (*(Item("flow", flow.flow) for flow in self.flows), *others)

    def content_hash(self, item: Item) -> str | None:
        """What an approval of the item has to name: of a flow all that it sends; None where there is no such item."""
        if item.kind != "flow":
            return self.content_hashes.get(str(item))
        for flow in self.flows:
            if flow.flow == item.name:
                sent: dict[str, Any] = {
                    "flow": flow.model_dump(mode="json", exclude_defaults=True),
                    "templates": {name: self.content.get(name) for step in flow.steps for name in files_of(step)},
                }
                if self.brand is not None:
                    sent["brand"] = self.brand.model_dump(mode="json")
                    sent["variables"] = [variable.model_dump(mode="json") for variable in self.variables]
                return hash_of(_canonical(sent))
        return None

    def segment(self, name: str) -> Segment | None:
        """What marketing says of a segment; None of a version that was stored without."""
        return next((segment for segment in self.segments if segment.segment == name), None)

    def usable_model(self, model: str | None, day: date) -> str | None:
        """The model of a flow's value, unless its scores are not approved."""
        return None if model is None or self.standing(Item("model", model), day).fault else model

    def overrides_on(self, day: date) -> tuple[Override, ...]:
        """What a person's word changes on a day."""
        return tuple(override for override in self.overrides if override.holds_on(day))

    def stopped_flows(self, day: date) -> frozenset[str]:
        """Flows of which nothing is sent on a day, whatever was approved."""
        return frozenset(override.stop_flow for override in self.overrides_on(day) if override.stop_flow is not None)

    def excluded_on(self, day: date) -> tuple[Excluded, ...]:
        """Who gets nothing on a day, by a person's word."""
        return tuple(override.exclude for override in self.overrides_on(day) if override.exclude is not None)

    def resumed_on(self, day: date) -> dict[Cell, date]:
        """Cells of the breakers that a person let go on, and since when."""
        resumed: dict[Cell, date] = {}
        for override in self.overrides_on(day):
            if (it := override.resume_cell) is not None:
                cell = Cell(it.provider, it.engagement)
                resumed[cell] = max(override.decided_on, resumed.get(cell, date.min))
        return resumed

    def to_json(self) -> str:
        """Canonical JSON: the same content gives the same text, whatever the YAML looked like."""
        return _canonical(self.model_dump(mode="json"))

    @classmethod
    def from_json(cls, text: str) -> Self:
        """The playbook of a stored version."""
        return cls.model_validate_json(text)


def _canonical(content: Any) -> str:
    return json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
