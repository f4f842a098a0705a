"""`make demo`: a hub and three agencies on this machine, told as a story with real figures.

Everything runs in processes of its own and in a folder of its own, which is removed at the end.
`--serve` leaves the hub running until interrupted.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parents[1]
EXAMPLES = ROOT / "docs" / "examples"
DOMAIN = "hub.example"
AGENCIES = {
    "FR-NCB": "Sample bureau of France",
    "BR-NCB": "Sample bureau of Brazil",
    "KE-NCB": "Sample bureau of Kenya",
}
KILL_AFTER_SECONDS = 0.35  # in the middle of the import, on most machines
IS_TERMINAL = sys.stdout.isatty()


def bold(text: str) -> str:
    return f"\033[1m{text}\033[0m" if IS_TERMINAL else text


def tell(text: str) -> None:
    print(f"\n{bold(text)}", flush=True)


def show(text: str) -> None:
    for line in text.rstrip().splitlines():
        print(f"    {line}", flush=True)


class Stage:
    """The folder that the demo plays in."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        with socket.socket() as listener:
            listener.bind(("127.0.0.1", 0))
            self.address = f"127.0.0.1:{listener.getsockname()[1]}"
        self.environment = {
            **os.environ,
            "COMITY_HOME": str(folder / "agencies"),
            "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "proto")]),
        }
        self.serving: subprocess.Popen[str] | None = None

    def run(self, module: str, *arguments: str) -> str:
        done = subprocess.run(
            self.command(module, *arguments),
            env=self.environment,
            cwd=self.folder,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise SystemExit(f"{' '.join(arguments)} failed:\n{done.stdout}{done.stderr}")
        return done.stdout

    def command(self, module: str, *arguments: str) -> list[str]:
        return [sys.executable, "-c", f"from {module} import main; main()", *arguments]

    def hub(self, *arguments: str) -> str:
        return self.run("hub.cli", *arguments, "-f", str(self.folder / "hub"))

    def comity(self, agency: str, *arguments: str) -> str:
        return self.run("agency_client.cli", *arguments, "-p", agency)

    def background(self, agency: str, *arguments: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            self.command("agency_client.cli", *arguments, "-p", agency),
            env=self.environment,
            cwd=self.folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )

    def serve(self) -> None:
        with (self.folder / "hub.log").open("a") as log:
            self.serving = subprocess.Popen(
                self.command("hub.cli", "serve", "-f", str(self.folder / "hub")),
                env=self.environment,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            )
        if self.serving.stdout is not None:
            self.serving.stdout.readline()

    def end(self, number: signal.Signals) -> None:
        if self.serving is not None:
            self.serving.send_signal(number)
            self.serving.wait()
            self.serving = None


def play(stage: Stage) -> None:
    tell("1. A hub is made, and three agencies are admitted. No private key leaves its agency.")
    hub = ["--listen", stage.address, "--address", stage.address]
    stage.hub("init", "--domain", DOMAIN, *hub)
    for agency, name in AGENCIES.items():
        admit(stage, agency, name)
    stage.serve()
    show(stage.hub("agency", "list"))
    send_a_notice(stage)
    import_and_kill(stage)
    verify(stage)


def admit(stage: Stage, agency: str, name: str) -> None:
    at = ["--hub", stage.address, "--hub-domain", DOMAIN]
    stage.comity(agency, "init", agency, *at, "--name", name)
    application = stage.folder / "agencies" / agency / "application.json"
    admission = stage.folder / f"{agency}.admission.json"
    stage.hub("agency", "add", "--application", str(application), "--out", str(admission))
    stage.comity(agency, "join", str(admission))


def send_a_notice(stage: Stage) -> None:
    tell("2. France sends a red notice to all but Kenya, while Brazil watches.")
    watching = stage.background("BR-NCB", "notice", "watch", "--name", "demo", "--count", "1")
    time.sleep(1.0)
    receipt = stage.folder / "receipt.json"
    notice = str(EXAMPLES / "notice-red.json")
    rule = ["--to", "all", "--except", "KE"]
    show(stage.comity("FR-NCB", "notice", "submit", notice, *rule, "--receipt", str(receipt)))
    print("    Brazil sees:")
    show(watching.communicate(timeout=30)[0])
    stage.comity("BR-NCB", "notice", "watch", "--from-start", "--count", "1")
    print("    Kenya's list of notices:")
    show(stage.comity("KE-NCB", "notice", "list") or "(nothing)")


def import_and_kill(stage: Stage) -> None:
    tell("3. France imports a sanctions list of 39 (invented), and the hub is killed with kill -9.")
    list_file = str(EXAMPLES / "un-list-sample.xml")
    importing = stage.background("FR-NCB", "import", "un-list", list_file, "--to", "all")
    time.sleep(KILL_AFTER_SECONDS)
    stage.end(signal.SIGKILL)
    stage.serve()
    importing.communicate(timeout=60)
    show("killed and started again; the import is run once more and goes on where it was:")
    show(stage.comity("FR-NCB", "import", "un-list", list_file, "--to", "all"))
    stage.comity("KE-NCB", "notice", "watch", "--from-start", "--count", "39")
    held = stage.comity("KE-NCB", "notice", "list", "--json").splitlines()
    show(f"Kenya holds {len(held)} of 39 notices, each once, each verified.")
    if len({json.dumps(json.loads(line), sort_keys=True) for line in held}) != len(held):
        raise SystemExit("a notice was held twice")


def verify(stage: Stage) -> None:
    tell("4. Nobody has to believe the hub: an agency recomputes the ledger and checks a receipt.")
    show(stage.comity("KE-NCB", "ledger", "verify"))
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
            show("comity --help          what an agency's officer or system can do")
            show("comity-hub --help      what whoever runs a hub can do")
            show("README.md              a first notice by hand")
            if arguments.serve:
                tell(f"The hub serves {stage.address} until Ctrl+C. Use the agencies with")
                show(f"COMITY_HOME={stage.folder / 'agencies'} comity status -p BR-NCB")
                signal.sigwait({signal.SIGINT, signal.SIGTERM})
        finally:
            stage.end(signal.SIGTERM)


if __name__ == "__main__":
    main()
