"""`holdfast propose` against a local server: what goes over the wire, what comes back and fails, and that nothing is sent by itself."""

import json
import logging
import platform
import re
import shutil
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from hashlib import sha256
from pathlib import Path
from typing import Any

import duckdb
import mlflow
import pytest
import yaml
from click.testing import CliRunner

from activation.emails.proposals import AnswerRefused, ProposalRefused
from activation.emails.render import links_of, render_message
from activation.load import load_prompts
from activation.playbook.governance import Item
from ml.tracking import point_approved, prompt_versions, register_prompt
from orchestration import preflight
from orchestration.cli import main
from orchestration.commands import accept as accept_module
from orchestration.commands import approve as approve_module
from orchestration.commands import endpoint as endpoint_module
from orchestration.commands import prompts as prompts_module
from orchestration.commands import propose as propose_module
from orchestration.commands.accept import accept
from orchestration.commands.approve import approve
from orchestration.commands.endpoint import EndpointFailed, ask, model_of
from orchestration.commands.prompts import approved_prompt, register_prompts
from orchestration.commands.propose import propose
from orchestration.faults import exit_code_of
from orchestration.resources import Endpoint, Settings, UserError, read_endpoint
from tests.unit.activation.shop import PLAYBOOK
from tests.unit.orchestration.language_model import LanguageModel, Reply

TODAY = date(2026, 2, 3)
KEY = "sk-very-secret-0123456789"
LEAD = "lifecycle_marketing_lead"

SUBJECTS = {
    "variants": [
        {"subject": "Good to see you, {{ first_name }}", "preheader": "Something small waits for you."},
        {"subject": "Act now: 50 % off", "preheader": "See www.elsewhere.example."},
    ]
}
HEROES = {
    "variants": [{"headline": "We kept your <place>", "paragraphs": ["Hello {{ first_name }}, tea & time are ready."]}]
}
HOSTILE = {
    "variants": [
        {
            "headline": "<script>alert(1)</script>",
            "paragraphs": ["{% include 'secret' %}{{ person.email }} guaranteed cures"],
        }
    ]
}


@pytest.fixture(scope="module")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A database of MLflow: migrating takes seconds."""
    path = tmp_path_factory.mktemp("template") / "mlflow.db"
    mlflow.MlflowClient(f"sqlite:///{path}").search_experiments()
    return path.read_bytes()


@pytest.fixture
def settings(tmp_path: Path, migrated: bytes) -> Settings:
    home = tmp_path / "home"
    (home / "mlflow").mkdir(parents=True)
    (home / "mlflow" / "mlflow.db").write_bytes(migrated)
    return Settings(home, home / "landing", "UTC", "EUR", "duckdb", "salt")


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A playbook that commands may write to."""
    folder = Path(shutil.copytree(PLAYBOOK, tmp_path / "playbook"))
    for module in (accept_module, approve_module, preflight, prompts_module, propose_module):
        monkeypatch.setattr(module, "PLAYBOOK", folder)
    return folder


@pytest.fixture
def ready(settings: Settings, repository: Path) -> Settings:
    """A home whose prompts are registered and approved."""
    assert repository.exists()
    register_prompts(settings, today=TODAY)
    return settings


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """No waiting between tries."""
    monkeypatch.setattr("openai._base_client.BaseClient._calculate_retry_timeout", lambda *_: 0.0)


@pytest.fixture
def model() -> Iterator[LanguageModel]:
    with LanguageModel(Reply.saying(SUBJECTS)) as made:
        yield made


def endpoint(model: LanguageModel, key: str = "", name: str = "tiny") -> Endpoint:
    return Endpoint(model.url, name, key)


def files(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def test_proposals_are_files_that_nothing_loads(ready: Settings, repository: Path, model: LanguageModel) -> None:
    before, version = files(repository), preflight.load_valid_playbook().version
    said = "\n".join(propose(ready, endpoint(model), "win_back", "2", block=None, count=2, today=TODAY))
    written = files(repository)
    assert {name for name in written if name not in before} == {
        "proposals/win_back_2_subject_1.yml", "proposals/win_back_2_subject_2.yml",
    }  # fmt: skip
    assert {name: text for name, text in written.items() if name in before} == before
    assert preflight.load_valid_playbook().version == version
    assert preflight.load_valid_playbook().standing(Item("flow", "win_back"), TODAY).fault is None

    fine, wrong = (yaml.safe_load(written[f"proposals/win_back_2_subject_{at}.yml"]) for at in (1, 2))
    assert fine["words"] == SUBJECTS["variants"][0]
    assert fine["remarks"] == []
    assert (fine["prompt"], fine["prompt_version"], fine["model"]) == ("subject_lines", 1, "tiny")
    assert fine["endpoint"] == model.url.removeprefix("http://").removesuffix("/v1")
    assert fine["proposed_on"] == "2026-02-03"
    body = json.loads(model.seen[0].body)
    canonical = json.dumps(body, sort_keys=True, ensure_ascii=False)
    assert fine["request_hash"] == sha256(canonical.encode()).hexdigest()[:12], "of what went over the wire"
    assert [(each["rule"], each["severity"], each["text"]) for each in wrong["remarks"]] == [
        ("false_urgency", "error", "Act now"), ("share_not_in_brief", "error", "50 %"),
        ("link", "error", "www.elsewhere.example."),
    ]  # fmt: skip
    assert "error in subject: 'Act now': it presses for a decision" in said

    propose(ready, endpoint(model), "win_back", "2", block=None, count=1, today=TODAY)
    assert {name for name in files(repository) if name not in written} == {"proposals/win_back_2_subject_3.yml"}


def test_what_goes_over_the_wire_is_the_playbook_and_nothing_else(
    ready: Settings, model: LanguageModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("API_KEY", "ORG_ID", "PROJECT_ID", "ADMIN_KEY"):
        monkeypatch.setenv(f"OPENAI_{name}", "of-another-house")
    monkeypatch.setenv("OPENAI_CUSTOM_HEADERS", "x-tracking: of-another-house")
    duckdb.connect(str(ready.warehouse)).execute("create table people as select 'ann@private.example' as email").close()
    (ready.state).mkdir()

    def never(*_: Any, **__: Any) -> None:
        pytest.fail("the warehouse was opened")

    monkeypatch.setattr(duckdb, "connect", never)
    propose(ready, endpoint(model, KEY), "win_back", "2", block=None, count=3, today=TODAY)
    (seen,) = model.seen
    assert (seen.method, seen.path) == ("POST", "/v1/chat/completions")
    assert set(seen.headers) <= {
        "host", "user-agent", "accept", "accept-encoding", "content-type", "content-length", "connection", "authorization",
        "x-stainless-raw-response",
    }  # fmt: skip
    assert (seen.headers["user-agent"], seen.headers["authorization"]) == ("holdfast", f"Bearer {KEY}")
    for secret in ("of-another-house", "private", "@", platform.python_version(), platform.system(), str(ready.home)):
        assert secret not in seen.wire, secret
    body = json.loads(seen.body)
    assert set(body) == {"model", "messages", "response_format"}
    assert [message["role"] for message in body["messages"]] == ["system", "user"]
    assert body["response_format"]["json_schema"]["schema"]["additionalProperties"] is False

    written = " ".join(path.read_text() for path in PLAYBOOK.rglob("*") if path.suffix in {".yml", ".txt"})
    sent = {word for message in body["messages"] for word in re.findall(r"\w+", message["content"])}
    assert len(sent) > 100
    assert sent - set(re.findall(r"\w+", written)) == set(), "every word is one of the playbook's files"


def test_the_key_is_in_no_file_no_line_and_no_log(
    ready: Settings,
    repository: Path,
    model: LanguageModel,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    caplog.set_level(logging.DEBUG)
    said = propose(ready, endpoint(model, KEY), "win_back", "2", block=None, count=2, today=TODAY)
    model.replies = [
        Reply(json.dumps({"error": {"message": f"Incorrect API key provided: {KEY}"}}).encode(), status=401)
    ]
    with pytest.raises(EndpointFailed) as caught:
        propose(ready, endpoint(model, KEY), "win_back", "2", block=None, count=2, today=TODAY)
    assert str(caught.value).endswith("answered 401: check HOLDFAST_LLM_KEY")
    assert all(KEY in seen.wire for seen in model.seen), "it was sent"
    captured = capfd.readouterr()
    kept = [*files(ready.home).values(), *files(repository).values()]
    texts = [*said, str(caught.value), repr(endpoint(model, KEY)), caplog.text, captured.out, captured.err]
    assert [text for text in texts if KEY in text] == []
    assert [content for content in kept if KEY.encode() in content] == []


def test_the_run_knows_prompt_and_counts_and_no_words(ready: Settings, model: LanguageModel) -> None:
    propose(ready, endpoint(model), "win_back", "2", block=None, count=2, today=TODAY)
    client = mlflow.MlflowClient(ready.tracking_uri)
    experiment = client.get_experiment_by_name("proposals")
    assert experiment is not None
    (run,) = client.search_runs([experiment.experiment_id])
    assert run.data.params["prompt"] == "subject_lines"
    assert run.data.params["prompt_version"] == "1"
    assert run.data.params["asked_for"] == "subject"
    assert {name: run.data.metrics[name] for name in ("wanted", "proposed", "acceptable", "tokens", "remarks/link")} == {
        "wanted": 2, "proposed": 2, "acceptable": 1, "tokens": 42, "remarks/link": 1,
    }  # fmt: skip
    logged = json.dumps(run.to_dictionary())
    for words in ("Good to see", "Something small", "Act now", "elsewhere.example"):
        assert words not in logged


@pytest.mark.usefixtures("quick")
def test_a_busy_endpoint_is_asked_again(ready: Settings, repository: Path) -> None:
    busy = Reply(b"{}", status=429, headers={"retry-after": "0"})
    with LanguageModel(busy, Reply.saying(SUBJECTS)) as model:
        propose(ready, endpoint(model), "win_back", "2", block=None, count=2, today=TODAY)
        assert len(model.seen) == 2
        assert model.seen[0].body == model.seen[1].body
    assert len(list((repository / "proposals").iterdir())) == 2


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize(
    ("reply", "tries", "said"),
    [
        (Reply(b"{}", status=500), 3, "answered 500"),
        (Reply(b"{}", status=429), 3, "answered 429: its limit is reached, try again later"),
        (Reply(b"{}", status=404), 1, "answered 404: check HOLDFAST_LLM_URL and HOLDFAST_LLM_MODEL"),
        (Reply(b"", status=302, headers={"location": "http://127.0.0.1:1/v1/elsewhere"}), 1, "answered 302"),
        (Reply.saying(SUBJECTS), 3, "did not answer within 0.2 s, 3 times"),
        (Reply(b"<html>welcome</html>"), 1, "answered with no chat completion: Invalid JSON"),
        (Reply(b'{"choices": []}'), 1, "answered with no chat completion: List should have at least 1 item"),
        (Reply(b" " * 300_000), 1, "answers without end"),
        (Reply(b'{"choices": [', promised=100), 1, "broke off its answer: RemoteProtocolError"),
        (Reply.saying(None), 1, "answered without a word"),
        (Reply.saying('{"variants": [', finish_reason="length"), 1, "cut its answer off: ask for fewer with --count"),
    ],
)
def test_an_endpoint_that_fails_is_named_in_a_line(reply: Reply, tries: int, said: str) -> None:
    slow = "within" in said
    with LanguageModel(replace(reply, seconds=1.0 if slow else 0.0)) as model:
        with pytest.raises(EndpointFailed) as caught:
            ask(endpoint(model), {"model": "tiny", "messages": []}, patience=0.2 if slow else 20)
        assert len(model.seen) == tries
    assert said in str(caught.value)
    assert len(str(caught.value).splitlines()) == 1


@pytest.mark.usefixtures("quick")
def test_nobody_there_is_said_in_a_line() -> None:
    with pytest.raises(EndpointFailed, match=r"127\.0\.0\.1:9 cannot be reached: check HOLDFAST_LLM_URL"):
        ask(Endpoint("http://127.0.0.1:9/v1", "tiny"), {"model": "tiny", "messages": []})


@pytest.mark.parametrize(
    "content",
    [
        "Sure! Here are some ideas.",
        {"variants": [{"subject": "a"}]},
        {"variants": [{"subject": "a" * 3000, "preheader": "b"}]},
    ],
)
def test_an_answer_of_another_form_leaves_no_file(ready: Settings, repository: Path, content: Any) -> None:
    with LanguageModel(Reply.saying(content)) as model, pytest.raises(AnswerRefused, match="is not what was asked for"):
        propose(ready, endpoint(model), "win_back", "2", block=None, count=2, today=TODAY)
    assert not (repository / "proposals").exists()


def test_without_a_model_the_only_one_is_asked() -> None:
    def listed(*names: str) -> Reply:
        return Reply(
            json.dumps({"object": "list", "data": [{"id": name, "object": "model"} for name in names]}).encode()
        )

    with LanguageModel(listed("only")) as model:
        assert model_of(endpoint(model, name="")) == "only"
        assert (model.seen[0].method, model.seen[0].path) == ("GET", "/v1/models")
        assert "authorization" not in model.seen[0].headers
        model.replies = [listed("one", "two")]
        with pytest.raises(UserError, match=r"has 2 models: set HOLDFAST_LLM_MODEL to one of them \(one, two\)"):
            model_of(endpoint(model, name=""))
        assert model_of(endpoint(model, name="mine")) == "mine"
        assert len(model.seen) == 2


@pytest.mark.parametrize(
    ("url", "key", "said"),
    [
        ("", "", "no language model is set: export HOLDFAST_LLM_URL="),
        ("http://host:abc/v1", "", "HOLDFAST_LLM_URL is no address of an endpoint"),
        ("http://[::1/v1", "", "HOLDFAST_LLM_URL is no address of an endpoint"),
        ("https:///v1", "", "HOLDFAST_LLM_URL is no address of an endpoint"),
        ("https://host/v1", f"{KEY} {KEY}", "HOLDFAST_LLM_KEY holds a blank or a letter"),
        ("https://host/v1", f"{KEY}ü", "HOLDFAST_LLM_KEY holds a blank or a letter"),
        ("HTTP://host/v1", KEY, "HOLDFAST_LLM_KEY would travel where others can read it"),
        ("https://host/v1", f"{KEY}\n", None),
        ("ftp://host/v1", "", "HOLDFAST_LLM_URL is no address of an endpoint"),
        ("https://me:pass@host/v1", "", "HOLDFAST_LLM_URL is no address of an endpoint"),
        ("https://host/v1?key=abc", "", "HOLDFAST_LLM_URL is no address of an endpoint"),
        ("http://host/v1", KEY, "HOLDFAST_LLM_KEY would travel where others can read it"),
        ("http://localhost/v1", KEY, None),
        ("http://127.0.0.1:8000/v1/", KEY, None),
        ("http://ollama:11434/v1", "", None),
        ("https://host/v1", KEY, None),
    ],
)
def test_an_endpoint_is_off_or_an_address_that_keeps_the_key(
    monkeypatch: pytest.MonkeyPatch, url: str, key: str, said: str | None
) -> None:
    monkeypatch.setenv("HOLDFAST_LLM_URL", url)
    monkeypatch.setenv("HOLDFAST_LLM_KEY", key)
    if said is None:
        assert read_endpoint().url == url.rstrip("/")
        return
    with pytest.raises(UserError) as caught:
        read_endpoint()
    assert str(caught.value).startswith(said)
    assert KEY not in str(caught.value)


def test_commands_say_in_one_line_what_is_missing(
    settings: Settings, repository: Path, model: LanguageModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOLDFAST_HOME", str(settings.home))
    monkeypatch.delenv("HOLDFAST_LLM_URL", raising=False)

    def outcome(*arguments: str) -> tuple[int, str]:
        result = CliRunner().invoke(main, arguments)
        return result.exit_code, result.output

    code, said = outcome("propose", "win_back", "1")
    assert (code, said.count("\n")) == (2, 1)
    assert said.startswith("holdfast: no language model is set: export HOLDFAST_LLM_URL=")
    assert not (settings.home / "dagster").exists(), "nothing was written"
    monkeypatch.setenv("HOLDFAST_LLM_URL", model.url)
    monkeypatch.setenv("HOLDFAST_LLM_MODEL", "tiny")
    code, said = outcome("propose", "win_back", "2")
    assert code == 2
    assert said == (
        "holdfast: prompt subject_lines cannot be used, it is not registered:"
        " `holdfast approve prompt/subject_lines --role …`, or `holdfast prompts` if it is approved\n"
    )
    code, said = outcome("prompts")
    assert (code, said.splitlines()) == (
        0, [f"prompt/{name:<17} reads as version 1; version 1 is approved" for name in ("block_words", "subject_lines")],
    )  # fmt: skip
    code, said = outcome("propose", "win_back", "9")
    assert (code, said) == (2, "holdfast: win_back has no step 9: it has 1, 2, 3\n")
    assert model.seen == [], "nobody was asked before all was in order"
    code, said = outcome("propose", "win_back", "2", "--count", "2")
    assert code == 0, said
    assert "nothing of it is sent: `holdfast accept NAME` takes one over" in said
    code, said = outcome("accept", "win_back_2_subject_2")
    assert (code, said.count("\n")) == (2, 1)
    assert "cannot be taken over: error in subject: 'Act now'" in said
    model.replies = [Reply(b"{}", status=400)]
    code, said = outcome("propose", "win_back", "2")
    assert (code, said.count("\n")) == (1, 1)
    assert "answered 400: does it know the model" in said
    assert len(list((repository / "proposals").iterdir())) == 2


def edit(repository: Path, old: str, new: str) -> None:
    path = repository / "prompts" / "subject_lines.yml"
    assert old in path.read_text()
    path.write_text(path.read_text().replace(old, new))


def test_the_alias_follows_the_approval(settings: Settings, repository: Path) -> None:
    def approved() -> int:
        book = preflight.load_valid_playbook()
        return approved_prompt(settings, book, "subject", today=TODAY).version

    def aliased() -> list[int]:
        found = prompt_versions("subject_lines", tracking_uri=settings.tracking_uri)
        return [each.version for each in found if each.is_approved]

    with pytest.raises(UserError, match="prompt subject_lines cannot be used, it is not registered"):
        approved()
    register_prompts(settings, today=TODAY)
    assert (approved(), aliased()) == (1, [1])

    edit(repository, "You write subject lines", "You write short subject lines")
    lines = register_prompts(settings, today=TODAY)
    assert lines[1].startswith("prompt/subject_lines     reads as version 2; version 1 is approved and used until")
    assert (approved(), aliased()) == (1, [1]), "a new text is not approved because the old one was"

    approve(["prompt/subject_lines"], role=LEAD, today=TODAY, until=TODAY)
    assert (approved(), aliased()) == (1, [1]), "the alias follows when prompts are registered"
    register_prompts(settings, today=TODAY)
    assert (approved(), aliased()) == (2, [2])

    tomorrow = date(2026, 2, 4)
    with pytest.raises(UserError, match="version 2 holds the alias approved, and no approval that holds today"):
        approved_prompt(settings, preflight.load_valid_playbook(), "subject", today=tomorrow)
    register_prompts(settings, today=tomorrow)
    assert aliased() == [1], "the older text is approved for longer"

    approvals = repository / "approvals.yml"
    approvals.write_text(approvals.read_text()[: approvals.read_text().index("  - approval_id: approval_prompt")])
    assert "no version is approved" in register_prompts(settings, today=TODAY)[1]
    assert aliased() == []
    with pytest.raises(UserError, match="no version holds the alias approved"):
        approved()


def test_an_alias_that_somebody_moved_in_mlflow_is_not_believed(ready: Settings, model: LanguageModel) -> None:
    other = register_prompt(
        "subject_lines",
        [("user", "Say anything")],
        tags={"content_hash": "0c73d3018d58"},
        tracking_uri=ready.tracking_uri,
    )
    point_approved("subject_lines", other.version, tracking_uri=ready.tracking_uri)
    with pytest.raises(UserError, match="version 2 holds the alias approved, and no approval"):
        propose(ready, endpoint(model), "win_back", "2", block=None, count=1, today=TODAY)
    assert model.seen == []
    register_prompts(ready, today=TODAY)
    propose(ready, endpoint(model), "win_back", "2", block=None, count=1, today=TODAY)
    sent = json.loads(model.seen[0].body)["messages"][0]["content"]
    assert sent.startswith("You write subject lines for the emails of Shop Example.")


def test_texts_come_back_from_the_registry_as_they_were_approved(ready: Settings, repository: Path) -> None:
    for prompt in load_prompts(repository):
        (found,) = prompt_versions(prompt.prompt, tracking_uri=ready.tracking_uri)
        assert found.messages == prompt.messages
        again = register_prompt(prompt.prompt, prompt.messages, tags={}, tracking_uri=ready.tracking_uri)
        assert again.version == 1


def test_accepted_subject_stops_its_flow_until_somebody_approves_it(ready: Settings, model: LanguageModel) -> None:
    propose(ready, endpoint(model), "win_back", "2", block=None, count=1, today=TODAY)
    lines = accept("win_back_2_subject_1", variant=None, segment=None, today=TODAY)
    assert lines[-1].endswith("flow/win_back is sent to nobody until `holdfast approve flow/win_back --role …`")
    book, item = preflight.load_valid_playbook(), Item("flow", "win_back")
    assert book.standing(item, TODAY).fault == "changed_since_approval"
    assert [each.standing(Item("flow", "welcome"), TODAY).fault for each in (book,)] == [None]
    assert book.mails is not None
    mail = render_message(
        book.mails,
        flow="win_back",
        step="2",
        block_choices={},
        person={"first_name": "Ann <b>"},
        links=links_of(book.mails, "t"),
    )
    assert (mail.subject, mail.preheader) == ("Good to see you, there", "Something small waits for you.")
    approve([str(item)], role=LEAD, today=TODAY, until=TODAY)
    assert preflight.load_valid_playbook().standing(item, TODAY).fault is None
    with pytest.raises(ProposalRefused, match="was taken over on 2026-02-03 as subject"):
        accept("win_back_2_subject_1", variant=None, segment=None, today=TODAY)


def test_accepted_words_of_a_block_are_an_experimental_variant(ready: Settings, repository: Path) -> None:
    with LanguageModel(Reply.saying(HEROES)) as model:
        propose(ready, endpoint(model), "win_back", "1", block="hero", count=1, today=TODAY)
    path = repository / "proposals" / "win_back_1_hero_1.yml"
    assert [each["rule"] for each in yaml.safe_load(path.read_text())["remarks"]] == ["markup"]
    path.write_text(path.read_text().replace("your <place>", "your place > here"))  # a person mends it
    accept("win_back_1_hero_1", variant="kept", segment="high_value_at_risk", today=TODAY)
    book = preflight.load_valid_playbook()
    hero = book.flows[-1].steps[0].blocks[1]
    assert (hero.block, hero.stands_as, hero.shown) == (
        "hero", "experimental", ("kept", "replenish_now", "we_miss_you", "news_since_then"),
    )  # fmt: skip
    assert book.standing(Item("flow", "win_back"), TODAY).fault == "changed_since_approval"
    assert book.mails is not None
    mail = render_message(
        book.mails, flow="win_back", step="1", block_choices={"hero": "kept"}, person={"first_name": "Ann & Co"},
        links=links_of(book.mails, "t"),
    )  # fmt: skip
    assert "We kept your place &gt; here" in mail.html
    assert "Hello <bdi>Ann &amp; Co</bdi>, tea &amp; time are ready." in mail.html
    assert "Hello Ann & Co, tea & time are ready." in mail.text


def test_hostile_words_are_found_and_cannot_be_taken_over(ready: Settings, repository: Path) -> None:
    with LanguageModel(Reply.saying(HOSTILE)) as model:
        propose(ready, endpoint(model), "win_back", "1", block="hero", count=1, today=TODAY)
    path = repository / "proposals" / "win_back_1_hero_1.yml"
    kept = yaml.safe_load(path.read_text())
    errors = {each["rule"] for each in kept["remarks"] if each["severity"] == "error"}
    assert errors == {"markup", "liquid", "link", "guarantee", "medical_claim"}
    kept["remarks"] = []
    path.write_text(yaml.safe_dump(kept))
    before = files(repository)
    with pytest.raises(ProposalRefused, match=r"cannot be taken over: error in paragraph 1: .*, and 6 more"):
        accept("win_back_1_hero_1", variant="kept", segment="high_value_at_risk", today=TODAY)
    assert files(repository) == before


@pytest.mark.parametrize(
    ("name", "variant", "segment", "said"),
    [
        ("win_back_1_hero_1", None, None, "say how the variant is to be called with --variant"),
        ("win_back_1_hero_1", "we_miss_you", "high_value_at_risk", "hero/we_miss_you.mjml is there already"),
        ("win_back_1_hero_1", "kept", "nobody_at_all", "segment nobody_at_all is unknown"),
        ("win_back_1_hero_1", "Kept it", "high_value_at_risk", "--variant 'Kept it' is no name"),
        ("win_back_1_hero_1", "../hero", "high_value_at_risk", "--variant '../hero' is no name"),
        (
            "win_back_1_proof_1",
            "kept",
            "high_value_at_risk",
            r"flows/win_back.yml:\d+: 3 blocks vary \(hero, education, proof\), 2 may",
        ),
        (
            "win_back_1_side_1",
            "kept",
            "high_value_at_risk",
            "there is no proposal win_back_1_side_1: there are win_back_1_hero_1",
        ),
    ],
)
def test_what_cannot_be_taken_over_changes_nothing(
    ready: Settings, repository: Path, name: str, variant: str | None, segment: str | None, said: str
) -> None:
    words = {"variants": [{"headline": "We kept your place", "paragraphs": ["Come and look."]}]}
    flow = repository / "flows" / "win_back.yml"
    rule = "{variant: how_we_choose, when: {segment: repeat_buyers}}"
    second = f"{{block: education, tier: adaptive, variants: [{rule}], fallback: keep_it_good}}"
    flow.write_text(flow.read_text().replace("      - block: proof\n", f"      - {second}\n      - block: proof\n", 1))
    with LanguageModel(Reply.saying(words)) as model:
        block = "proof" if "proof" in name else "hero"
        propose(ready, endpoint(model), "win_back", "1", block=block, count=1, today=TODAY)
    before = files(repository)
    with pytest.raises(Exception, match=said) as caught:
        accept(name, variant=variant, segment=segment, today=TODAY)
    assert exit_code_of(caught.value) == 2
    assert files(repository) == before


def test_patience_is_a_minute_and_tries_are_three() -> None:
    assert (endpoint_module.PATIENCE, endpoint_module.RETRIES) == (60.0, 2)
