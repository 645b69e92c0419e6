"""Reads a playbook folder: every file checked by itself, then against the others, then its emails as rendered; all faults at once."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from pydantic import ValidationError

from activation.emails.proofread import proofread, wording_blots
from activation.playbook.content import ENDINGS, Brand, Variables
from activation.playbook.experiments import Experiment
from activation.playbook.flows import Flow, Ramp
from activation.playbook.governance import (
    Approval,
    Item,
    Kind,
    Override,
)
from activation.playbook.identity import Identity, identity_faults
from activation.playbook.located import Fault, Located, Place, read_located
from activation.playbook.parts import Part
from activation.playbook.pilot import Pilot, pilot_faults
from activation.playbook.playbook import Playbook
from activation.playbook.policies import Policies
from activation.playbook.prompts import Prompt
from activation.playbook.segments import Segment
from activation.playbook.service_levels import ServiceLevel, ServiceLevels
from activation.playbook.wording import Wording

PartT = TypeVar("PartT", bound=Part)
Finding = tuple[Place, str]


class PlaybookError(Exception):
    """The playbook has faults; the message is one line per fault, `file:line: what is wrong`."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        """Keep the faults in the order of files and lines."""
        self.faults = tuple(sorted(faults, key=lambda fault: (fault.file, fault.line, fault.message)))
        super().__init__("\n".join(str(fault) for fault in self.faults))


class _Experiments(Part):
    experiments: tuple[Experiment, ...]


class _Approvals(Part):
    approvals: tuple[Approval, ...]


class _Overrides(Part):
    overrides: tuple[Override, ...]


FILES: dict[str, type[Part]] = {
    "policies": Policies,
    "service_levels": ServiceLevels,
    "identity": Identity,
    "experiments": _Experiments,
    "approvals": _Approvals,
    "overrides": _Overrides,
    "pilot": Pilot,
    "flow": Flow,
    "brand": Brand,
    "variables": Variables,
    "wording": Wording,
    "prompt": Prompt,
}


def json_schemas() -> dict[str, str]:
    """JSON Schema of each file of a playbook, as text, by name; `flow` and `prompt` are of each file in `flows/` and `prompts/`."""
    schemas = {name: part.model_json_schema() for name, part in FILES.items()}
    return {name: json.dumps(schema, indent=2, ensure_ascii=False) + "\n" for name, schema in schemas.items()}


def load_playbook(
    path: Path,
    *,
    segments: Mapping[str, str],
    models: Mapping[str, str],
    sources: frozenset[str] = frozenset(),
    reasons: frozenset[str] | None = None,
    free_domains: frozenset[str] = frozenset(),
    said_of_segments: tuple[Segment, ...] = (),
) -> Playbook:
    """Read and check a playbook folder.

    Args:
        path: The folder with `policies.yml`, `service_levels.yml`, `identity.yml`, `experiments.yml`,
             `approvals.yml`, `overrides.yml`, `wording.yml`, `flows/`, `prompts/`, `content/` with its `brand.yml` and
             `variables.yml` and, if something is piloted, `pilot.yml`.
        segments: Hash of the rule of each segment that exists, by name.
        models: Hash of the task of each model that exists, by name.
        sources: Names of the sources that are read, each of which must declare its service level.
        reasons: Names of the reasons not to mail that exist; None leaves those of `policies.yml` unchecked.
        free_domains: Domains at which anybody can have a mailbox: they are nobody's company.
        said_of_segments: Action, rhythm, size and stability of each segment.

    Raises:
        PlaybookError: One line per fault, `file:line: what is wrong`; all faults at once.
    """
    reader = _Reader(path)
    policies = reader.read("policies.yml", Policies)
    levels = reader.read("service_levels.yml", ServiceLevels)
    identity = reader.read("identity.yml", Identity)
    experiments = reader.read("experiments.yml", _Experiments)
    approvals = reader.read("approvals.yml", _Approvals)
    overrides = reader.read("overrides.yml", _Overrides)
    wording = reader.read("wording.yml", Wording)
    prompts = _read_prompts(reader)
    written = _read_content(reader)
    declared = frozenset(level.source for level in levels.sources) if levels else None
    flows = _read_flows(reader, known=_Known(frozenset(segments), frozenset(models), declared))
    if policies is not None:
        caps = ((("caps", position, "id"), cap.id) for position, cap in enumerate(policies.caps))
        reader.add("policies.yml", _twice("cap", caps))
        reader.add("policies.yml", _suppression_faults(policies, reasons=reasons, free_domains=free_domains))
    if levels is not None:
        reader.add("service_levels.yml", _level_faults(levels.sources, sources=sources))
    if policies is not None and declared is not None:
        reader.add("policies.yml", _feed_faults(policies, sources=declared))
    if identity is not None:
        reader.add("identity.yml", identity_faults(identity, sources=declared))
    if experiments is not None:
        reader.add("experiments.yml", _experiment_faults(experiments.experiments, flows=flows))
    if flows is not None:
        names: dict[Kind, frozenset[str]] = {
            "flow": frozenset(flow.flow for flow in flows),
            "segment": frozenset(segments),
            "model": frozenset(models),
            "prompt": frozenset(prompt.prompt for prompt in prompts),
        }
        if approvals is not None and policies is not None:
            reader.add("approvals.yml", _approval_faults(approvals.approvals, names=names, policies=policies))
        if overrides is not None:
            reader.add("overrides.yml", _override_faults(overrides.overrides, flows=flows))
    pilot = _read_pilot(reader, experiments=experiments, flows=flows)
    if (
        reader.faults
        or policies is None
        or levels is None
        or identity is None
        or experiments is None
        or approvals is None
        or overrides is None
        or flows is None
        or wording is None
        or written is None
    ):
        raise PlaybookError(reader.faults)
    book = Playbook(
        policies=policies,
        service_levels=levels.sources,
        identity=identity,
        experiments=experiments.experiments,
        flows=tuple(sorted(flows, key=lambda flow: flow.flow)),
        approvals=approvals.approvals,
        overrides=overrides.overrides,
        **written,
        pilot=pilot,
        content_hashes={
            **{str(Item("segment", name)): content_hash for name, content_hash in segments.items()},
            **{str(Item("model", name)): content_hash for name, content_hash in models.items()},
            **{str(Item("prompt", prompt.prompt)): prompt.content_hash for prompt in prompts},
        },
        segments=said_of_segments,
    )
    reader.proofread(book, wording)
    return book


def load_wording(path: Path) -> Wording:
    """Read `wording.yml` of a playbook folder.

    Raises:
        PlaybookError: One line per fault.
    """
    reader = _Reader(path)
    wording = reader.read("wording.yml", Wording)
    if wording is None:
        raise PlaybookError(reader.faults)
    return wording


def load_prompts(path: Path) -> tuple[Prompt, ...]:
    """Read `prompts/` of a playbook folder.

    Raises:
        PlaybookError: One line per fault.
    """
    reader = _Reader(path)
    prompts = _read_prompts(reader)
    if reader.faults:
        raise PlaybookError(reader.faults)
    return prompts


def _read_prompts(reader: "_Reader") -> tuple[Prompt, ...]:
    """The prompts, one of each purpose; what is wrong is with the reader."""
    read: dict[str, Prompt] = {}
    for file in sorted((reader.root / "prompts").glob("*.yml")):
        name = f"prompts/{file.name}"
        prompt = reader.read(name, Prompt)
        if prompt is None:
            continue
        if prompt.prompt != file.stem:
            reader.add(name, [(("prompt",), f"prompt {prompt.prompt} stands in {prompt.prompt}.yml")])
        if other := next((each for each in read.values() if each.proposes == prompt.proposes), None):
            reader.add(name, [(("proposes",), f"prompt {other.prompt} proposes {prompt.proposes} already")])
        read[name] = prompt
    return tuple(read.values())


def _read_content(reader: "_Reader") -> dict[str, Any] | None:
    """What emails are made of: the brand, the variables, and layouts and fragments by their path below `content/`."""
    brand = reader.read("content/brand.yml", Brand)
    variables = reader.read("content/variables.yml", Variables)
    folder = reader.root / "content"
    files = (file for ending in ENDINGS for file in folder.rglob(f"*.{ending}"))
    content = {file.relative_to(folder).as_posix(): file.read_text(encoding="utf-8") for file in sorted(files)}
    if brand is None or variables is None:
        return None
    named = ((("variables", at, "variable"), each.variable) for at, each in enumerate(variables.variables))
    reader.add("content/variables.yml", _twice("variable", named))
    return {"brand": brand, "variables": variables.variables, "content": content}


class _Known(NamedTuple):
    """Names that a flow may mention; sources are None where they could not be read."""

    segments: frozenset[str]
    models: frozenset[str]
    sources: frozenset[str] | None


class _Reader:
    """Reads files of one folder and gathers what is wrong with them."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.faults: list[Fault] = []
        self._files: dict[str, Located] = {}

    def read(self, name: str, model: type[PartT]) -> PartT | None:
        located, faults = read_located(self.root / name, name=f"{self.root.name}/{name}")
        self._files[name] = located
        self.faults += faults
        if faults:
            return None
        try:
            return model.model_validate_json(json.dumps(located.content, default=str))
        except ValidationError as problem:
            self.faults += [located.fault(detail["loc"], _say(detail)) for detail in problem.errors()]
        return None

    def add(self, name: str, findings: Iterable[Finding]) -> None:
        self.faults += [self._files[name].fault(place, message) for place, message in findings]

    def proofread(self, book: Playbook, wording: Wording) -> None:
        """Read the emails as they would arrive.

        Raises:
            PlaybookError: One line per fault.
        """
        if book.mails is None:
            return
        files = {flow.content["flow"]: flow for name, flow in self._files.items() if name.startswith("flows/")}
        faults = [
            Fault(f"{self.root.name}/content/{blot.file}", blot.line, blot.message)
            if blot.flow is None
            else files[blot.flow].fault(blot.place, blot.message)
            for blot in (*proofread(book.mails, book.policies.content), *wording_blots(book.mails, wording))
        ]
        if faults:
            raise PlaybookError(faults)


def _read_flows(reader: _Reader, *, known: _Known) -> list[Flow] | None:
    """All flows, or None if one cannot be read: then nothing can be said about references to flows."""
    names = [f"flows/{file.name}" for file in sorted((reader.root / "flows").glob("*.yml"))]
    if not names:
        reader.faults.append(Fault(f"{reader.root.name}/flows", 1, "there is no flow: write one file per flow"))
    flows = {name: reader.read(name, Flow) for name in names}
    readable = {name: flow for name, flow in flows.items() if flow is not None}
    seen: dict[str, str] = {}
    for name, flow in readable.items():
        reader.add(name, _flow_faults(flow, known=known))
        if flow.flow in seen:
            reader.add(name, [(("flow",), f"flow {flow.flow} is also in {seen[flow.flow]}")])
        seen[flow.flow] = name
    salts: dict[str, str] = {}
    for name, flow in readable.items():
        reader.add(name, _ramp_faults(flow, salts))
    return list(readable.values()) if len(readable) == len(flows) else None


def _read_pilot(reader: _Reader, *, experiments: _Experiments | None, flows: Sequence[Flow] | None) -> Pilot | None:
    """The pilot; None where nothing is piloted, or the file cannot be read."""
    if not (reader.root / "pilot.yml").exists():
        return None
    pilot = reader.read("pilot.yml", Pilot)
    if pilot is not None:
        tried = experiments.experiments if experiments is not None else None
        named = [flow.flow for flow in flows] if flows is not None else None
        reader.add("pilot.yml", pilot_faults(pilot, experiments=tried, flows=named))
    return pilot


def _say(detail: Any) -> str:
    """A finding in words that need no knowledge of the checker."""
    name = next((part for part in reversed(detail["loc"]) if part != "[key]"), "the file")
    if detail["type"] == "extra_forbidden":
        return f"{name} is not known here"
    if detail["type"] == "missing":
        return f"{name} is missing"
    message = str(detail["msg"]).removeprefix("Value error, ")
    return message if detail["type"] == "value_error" else f"{name}: {message[0].lower()}{message[1:]}"


def _twice(kind: str, named: Iterable[tuple[Place, str | int]]) -> Iterator[Finding]:
    seen: set[str | int] = set()
    for place, name in named:
        if name in seen:
            yield place, f"{kind} {name} is written twice"
        seen.add(name)


def _flow_faults(flow: Flow, *, known: _Known) -> Iterator[Finding]:
    if flow.value.model is not None and flow.value.model not in known.models:
        yield ("value", "model"), f"model {flow.value.model} is unknown"
    yield from _twice("step", ((("steps", position, "step"), step.step) for position, step in enumerate(flow.steps)))
    numbers = [step.step for step in flow.steps]
    if len(set(numbers)) == len(numbers) and numbers != list(range(1, len(numbers) + 1)):
        yield ("steps",), f"steps must be numbered 1 to {len(numbers)} in order, not {numbers}"
    for position, step in enumerate(flow.steps):
        place: Place = ("steps", position)
        yield from _branch_faults(flow, position, known=known)
        blocks = ((*place, "blocks", index, "block") for index in range(len(step.blocks)))
        yield from _twice("block", zip(blocks, (block.block for block in step.blocks), strict=True))
        for index, block in enumerate(step.blocks):
            for rank, variant in enumerate(block.variants):
                where = (*place, "blocks", index, "variants", rank, "when")
                segment, model, source = variant.when.segment, variant.when.model, variant.when.fresh_source
                if segment is not None and segment not in known.segments:
                    yield (*where, "segment"), f"segment {segment} is unknown"
                if model is not None and model not in known.models:
                    yield (*where, "model"), f"model {model} is unknown"
                if source is not None and known.sources is not None and source not in known.sources:
                    yield (*where, "fresh_source"), f"source {source} declares no service level"


def _ramp_faults(flow: Flow, salts: dict[str, str]) -> Iterator[Finding]:
    """A variant has one ramp in all steps of its flow, and no two ramps have a salt in common: they would try all on the same people."""
    placed: list[tuple[Place, str, Ramp | None]] = [(("ramp",), f"flow {flow.flow}", flow.ramp)]
    for position, step in enumerate(flow.steps):
        for index, block in enumerate(step.blocks):
            for rank, variant in enumerate(block.variants):
                where = ("steps", position, "blocks", index, "variants", rank, "ramp")
                placed.append((where, f"{block.block} {variant.variant} of flow {flow.flow}", variant.ramp))
    first: dict[str, Ramp | None] = {}
    for place, owner, ramp in placed:
        if first.setdefault(owner, ramp) != ramp:
            yield place, f"the ramp of {owner} is not that of an earlier step: a variant has one in all steps"
        elif ramp is not None and (other := salts.setdefault(ramp.salt, owner)) != owner:
            yield (*place, "salt"), f"salt {ramp.salt} is that of {other}: each ramp needs its own"


def _branch_faults(flow: Flow, position: int, *, known: _Known) -> Iterator[Finding]:
    step = flow.steps[position]
    branches = step.next or ()
    for index, branch in enumerate(branches):
        place: Place = ("steps", position, "next", index)
        if not step.step < branch.step <= len(flow.steps):
            yield (*place, "step"), f"step {branch.step} does not follow step {step.step}"
        if branch.when is None and index < len(branches) - 1:
            yield place, "what stands after a branch without a condition is never asked"
        if branch.when is not None and branch.when.segment not in {None, *known.segments}:
            yield (*place, "when", "segment"), f"segment {branch.when.segment} is unknown"
        if branch.when is not None and branch.when.model not in {None, *known.models}:
            yield (*place, "when", "model"), f"model {branch.when.model} is unknown"
    if step.step > 1 and not any(step.step == branch.step for each in flow.steps for branch in flow.branches_of(each)):
        yield ("steps", position), f"no branch leads to step {step.step}"


def _level_faults(levels: Sequence[ServiceLevel], *, sources: frozenset[str]) -> Iterator[Finding]:
    yield from _twice("source", ((("sources", at, "source"), level.source) for at, level in enumerate(levels)))
    for source in sorted(sources - {level.source for level in levels}):
        yield ("sources",), f"source {source} is read and declares no service level"


def _feed_faults(policies: Policies, *, sources: frozenset[str]) -> Iterator[Finding]:
    for position, source in enumerate(policies.unsubscribe_feed.sources):
        if source not in sources:
            yield ("unsubscribe_feed", "sources", position), f"source {source} declares no service level"


def _suppression_faults(
    policies: Policies, *, reasons: frozenset[str] | None, free_domains: frozenset[str]
) -> Iterator[Finding]:
    rules: list[tuple[Place, str]] = [
        (("suppressions", position, "reason"), rule.reason) for position, rule in enumerate(policies.suppressions)
    ]
    yield from _twice("reason", rules)
    for place, reason in rules:
        if reasons is not None and reason not in reasons:
            yield place, f"reason {reason} is unknown: there is no model suppressions_{reason}"
    named: list[tuple[Place, str | None]] = [
        *((("excluded_accounts", at, "domain"), each.domain) for at, each in enumerate(policies.excluded_accounts)),
        *((("internal_domains", at), domain) for at, domain in enumerate(policies.internal_domains)),
    ]
    for place, domain in named:
        if domain in free_domains:
            yield place, f"anybody can have a mailbox at {domain}: it is nobody's company"


def _experiment_faults(experiments: Sequence[Experiment], *, flows: Sequence[Flow] | None) -> Iterator[Finding]:
    for field in ("experiment", "salt"):
        named = ((("experiments", position, field), getattr(one, field)) for position, one in enumerate(experiments))
        yield from _twice(field, named)
    if sum(one.scope == "global" for one in experiments) != 1:
        yield (
            ("experiments",),
            "exactly one experiment must have scope global: the holdout that proves what emails earn",
        )
    within = ((("experiments", at, "flow"), one.flow) for at, one in enumerate(experiments) if one.flow is not None)
    yield from _twice("an experiment of flow", within)
    for position, one in enumerate(experiments):
        if flows is not None and one.flow is not None and one.flow not in {flow.flow for flow in flows}:
            yield ("experiments", position, "flow"), f"flow {one.flow} is unknown"


def _approval_faults(
    approvals: Sequence[Approval], *, names: Mapping[Kind, frozenset[str]], policies: Policies
) -> Iterator[Finding]:
    ids = ((("approvals", position, "approval_id"), one.approval_id) for position, one in enumerate(approvals))
    yield from _twice("approval", ids)
    for position, approval in enumerate(approvals):
        place: Place = ("approvals", position)
        kind, name = approval.item
        if name not in names[kind]:
            yield (*place, kind), f"{kind} {name} is unknown"
        if approval.role not in (roles := policies.roles_of(kind)):
            yield (*place, "role"), f"a {kind} is approved by {' or '.join(roles)}, not by {approval.role}"
        if approval.content_hash is None:
            yield place, f"content_hash is missing: `holdfast approve {approval.item}` writes it"
        if approval.expires_on < approval.approved_on:
            yield (*place, "expires_on"), "expires_on is before approved_on"


def _override_faults(overrides: Sequence[Override], *, flows: Sequence[Flow]) -> Iterator[Finding]:
    ids = ((("overrides", position, "override_id"), one.override_id) for position, one in enumerate(overrides))
    yield from _twice("override", ids)
    blocks = {
        (flow.flow, step.step, block.block): block for flow in flows for step in flow.steps for block in step.blocks
    }
    for position, override in enumerate(overrides):
        place: Place = ("overrides", position)
        if override.stop_flow is not None and override.stop_flow not in {flow.flow for flow in flows}:
            yield (*place, "stop_flow"), f"flow {override.stop_flow} is unknown"
        if (stopped := override.stop_variant) is not None:
            of_name = [block for block in blocks.values() if block.block == stopped.block]
            if any(block.fallback == stopped.variant for block in of_name):
                yield (
                    (*place, "stop_variant"),
                    f"{stopped.variant} is what everybody else gets: pin another variant or stop the flow",
                )
            elif not any(variant.variant == stopped.variant for block in of_name for variant in block.variants):
                yield (*place, "stop_variant"), f"no block {stopped.block} has a variant {stopped.variant}"
        if (pin := override.pin) is not None:
            pinned = blocks.get((pin.flow, pin.step, pin.block))
            if pinned is None or pin.variant not in {pinned.fallback, *(each.variant for each in pinned.variants)}:
                yield (
                    (*place, "pin"),
                    f"step {pin.step} of {pin.flow} has no block {pin.block} with a variant {pin.variant}",
                )
