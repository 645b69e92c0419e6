"""Whether mailbox providers can tell that an email is ours: SPF, DKIM and DMARC with alignment, by what the DNS says."""

import base64
import binascii
from collections.abc import Callable, Iterator, Sequence
from typing import Literal, NamedTuple

from activation.playbook.policies import SendingDomain

Check = Literal["spf", "dkim", "dmarc", "alignment"]
Severity = Literal["high", "medium", "low", "none", "not_checked"]
Lookup = Callable[[str], Sequence[str]]
"""The TXT records of a name, empty where there is none; raises `Unanswered`."""

PATIENCE_SECONDS = 5.0
MOST_LOOKUPS = 10  # RFC 7208, section 4.6.4: beyond, every check is a permanent error
# A public key of RSA takes so many bytes in DER (RFC 8301, section 3.2, refuses less than 1,024 bits and asks for 2,048).
BYTES_OF_1024_BITS, BYTES_OF_2048_BITS = 160, 290


class Unanswered(Exception):
    """No name server answered, or it failed; the message names the question."""


class Finding(NamedTuple):
    """What one check of a domain found, as a sentence."""

    check: Check
    severity: Severity
    sentence: str


class Record(NamedTuple):
    """The DMARC record that holds for a domain, where it stands, and whether that is the domain itself."""

    tags: dict[str, str]
    at: str
    is_own: bool


def dns_lookup(nameservers: Sequence[str] = (), *, port: int = 53, patience: float = PATIENCE_SECONDS) -> Lookup:
    """A lookup by this machine's resolver, or by name servers (addresses) of one's own.

    Raises:
        Unanswered: The machine names no resolver.
    """
    from dns import exception, resolver

    try:
        asked = resolver.Resolver(configure=not nameservers)
    except resolver.NoResolverConfiguration as problem:
        message = "this machine names no resolver"
        raise Unanswered(message) from problem
    if nameservers:
        asked.nameservers, asked.port = list(nameservers), port
    asked.lifetime = patience

    def lookup(name: str) -> Sequence[str]:
        try:
            answer = asked.resolve(name, "TXT", search=False)
        except (resolver.NXDOMAIN, resolver.NoAnswer):
            return ()
        except exception.DNSException as problem:
            message = f"no answer for TXT {name}"
            raise Unanswered(message) from problem
        return [b"".join(record.strings).decode("utf-8", "replace") for record in answer]

    return lookup


def check_authentication(domain: SendingDomain, lookup: Lookup) -> list[Finding]:
    """What SPF, DKIM, DMARC and their alignment say of a domain; one finding a check (of DKIM, a selector).

    Args:
        domain: What the playbook says of it.
        lookup: Asks the DNS.
    """
    try:
        spf = _check_spf(domain.return_path_domain or domain.from_domain, lookup)
        keys = [
            _check_key(selector, domain.dkim_domain or domain.from_domain, lookup) for selector in domain.dkim_selectors
        ]
        record = _dmarc_record(domain.from_domain, lookup)
        aligned = _check_alignment(domain, record, spf=spf, keys=keys, lookup=lookup)
    except Unanswered as problem:
        return [Finding("dmarc", "not_checked", f"not checked: {problem}")]
    return [spf, *keys, _check_dmarc(domain.from_domain, record), aligned]


def _check_spf(name: str, lookup: Lookup) -> Finding:
    records = _spf_records(name, lookup)
    if len(records) != 1:
        said = "no SPF record" if not records else f"{len(records)} SPF records, which is an error to every receiver"
        return Finding("spf", "high", f"{name} has {said}")
    asked = _count_lookups(records[0], lookup, MOST_LOOKUPS)
    if asked > MOST_LOOKUPS:
        return Finding(
            "spf",
            "high",
            f"the SPF record of {name} needs more than {MOST_LOOKUPS} lookups, so that no receiver accepts it",
        )
    terms = records[0].lower().split()[1:]
    last = next((term for term in terms if term.lstrip("+-~?") == "all"), "")
    if last in {"all", "+all"}:
        return Finding("spf", "high", f"the SPF record of {name} lets everybody send in its name (+all)")
    if last == "?all" or not (last or any(term.startswith("redirect=") for term in terms)):
        return Finding(
            "spf",
            "medium",
            f"the SPF record of {name} says nothing of senders that it does not list: end it with ~all or -all",
        )
    return Finding("spf", "none", f"{name} has one SPF record, which ends with {last or 'a redirect'}")


def _spf_records(name: str, lookup: Lookup) -> list[str]:
    return [text for text in lookup(name) if text.lower().split(" ", 1)[0] == "v=spf1"]


def _count_lookups(record: str, lookup: Lookup, left: int) -> int:
    """Lookups that a record takes, those of what it includes too; no further once there are more than `left`."""
    count = 0
    for term in record.lower().split()[1:]:
        name, _, target = term.lstrip("+-~?").replace("=", ":", 1).partition(":")
        if name in {"include", "redirect"}:
            count += 1
            if count <= left:
                count += sum(_count_lookups(found, lookup, left - count) for found in _spf_records(target, lookup)[:1])
        elif name.partition("/")[0] in {"a", "mx", "ptr", "exists"}:
            count += 1
        if count > left:
            break
    return count


def _check_key(selector: str, domain: str, lookup: Lookup) -> Finding:
    name = f"{selector}._domainkey.{domain}"
    tags = next((_tags(text) for text in lookup(name) if "p=" in text), None)
    if tags is None:
        return Finding("dkim", "high", f"there is no key at {name}")
    if not tags.get("p"):
        return Finding("dkim", "high", f"the key at {name} has been revoked")
    if tags.get("k", "rsa") != "rsa":
        return Finding("dkim", "none", f"there is a key at {name}")
    return _check_size(name, tags["p"])


def _check_size(name: str, key: str) -> Finding:
    """Of an RSA key, by the bytes of its DER."""
    try:
        size = len(base64.b64decode("".join(key.split()), validate=True))
    except binascii.Error:
        return Finding("dkim", "high", f"the key at {name} cannot be read")
    if size < BYTES_OF_1024_BITS:
        return Finding("dkim", "high", f"the key at {name} is shorter than 1,024 bits, which receivers refuse")
    if size < BYTES_OF_2048_BITS:
        return Finding("dkim", "low", f"the key at {name} is shorter than the 2,048 bits that are advised")
    return Finding("dkim", "none", f"there is a key of 2,048 bits or more at {name}")


def _check_dmarc(domain: str, record: Record | None) -> Finding:
    if record is None:
        return Finding(
            "dmarc", "high", f"{domain} has no DMARC record, which Gmail and Yahoo ask of whoever sends in bulk"
        )
    policy = record.tags.get("p", "none")
    policy = policy if record.is_own else record.tags.get("sp", policy)
    if policy == "none":
        return Finding(
            "dmarc",
            "medium",
            f"the DMARC record at {record.at} asks for nothing (p=none): others may send in the name of {domain}",
        )
    if "rua" not in record.tags:
        return Finding("dmarc", "low", f"the DMARC record at {record.at} names nobody to report to (rua)")
    return Finding("dmarc", "none", f"the DMARC record at {record.at} asks to {policy} what fails")


def _check_alignment(
    domain: SendingDomain, record: Record | None, *, spf: Finding, keys: Sequence[Finding], lookup: Lookup
) -> Finding:
    """Whether what SPF and DKIM prove is the domain that readers see (RFC 7489, section 3.1)."""
    tags = record.tags if record else {}
    shown = domain.from_domain
    by_spf = spf.severity != "high" and _is_aligned(
        domain.return_path_domain or shown, shown, is_strict=tags.get("aspf") == "s", lookup=lookup
    )
    by_key = any(key.severity != "high" for key in keys) and _is_aligned(
        domain.dkim_domain or shown, shown, is_strict=tags.get("adkim") == "s", lookup=lookup
    )
    if by_spf and by_key:
        return Finding("alignment", "none", f"SPF and DKIM both speak for {shown}")
    if by_key:
        return Finding("alignment", "low", f"only DKIM speaks for {shown}, SPF does not")
    if by_spf:
        return Finding("alignment", "medium", f"only SPF speaks for {shown}: what is forwarded fails DMARC")
    return Finding("alignment", "high", f"neither SPF nor DKIM speaks for {shown}: no email from it can pass DMARC")


def _is_aligned(name: str, shown: str, *, is_strict: bool, lookup: Lookup) -> bool:
    if name == shown or is_strict:
        return name == shown
    return _organisation(name, lookup) == _organisation(shown, lookup)


def _organisation(name: str, lookup: Lookup) -> str:
    """The highest parent with a DMARC record, else the name itself: walking the DNS needs no list of public suffixes."""
    return next((parent for parent in reversed(list(_parents(name))) if _dmarc_tags(parent, lookup)), name)


def _dmarc_record(domain: str, lookup: Lookup) -> Record | None:
    for parent in _parents(domain):
        if tags := _dmarc_tags(parent, lookup):
            return Record(tags, f"_dmarc.{parent}", is_own=parent == domain)
    return None


def _dmarc_tags(domain: str, lookup: Lookup) -> dict[str, str]:
    """Tags of the one DMARC record of a name; of several none counts (RFC 7489, section 6.6.3)."""
    found = [_tags(text) for text in lookup(f"_dmarc.{domain}") if text.replace(" ", "").startswith("v=DMARC1")]
    return found[0] if len(found) == 1 else {}


def _parents(name: str) -> Iterator[str]:
    """The name and those above it, down to two labels."""
    labels = name.split(".")
    yield from (".".join(labels[at:]) for at in range(len(labels) - 1))


def _tags(text: str) -> dict[str, str]:
    pairs = (part.partition("=") for part in text.split(";") if "=" in part)
    return {name.strip().lower(): value.strip() for name, _, value in pairs}
