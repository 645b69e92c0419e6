"""SPF, DKIM and DMARC are read from real DNS answers, over UDP from a name server on this machine."""

import base64
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from activation.deliverability.authentication import Unanswered, check_authentication, dns_lookup
from activation.playbook.policies import SendingDomain
from tests.unit.activation.name_server import BROKEN, SILENT, name_server

Records = dict[str, Sequence[str] | str]
Checked = Callable[..., dict[str, tuple[str, str]]]

SHOP = SendingDomain(
    from_domain="news.shop.example",
    return_path_domain="bounce.shop.example",
    dkim_domain="shop.example",
    dkim_selectors=("s1",),
    owner="deliverability_lead",
)


def key(bits: int) -> str:
    public = rsa.generate_private_key(public_exponent=65537, key_size=bits).public_key()
    der = public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return f"v=DKIM1; k=rsa; p={base64.b64encode(der).decode()}"


GOOD: Records = {
    "bounce.shop.example": ["v=spf1 include:_spf.esp.example ~all", "some-verification=1"],
    "_spf.esp.example": ["v=spf1 ip4:192.0.2.0/24 -all"],
    "s1._domainkey.shop.example": [key(2048)],
    "_dmarc.shop.example": ["v=DMARC1; p=reject; sp=quarantine; rua=mailto:dmarc@shop.example"],
}


@pytest.fixture
def checked() -> Iterator[Checked]:
    """Checks a domain by the records of a name server: severity and sentence by check."""
    with ExitStack() as servers:

        def check(records: Records, domain: SendingDomain = SHOP) -> dict[str, tuple[str, str]]:
            lookup = dns_lookup(["127.0.0.1"], port=servers.enter_context(name_server(records)), patience=0.5)
            found = check_authentication(domain, lookup)
            assert len({one.check for one in found}) == len(found)
            return {one.check: (one.severity, one.sentence) for one in found}

        yield check


def test_what_is_in_order_is_no_finding(checked: Checked) -> None:
    found = checked(GOOD)

    assert {check: severity for check, (severity, _) in found.items()} == dict.fromkeys(
        ("spf", "dkim", "dmarc", "alignment"), "none"
    )
    assert found["dmarc"][1] == "the DMARC record at _dmarc.shop.example asks to quarantine what fails"


@pytest.mark.parametrize(
    ("changes", "check", "severity", "words"),
    [
        ({"bounce.shop.example": ["hello"]}, "spf", "high", "has no SPF record"),
        ({"bounce.shop.example": ["v=spf1 -all", "v=spf1 ~all"]}, "spf", "high", "2 SPF records"),
        ({"bounce.shop.example": ["v=spf1 +all"]}, "spf", "high", "lets everybody"),
        ({"bounce.shop.example": ["v=spf1 a mx ?all"]}, "spf", "medium", "says nothing of senders"),
        ({"bounce.shop.example": ["v=spf1 ip4:192.0.2.1"]}, "spf", "medium", "says nothing of senders"),
        ({"bounce.shop.example": ["v=spf1 redirect=_spf.esp.example"]}, "spf", "none", "a redirect"),
        ({"_spf.esp.example": ["v=spf1 " + "a:x.example " * 10 + "-all"]}, "spf", "high", "more than 10 lookups"),
        ({"_spf.esp.example": ["v=spf1 " + "a:x.example " * 9 + "-all"]}, "spf", "none", "one SPF record"),
        ({"_spf.esp.example": ["v=spf1 include:_spf.esp.example -all"]}, "spf", "high", "more than 10 lookups"),
        ({"s1._domainkey.shop.example": []}, "dkim", "high", "no key"),
        ({"s1._domainkey.shop.example": ["v=DKIM1; k=rsa; p="]}, "dkim", "high", "revoked"),
        ({"s1._domainkey.shop.example": ["v=DKIM1; p=***"]}, "dkim", "high", "cannot be read"),
        ({"s1._domainkey.shop.example": [key(1024)]}, "dkim", "low", "2,048 bits"),
        ({"s1._domainkey.shop.example": ["p=" + base64.b64encode(bytes(94)).decode()]}, "dkim", "high", "1,024 bits"),
        ({"s1._domainkey.shop.example": ["v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg=="]}, "dkim", "none", "a key"),
        ({"_dmarc.shop.example": ["v=spf1"]}, "dmarc", "high", "no DMARC record"),
        ({"_dmarc.shop.example": ["v=DMARC1; p=none", "v=DMARC1; p=reject"]}, "dmarc", "high", "no DMARC record"),
        ({"_dmarc.shop.example": ["v=DMARC1; p=none; rua=mailto:a@b.example"]}, "dmarc", "medium", "p=none"),
        ({"_dmarc.shop.example": ["v=DMARC1; p=reject"]}, "dmarc", "low", "nobody to report to"),
        ({"_dmarc.news.shop.example": ["v=DMARC1; p=reject; rua=mailto:a@b.example"]}, "dmarc", "none", "asks to reject"),
    ],
)  # fmt: skip
def test_each_fault_is_named(checked: Checked, changes: Records, check: str, severity: str, words: str) -> None:
    found = checked({**GOOD, **changes})

    assert found[check][0] == severity
    assert words in found[check][1]


@pytest.mark.parametrize(
    ("changes", "domain", "severity"),
    [
        ({"_dmarc.shop.example": ["v=DMARC1; p=reject; aspf=s"]}, {}, "low"),
        ({"_dmarc.shop.example": ["v=DMARC1; p=reject; adkim=s"]}, {}, "medium"),
        ({"_dmarc.shop.example": ["v=DMARC1; p=reject; adkim=s; aspf=s"]}, {}, "high"),
        ({"s1._domainkey.esp.example": [key(2048)]}, {"dkim_domain": "esp.example"}, "medium"),
        ({}, {"return_path_domain": "_spf.esp.example"}, "low"),
        ({"bounce.shop.example": []}, {"dkim_selectors": ()}, "high"),
    ],
)
def test_what_proves_another_domain_does_not_speak_for_ours(
    checked: Checked, changes: Records, domain: dict[str, object], severity: str
) -> None:
    found = checked({**GOOD, **changes}, SHOP.model_copy(update=domain))

    assert found["alignment"][0] == severity


@pytest.mark.parametrize("fault", [SILENT, BROKEN])
def test_a_name_server_that_fails_is_no_verdict(checked: Checked, fault: str) -> None:
    found = checked({**GOOD, "_dmarc.shop.example": fault})

    (only,) = found.values()
    assert only == ("not_checked", "not checked: no answer for TXT _dmarc.shop.example")


def test_a_machine_without_resolver_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    from dns import resolver

    def nowhere(_self: object, _path: object) -> None:
        raise resolver.NoResolverConfiguration

    monkeypatch.setattr(resolver.Resolver, "read_resolv_conf", nowhere)

    with pytest.raises(Unanswered, match="names no resolver"):
        dns_lookup()
