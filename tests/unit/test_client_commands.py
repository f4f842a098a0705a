"""The command line without a hub: usage, exit codes, and what programs can rely on."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

import pytest
from google.protobuf.json_format import MessageToJson
from typer.testing import CliRunner, Result

from agency_client.cli.application import app, exit_code_for
from agency_client.cli.submitting import report_receipted
from agency_client.profile import (
    APPLICATION,
    CERTIFICATE,
    HUB_CA,
    LEDGER_KEYS,
    SEALING_KEY,
    SIGNING_KEY,
    TLS_KEY,
    Profile,
    load_profile,
)
from comity.acts import parse_act
from comity.checkpoint import verifier_key_text
from comity.errors import HubUnreachable, LedgerForked, MalformedInput, NotFound
from comity.identity import AgencyId
from comity.keys import ED25519, generate_private_key
from comity.v1 import acts_pb2
from tests.unit.small_ledger import SmallLedger

EXAMPLES = Path(__file__).parents[2] / "docs" / "examples"
RED = str(EXAMPLES / "notice-red.json")
HUB = ("--hub", "127.0.0.1:1", "--hub-domain", "hub.example")
NOTICE = "01a20d6d-5a00-7000-8000-000000000001"
FRANCE = generate_private_key(ED25519)


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("COMITY_HOME", str(tmp_path / "home"))
    for name in ("COMITY_PROFILE", "COMITY_PASSPHRASE_FILE"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path / "home"


def comity(*arguments: str, entered: str | None = None) -> Result:
    return CliRunner().invoke(app, list(arguments), input=entered)


def make_profile(home: Path, *options: str) -> Profile:
    made = comity("init", "FR-NCB", *HUB, "--name", "Sample bureau", *options)
    assert made.exit_code == 0, made.output
    return load_profile(home / "default")


def joined(home: Path) -> tuple[Profile, SmallLedger]:
    """A profile that has joined, as far as that can be seen without a connection."""
    profile, ledger = make_profile(home), SmallLedger()
    for name in (CERTIFICATE, HUB_CA):
        profile.path(name).write_text("not a certificate")
    profile.path(LEDGER_KEYS).write_text(verifier_key_text(ledger.ledger_key) + "\n")
    return profile, ledger


@pytest.mark.parametrize(
    "arguments",
    [
        ("notice", "submit", RED),
        ("notice", "submit", "--to", "all"),
        ("notice", "submit", RED, "--to", "fr"),
        ("notice", "submit", RED, "--to", "all", "--except", "all"),
        ("notice", "withdraw", "id", "--reason", "because"),
        ("notice", "watch", "--count", "0"),
        ("notice", "widen", "id"),
        ("import", "un-list", RED),
        ("init", "FR-NCB", "--name", "x"),
        ("init", "FR-NCB", "--hub", "nowhere", "--hub-domain", "hub.example", "--name", "x"),
        ("init", "FR-NCB", *HUB, "--name", "x", "--signing-key", "rsa"),
        ("init", "FR-NCB", "--hub", "x:1", "--hub-domain", "Hub", "--name", "x"),
        ("ledger", "accept-epoch", "hub.example/comity/epoch-2+00000000+AAAA"),
        ("receipt", "verify", RED, "--ledger-key", "nonsense"),
        ("notice", "show", "nonsense"),
        ("notice", "show", NOTICE, "--from", "fr"),
        ("notice", "withdraw", NOTICE[1:], "--reason", "delisted"),
        ("receipt", "show", NOTICE.upper()),
        ("notice", "watch", "--name", "Terminal 1"),
        ("notice", "suspend", NOTICE),
        ("notice", "suspend", NOTICE, "--reason", " "),
        ("notice", "suspend", NOTICE, "--reason", "one", "--reason", "two"),
        ("notice", "addendum", NOTICE),
        ("notice", "addendum", NOTICE, "--warning", "tall"),
        ("notice", "extend", NOTICE, "--until", "soon", "--reason", "x"),
        ("notice", "extend", NOTICE, "--until", "2028-01-01T10:00:00", "--reason", "x"),
        ("notice", "flag", NOTICE),
        ("notice", "in-custody", NOTICE, "--released", "--reference", "7"),
        ("notice", "narrow", NOTICE),
        ("notice", "show", NOTICE, "--for", "KE"),
        ("notice", "submit", RED, "--to", "all", "--source", "x"),
        ("release", "ask", NOTICE, "--reason", "x"),
        ("release", "ask", NOTICE, "--reason", "x", "--to", "nobody"),
        ("release", "decide", NOTICE, "01"),
        ("release", "decide", NOTICE, "01", "--refuse"),
        ("recall", "status", "nonsense"),
        ("recall", "retain", NOTICE, "--provision", "Act 9", "--until", "ever"),
        ("recall", "passed-on", NOTICE),
        ("review", "show", "nonsense"),
        ("review", "decide", NOTICE, "maybe"),
        ("review", "decide", NOTICE, "refuse"),
        ("review", "decide", NOTICE, "refuse", "--ground", "taste"),
        ("review", "decide", NOTICE, "return"),
        ("review", "decide", NOTICE, "return", "--element", "warrants"),
        ("nonsense",),
    ],
)
def test_wrong_usage_ends_with_2(home: Path, arguments: Sequence[str]) -> None:
    assert comity(*arguments).exit_code == 2
    assert not home.exists()


def test_every_term_of_an_addressing_at_fault_is_named() -> None:
    output = comity("notice", "submit", RED, "--to", "all,fr", "--except", "QQ").output

    assert "'fr'" in output
    assert "'QQ'" in output


@pytest.mark.parametrize(
    ("error", "code"), [(NotFound(), 1), (HubUnreachable(), 3), (LedgerForked(), 4)]
)
def test_errors_end_with_their_codes(error: NotFound, code: int) -> None:
    assert exit_code_for(error) == code


def test_help_names_the_exit_codes_and_imports_little() -> None:
    script = (
        "import sys; from agency_client.cli import main\n"
        "sys.argv = ['comity', '--help']\n"
        "try: main()\n"
        "finally: print(sorted({'grpc', 'cryptography', 'google.protobuf'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )

    assert "3 hub unreachable" in " ".join(done.stdout.split())
    assert done.stdout.rstrip().endswith("[]")


def test_help_is_in_the_order_of_use_and_names_the_environment() -> None:
    output = comity("--help").output
    words = " ".join(output.replace("│", " ").split())

    commands = ["init", "join", "status", "run", "notice", "import", "receipt", "ledger"]
    places = [output.index(f"│ {name} ") for name in commands]
    assert sorted(places) == places
    for name in ("COMITY_HOME", "COMITY_PROFILE", "COMITY_PASSPHRASE_FILE", "--version"):
        assert name in words


@pytest.mark.parametrize(
    "arguments",
    [("init",), ("notice", "submit"), ("receipt", "verify"), ("ledger", "accept-epoch")],
)
def test_help_names_no_type_of_python(arguments: Sequence[str]) -> None:
    output = comity(*arguments, "--help").output

    assert not {"<str>", "<path>", "<list[Path]>", "<list[str]>"} & set(output.split())


def test_the_version_is_shown() -> None:
    assert comity("--version").stdout == f"comity {version('comity')}\n"


def test_init_makes_a_profile_and_what_to_hand_over(home: Path) -> None:
    profile = make_profile(home)

    assert profile == Profile(home / "default", AgencyId("FR-NCB"), "hub.example", "127.0.0.1:1")
    assert profile.path(APPLICATION).exists()
    assert comity("init", "FR-NCB", *HUB, "--name", "x").exit_code == 1


def test_every_argument_of_init_at_fault_is_named_at_once(home: Path) -> None:
    output = comity(
        *("init", "fr", "--hub", "nowhere", "--hub-domain", "Hub", "--name", "x"),
        *("--signing-key", "rsa"),
    ).output

    assert all(name in output for name in ("AGENCY", "--hub ", "--hub-domain", "--signing-key"))


def test_every_private_key_that_others_can_read_is_named_at_once(home: Path) -> None:
    profile, _ = joined(home)
    exposed = [profile.path(name) for name in (SIGNING_KEY, TLS_KEY, SEALING_KEY)]
    for path in exposed:
        path.chmod(0o640)

    result = comity("status")

    assert result.exit_code == 1
    assert f"chmod 600 {' '.join(str(path) for path in exposed)}" in result.output
    assert "reachable not tried" in " ".join(result.output.split())


def test_a_hub_that_does_not_answer_is_not_reachable(home: Path) -> None:
    joined(home)
    result = comity("status")

    assert "reachable no days" in " ".join(result.output.split())


def test_profiles_have_names_or_folders(home: Path, tmp_path: Path) -> None:
    for chosen, folder in (("fr", home / "fr"), (f"{tmp_path}/fr", tmp_path / "fr")):
        assert comity("init", "FR-NCB", *HUB, "--name", "x", "-p", chosen).exit_code == 0
        assert load_profile(folder).agency == "FR-NCB"


def test_a_wrong_agency_id_is_refused_before_anything_is_made(home: Path) -> None:
    assert comity("init", "fr-ncb", *HUB, "--name", "x").exit_code == 2
    assert not home.exists()


def test_a_passphrase_is_read_from_the_file_that_the_environment_names(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    init = ("init", "FR-NCB", *HUB, "--name", "x", "--encrypt")
    secret = tmp_path / "passphrase"
    secret.write_bytes(b"correct horse\n")
    secret.chmod(0o600)
    monkeypatch.setenv("COMITY_PASSPHRASE_FILE", str(secret))
    assert comity(*init).exit_code == 0
    secret.chmod(0o644)
    answer = tmp_path / "answer.json"
    answer.write_text("{}")

    assert "chmod 600" in comity("join", str(answer)).output
    with monkeypatch.context() as unset:
        unset.delenv("COMITY_PASSPHRASE_FILE")
        assert "COMITY_PASSPHRASE_FILE" in comity("join", str(answer)).output
    secret.chmod(0o600)
    assert "hubDomain" in comity("join", str(answer)).output


def test_what_has_not_joined_says_what_to_do(home: Path) -> None:
    make_profile(home)
    result = comity("status")

    assert result.exit_code == 1
    assert "comity join" in result.output


def test_what_is_no_answer_of_a_hub_is_refused(home: Path) -> None:
    make_profile(home)
    for file in (RED, "missing.json"):
        assert comity("join", file).exit_code == 1


def test_a_certificate_that_cannot_be_read_is_said(home: Path) -> None:
    joined(home)
    result = comity("notice", "submit", RED, "--to", "all")

    assert result.exit_code == 1
    assert "certificate" in result.output


def test_every_fault_of_every_file_is_said_before_the_hub_is_asked(
    home: Path, tmp_path: Path
) -> None:
    joined(home)
    document = json.loads(Path(RED).read_text())
    for name, change in (("a", {"caseReference": ""}), ("b", {"subjects": []})):
        (tmp_path / f"{name}.json").write_text(json.dumps({**document, **change}))
    files = [str(tmp_path / name) for name in ("a.json", "b.json")]
    result = comity("notice", "submit", *files, "--to", "all")

    assert result.exit_code == 1
    assert "a.json: caseReference" in result.output
    assert "b.json: subjects" in result.output


def test_faults_of_a_file_are_said_also_where_another_cannot_be_read(
    home: Path, tmp_path: Path
) -> None:
    document = json.loads(Path(RED).read_text())
    bad = tmp_path / "bad.json"
    bad.write_text(json.dumps({**document, "handling": {"codes": ["HANDLING_CODE_H0"]}}))

    result = comity("notice", "submit", "missing.json", str(bad), "--to", "all")

    assert result.exit_code == 1
    assert "missing.json: cannot be read" in result.output
    assert "bad.json: handling.legalBasis" in result.output


def test_the_reasons_for_a_withdrawal_are_named() -> None:
    output = comity("notice", "withdraw", NOTICE, "--reason", "because").output

    assert "purpose-achieved, legal-basis-ended" in " ".join(output.replace("│", " ").split())


def test_lists_are_empty_and_json_is_nothing_else(home: Path) -> None:
    joined(home)
    for arguments in (("notice", "list"), ("notice", "list", "--own"), ("notice", "quarantine")):
        result = comity(*arguments, "--json")
        assert (result.exit_code, result.output) == (0, "")


def test_an_empty_list_says_where_there_may_be_something(home: Path) -> None:
    joined(home)

    result = comity("notice", "list")

    assert (result.exit_code, result.stdout) == (0, "")
    assert result.stderr.startswith("(nothing; your own: --own;")
    assert comity("notice", "list", "--own").stderr == "(nothing)\n"
    assert comity("notice", "quarantine").stderr == "(nothing)\n"


def test_receipts_verify_offline(home: Path, tmp_path: Path) -> None:
    _, ledger = joined(home)
    ledger.add_roster("FR-NCB", added=[FRANCE])
    index = ledger.publish("FR-NCB", FRANCE)
    receipted = acts_pb2.ReceiptedActs(acts=ledger.acts[index], receipt=ledger.receipt(index))
    file = tmp_path / "receipts.json"
    line = MessageToJson(receipted, indent=None)
    file.write_text(f"{line}\n{line}\n")
    result = comity("receipt", "verify", str(file), "--json")
    other = verifier_key_text(SmallLedger().ledger_key)

    assert result.exit_code == 0
    assert [json.loads(one)["entryIndex"] for one in result.stdout.splitlines()] == [index] * 2
    file.write_text(MessageToJson(receipted))
    assert "entry" in comity("receipt", "verify", str(file)).stdout
    assert comity("receipt", "verify", str(file), "--ledger-key", other).exit_code == 4
    assert comity("receipt", "verify", RED).exit_code == 1


def test_every_receipt_of_a_file_that_does_not_verify_is_named(home: Path, tmp_path: Path) -> None:
    _, ledger = joined(home)
    ledger.add_roster("FR-NCB", added=[FRANCE])
    index = ledger.publish("FR-NCB", FRANCE)
    good = acts_pb2.ReceiptedActs(acts=ledger.acts[index], receipt=ledger.receipt(index))
    bad = acts_pb2.ReceiptedActs(acts=ledger.acts[index], receipt=ledger.receipt(index))
    bad.receipt.content_salt = bytes(32)
    lines = [MessageToJson(one, indent=None) for one in (bad, good, bad)]
    file = tmp_path / "receipts.json"
    file.write_text("\n".join([*lines, "garbage"]))

    result = comity("receipt", "verify", str(file), "--json")

    documents = [json.loads(line) for line in result.stdout.splitlines()]
    assert result.exit_code == 4
    assert [one.get("receipt", one.get("entryIndex")) for one in documents] == [1, index, 3, 4]


def test_a_place_where_no_receipt_can_be_written_is_said_before_anything_is_sent(
    home: Path, tmp_path: Path
) -> None:
    joined(home)
    nowhere = tmp_path / "missing" / "receipts.json"

    result = comity("notice", "submit", RED, "--to", "all", "--receipt", str(nowhere))

    assert result.exit_code == 2
    assert comity("notice", "submit", RED, "--to", "all", "--receipt", RED).exit_code == 1
    assert Path(RED).stat().st_size


def test_what_was_sent_is_named_also_where_its_receipt_cannot_be_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ledger = SmallLedger()
    ledger.add_roster("FR-NCB", added=[FRANCE])
    index = ledger.publish("FR-NCB", FRANCE)
    receipted = acts_pb2.ReceiptedActs(acts=ledger.acts[index], receipt=ledger.receipt(index))

    with pytest.raises(MalformedInput, match="receipt show"):
        report_receipted([receipted], json=False, to=None, receipt=tmp_path)

    assert parse_act(receipted.acts[0]).notice_id in capsys.readouterr().out
