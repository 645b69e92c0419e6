"""A name server on this machine, with the records that a test plants."""

import socket
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

import dns.flags
import dns.message
import dns.rcode
import dns.rdatatype
import dns.rrset

SILENT = "silent"
BROKEN = "broken"


@contextmanager
def name_server(texts: Mapping[str, Sequence[str] | str]) -> Iterator[int]:
    """Answer questions for TXT records over UDP; `SILENT` gives no answer, `BROKEN` a failure. Yields the port."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as bound:
        bound.bind(("127.0.0.1", 0))
        bound.settimeout(0.05)
        is_over = threading.Event()
        thread = threading.Thread(target=_serve, args=(bound, texts, is_over), daemon=True)
        thread.start()
        yield bound.getsockname()[1]
        is_over.set()
        thread.join()


def _serve(bound: socket.socket, texts: Mapping[str, Sequence[str] | str], is_over: threading.Event) -> None:
    while not is_over.is_set():
        try:
            wire, asker = bound.recvfrom(4096)
        except TimeoutError:
            continue
        query = dns.message.from_wire(wire)
        (question,) = query.question
        name = question.name.to_text(omit_final_dot=True).lower()
        planted = texts.get(name)
        if planted == SILENT:
            continue
        answer = dns.message.make_response(query)
        answer.flags |= dns.flags.AA
        if planted == BROKEN:
            answer.set_rcode(dns.rcode.SERVFAIL)
        elif planted is None:
            answer.set_rcode(dns.rcode.NXDOMAIN)
        elif planted and question.rdtype == dns.rdatatype.TXT:
            # A record longer than 255 bytes stands as several strings, which are read as one.
            chunks = [" ".join(f'"{text[at : at + 200]}"' for at in range(0, len(text), 200)) for text in planted]
            answer.answer.append(dns.rrset.from_text(question.name, 60, "IN", "TXT", *chunks))
        bound.sendto(answer.to_wire(), asker)
