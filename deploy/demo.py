"""`make demo`: a hub and three agencies on this machine, told as a story with real figures.

Everything runs in processes of its own and in a folder of its own, which is removed at the end.
`--serve` leaves the hub running until interrupted.
"""

from __future__ import annotations

import argparse
import json
import signal
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from deploy.long_list import lengthened
from deploy.stage import EXAMPLES, Stage
from directory.sample.file import SAMPLE_FILE

AGENCIES = {
    "FR-NCB": "Sample bureau of France",
    "BR-NCB": "Sample bureau of Brazil",
    "KE-NCB": "Sample bureau of Kenya",
}
LISTED = 39  # subjects of the sample
COPIES = 30  # makes an import of a second or two, long enough to be killed in the middle
IS_TERMINAL = sys.stdout.isatty()


def bold(text: str) -> str:
    return f"\033[1m{text}\033[0m" if IS_TERMINAL else text


def tell(text: str) -> None:
    print(f"\n{bold(text)}", flush=True)


def show(text: str) -> None:
    for line in text.rstrip().splitlines():
        print(f"    {line}", flush=True)


def play(stage: Stage) -> None:
    tell("1. A hub is made, and three agencies are admitted. No private key leaves its agency.")
    for agency, name in AGENCIES.items():
        stage.admit(agency, name)
    stage.start_hub()
    show(stage.hub("agency", "list"))
    send_a_notice(stage)
    import_and_kill(stage)
    look_up(stage)
    review_and_recall(stage)
    verify(stage)


def send_a_notice(stage: Stage) -> None:
    tell("2. France sends a notice on a missing child to Brazil, while Brazil watches.")
    watching = stage.background("BR-NCB", "notice", "watch", "--name", "demo", "--count", "1")
    time.sleep(1.0)
    receipt = stage.folder / "receipt.json"
    notice = str(EXAMPLES / "notice-yellow.json")
    rule = ["--to", "BR-NCB"]  # a minor is protected: its addressees are named
    show(stage.comity("FR-NCB", "notice", "submit", notice, *rule, "--receipt", str(receipt)))
    print("    Brazil sees:")
    show(watching.communicate(timeout=30)[0])
    stage.comity("BR-NCB", "notice", "watch", "--from-start", "--count", "1")
    print("    Kenya's list of notices:")
    show(stage.comity("KE-NCB", "notice", "list") or "(nothing)")


def import_and_kill(stage: Stage) -> None:
    sample = (EXAMPLES / "un-list-sample.xml").read_text(encoding="utf-8")
    long_list = stage.folder / "list.xml"
    long_list.write_text(lengthened(sample, copies=COPIES), encoding="utf-8")
    total = LISTED * COPIES
    tell(f"3. France imports a list of {total:,} (invented), and kill -9 hits the hub meanwhile.")
    importing = stage.background("FR-NCB", "import", "un-list", str(long_list), "--to", "all")
    size = kill_in_the_middle(stage, total=total)
    acknowledged = stage.receipted("FR-NCB")
    show(f"killed at {size:,} entries, {len(acknowledged):,} notices acknowledged; started again")
    stage.start_hub()
    done = importing.communicate(timeout=120)[0]
    if importing.returncode == 0:
        show("the import has waited for the hub, and is done:")
        show(done)
        show("run once more it finds nothing left to do:")
    else:
        show("the import has given up meanwhile, and kept what it had signed. Run once more it")
        show("sends that first, and then finds nothing new:")
    show(stage.comity("FR-NCB", "import", "un-list", str(long_list), "--to", "all"))
    events = stage.comity(
        "KE-NCB", "notice", "watch", "--from-start", "--count", str(total), "--json"
    )
    compare(stage, [json.loads(line) for line in events.splitlines()], acknowledged)


def kill_in_the_middle(stage: Stage, *, total: int) -> int:
    """Kills the hub once a quarter of the list is in its ledger, and gives the ledger's size."""
    give_up_at = time.monotonic() + 30
    while stage.ledger_size() < total // 4 and time.monotonic() < give_up_at:
        time.sleep(0.002)
    stage.kill_hub()
    return stage.ledger_size()


def compare(stage: Stage, events: list[dict[str, Any]], acknowledged: set[str]) -> None:
    places = [event["entryIndex"] for event in events]
    received = [event["noticeId"] for event in events if "noticeId" in event]
    lost = acknowledged - set(received)
    again = len(received) - len(set(received))
    in_order = "in the ledger's order" if places == sorted(places) else "OUT OF ORDER"
    show(
        f"Kenya received {len(received):,} notices {in_order}; "
        f"acknowledged and lost: {len(lost)}; received twice: {again}"
    )
    if lost or again or places != sorted(places):
        raise SystemExit("The exchange has not kept its word.")


def look_up(stage: Stage) -> None:
    tell("4. France asks who in Brazil handles an extradition under UNTOC 16. It is on record.")
    note = ["--note-verbale", "Specimen 1", "--emergency"]
    show(stage.hub("directory", "load", str(SAMPLE_FILE), *note))
    stage.log_in("FR-NCB")
    asked = ["BR", "extradition", "--for", "UNTOC 16"]
    show(stage.comity("FR-NCB", "directory", "resolve", *asked))


def review_and_recall(stage: Stage) -> None:
    tell("5. A red notice lacks something, is let out by two reviewers, and is recalled later.")
    notice_id = send_complete(stage)
    let_out(stage)
    with stage.running("BR-NCB"):
        stage.log_in("BR-NCB")
        wait_for(lambda: received(stage, notice_id))
        print("    Brazil's officer acknowledges it, and France withdraws it:")
        show(stage.comity("BR-NCB", "notice", "acknowledge", notice_id))
        withdraw = ["notice", "withdraw", notice_id, "--reason", "purpose-achieved"]
        show(stage.comity("FR-NCB", *withdraw))
        answered = wait_for(lambda: recalled(stage, notice_id))
    print("    What Brazil's `comity run` has answered by itself:")
    show(answered)


def received(stage: Stage, notice_id: str) -> str:
    """Brazil's line about a notice, once it has one."""
    lines = stage.comity("BR-NCB", "notice", "list").splitlines()
    return next((line for line in lines if line.startswith(notice_id)), "")


def recalled(stage: Stage, notice_id: str) -> str:
    """Who has answered, once all have."""
    status = stage.comity("FR-NCB", "recall", "status", notice_id)
    return "" if "NOT ANSWERED" in status else status


def send_complete(stage: Stage) -> str:
    """A draft without the warrant's number, and then with it; gives the notice's id."""
    draft = stage.folder / "red.json"
    notice = json.loads((EXAMPLES / "notice-red.json").read_text(encoding="utf-8"))
    complete = json.dumps(notice)
    del notice["warrants"][0]["number"]
    draft.write_text(json.dumps(notice), encoding="utf-8")
    show(stage.offline("notice", "check", draft.name, expected=1))
    draft.write_text(complete, encoding="utf-8")
    [sent] = stage.documents("FR-NCB", "notice", "submit", str(draft), "--to", "BR-NCB")
    return str(sent["noticeId"])


def let_out(stage: Stage) -> None:
    """Two of the hub's reviewers, of neither country, read the notice and agree."""
    for number, nationality in enumerate(("NZ", "IS"), start=1):
        stage.log_in_reviewer(number, nationality=nationality)
        waiting = stage.comity(stage.hub_profile, "review", "list")
        print(f"    What reviewer {number} of the hub sees, and lets out:")
        show(waiting)
        review_id = waiting.split()[0]
        stage.comity(stage.hub_profile, "review", "decide", review_id, "publish")


def wait_for(look: Callable[[], str]) -> str:
    """Looks again and again until there is something to see."""
    give_up_at = time.monotonic() + 30
    while not (seen := look()):
        if time.monotonic() > give_up_at:
            raise SystemExit("Nothing has come.")
        time.sleep(0.2)
    return seen


def verify(stage: Stage) -> None:
    tell("6. Nobody has to believe the hub: an agency recomputes the ledger and checks a receipt.")
    show(stage.comity("KE-NCB", "ledger", "verify"))
    stage.comity("FR-NCB", "ledger", "verify")
    show(stage.comity("FR-NCB", "receipt", "verify", str(stage.folder / "receipt.json")))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--serve", action="store_true", help="leave the hub running")
    arguments = parser.parse_args()
    started = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="comity-demo-") as folder:
        stage = Stage(Path(folder))
        try:
            play(stage)
            tell(f"Done in {time.monotonic() - started:.0f} seconds. Try next:")
            show(".venv/bin/comity --help        what an agency's officer or system can do")
            show(".venv/bin/comity-hub --help    what whoever runs a hub can do")
            show("README.md                      a first notice by hand")
            if arguments.serve:
                tell(f"The hub serves {stage.address} until Ctrl+C. Use the agencies with")
                home = stage.folder / "agencies"
                show(f"COMITY_HOME={home} .venv/bin/comity status -p BR-NCB")
                signal.sigwait({signal.SIGINT, signal.SIGTERM})
        finally:
            stage.stop_hub()


if __name__ == "__main__":
    main()
