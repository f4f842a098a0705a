"""The reviewers' commands, and what an originator's and an addressee's officers see of reviews."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from agency_client.cli.secrets import NEW_PASSWORD_FILE_VARIABLE, PASSWORD_FILE_VARIABLE
from deploy.stage import EXAMPLES
from tests.integration.desk import PASSWORD, last_word
from tests.stages import Stage

RED = str(EXAMPLES / "notice-red.json")


class Bench:
    """A hub that reviews, and its reviewers, who share a machine."""

    def __init__(self, folder: Path) -> None:
        self.stage = Stage(folder, reviews=True)
        self.own = f"{folder}/hub/agency/"
        for agency in ("FR-NCB", "BR-NCB"):
            self.stage.admit(agency)
        self.stage.environment["PYTHON_KEYRING_BACKEND"] = "keyring.backends.fail.Keyring"
        self._one_time = {name: self._add(name, country) for name, country in REVIEWERS.items()}
        self.stage.start_hub()

    def _add(self, name: str, country: str) -> str:
        who = ("--name", f"Sample {name.title()}", "--nationality", country)
        return last_word(self.stage.hub("officer", "add", name, *who, "--role", "hub-reviewer"))

    def log_in(self, name: str) -> None:
        """A reviewer sits down; the first time with the one-time password."""
        one_time = self._one_time.pop(name, None)
        self._secret(PASSWORD_FILE_VARIABLE, one_time or PASSWORD)
        self.stage.comity(self.own, "login", name)
        if one_time is not None:
            self._secret(NEW_PASSWORD_FILE_VARIABLE, PASSWORD)
            self.stage.comity(self.own, "password")

    def _secret(self, variable: str, text: str) -> None:
        path = self.stage.folder / f"{variable}.txt"
        path.touch(0o600)
        path.write_text(text + "\n", encoding="utf-8")
        self.stage.environment[variable] = str(path)

    def review(self, *arguments: str, expected: int = 0) -> str:
        """A command of the reviewer who is logged in."""
        done = self.stage.run(self.own, "review", *arguments, expected=expected)
        return done.stdout + done.stderr

    def submit(self) -> str:
        """A RED notice of France's; gives its id."""
        sent = self.stage.comity("FR-NCB", "notice", "submit", RED, "--to", "BR")
        return sent.split()[0]

    def review_ids(self) -> dict[str, str]:
        """What waits: the reviews' ids by their notices'."""
        waiting = self.stage.documents(self.own, "review", "list")
        return {one["noticeId"]: one["reviewId"] for one in waiting}

    def heard(self, agency: str, states: dict[str, str]) -> bool:
        """Runs an agency's `comity run` until its own notices are seen to stand so."""
        with self.stage.background(agency, "run") as running:
            try:
                while self.own_states() != states:
                    time.sleep(0.1)
            finally:
                running.terminate()
        return True

    def own_states(self) -> dict[str, str]:
        """How France's own notices stand, by `notice list --own`."""
        listed = self.stage.documents("FR-NCB", "notice", "list", "--own", "--all")
        return {one["noticeId"]: one["state"] for one in listed}


REVIEWERS = {"dora": "DE", "kito": "KE", "bia": "BR"}


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    made = Bench(tmp_path)
    yield made
    made.stage.stop_hub()


def test_reviewers_take_show_and_decide_by_commands(bench: Bench) -> None:
    good, poor, bad = bench.submit(), bench.submit(), bench.submit()
    bench.log_in("dora")
    ids = bench.review_ids()
    taken = bench.review("take", ids[good])
    shown = bench.review("show", ids[good])
    bench.review("decide", ids[good], "publish", "--comment", "in order")
    returned = bench.review(
        "decide", ids[poor], "return", "--element", "warrants[0].number=is illegible"
    )
    groundless = bench.review("decide", ids[bad], "refuse", expected=2)
    refusal = ("decide", ids[bad], "refuse", "--ground", "disproportionate")
    bench.review(*refusal)
    waiting = bench.own_states()
    early = bench.stage.run("BR-NCB", "notice", "show", good, "--from", "FR-NCB", expected=1)
    bench.log_in("bia")
    barred = bench.review("list")
    unseen = bench.review("show", ids[good], expected=1)
    bench.log_in("kito")
    bench.review(*refusal)
    done = bench.review("decide", ids[good], "publish")
    figures = bench.review("statistics")

    assert set(waiting.values()) == {"IN_REVIEW"}
    assert "looked at by Sample Dora" in taken
    assert "Ana Sample EXAMPLE" in shown
    assert "To be asked, as no program can answer it:" in shown
    assert "1 of 2 decided" in returned
    assert "--ground" in groundless
    assert "Sample EXAMPLE" not in early.stdout
    assert "not yours: subjects nationality" in barred
    assert "REVIEWER_BARRED" in unseen
    assert "2 of 2 decided" in done
    assert "nothing that may be told" in figures
    _require_seen_by_members(bench, good, poor, bad)


def _require_seen_by_members(bench: Bench, good: str, poor: str, bad: str) -> None:
    stage = bench.stage
    out = stage.comity("BR-NCB", "notice", "show", good, "--from", "FR-NCB")
    asked = stage.comity("FR-NCB", "notice", "show", poor, "--hub")
    refused = stage.comity("FR-NCB", "notice", "show", bad, "--hub")

    assert bench.heard("FR-NCB", {good: "IN_FORCE", poor: "RETURNED", bad: "REFUSED"})
    assert "Ana Sample EXAMPLE" in out
    assert "warrants[0].number: is illegible" in asked
    assert "disproportionate" in refused
