"""A real Keycloak on loopback, from what `make keycloak` has fetched and built, for one session."""

from __future__ import annotations

import os
import signal
import socket
import ssl
import subprocess
import time
import urllib.request
from contextlib import AbstractAsyncContextManager, suppress
from pathlib import Path

from keycloak import KeycloakAdmin

from deploy.stage import ROOT, Stage
from hub.identity.keycloak.connection import Administrator, KeycloakLine
from hub.identity.keycloak.realm import Realm
from hub.keycloak_files import keycloak_line
from hub.settings import Settings, load_settings

HOME = ROOT / "build" / "keycloak" / "home"
ADMINISTRATOR, PASSWORD = "administrator", "a sample password"
START_SECONDS = 200  # ten on an idle machine
HEAP = "-Xms128m -Xmx512m"


def lasting_port() -> int:
    """A free port that the system hands to nobody else while Keycloak takes its time to start."""
    for port in range(20_000 + os.getpid() % 5_000, 30_000):
        with socket.socket() as listener, suppress(OSError):
            listener.bind(("127.0.0.1", port))
            return port
    raise AssertionError("no port is free")


class KeycloakServer:
    """Serves with a certificate of a hub's authority, and asks for its agencies' certificates."""

    def __init__(self, stage: Stage, folder: Path) -> None:
        self.stage = stage
        self.folder = folder
        self.port = lasting_port()
        self.url = f"https://localhost:{self.port}"
        self.issuer = f"{self.url}/realms/comity"
        self._process: subprocess.Popen[bytes] | None = None

    def set_up(self) -> None:
        """What an operator does: a table in hub.toml, options, a start, the setup."""
        with (self.stage.folder / "hub" / "hub.toml").open("a") as settings:
            settings.write(f'\n[keycloak]\nissuer = "{self.issuer}"\n')
        self.stage.hub("keycloak", "setup", "--options-only")
        self.start()
        self.run_setup()

    def run_setup(self) -> str:
        """Runs the setup as the command line has it; gives what it says."""
        password = self.folder / "password"
        password.touch(mode=0o600)
        password.write_text(f"{PASSWORD}\n")
        return self.stage.hub(
            "keycloak",
            "setup",
            "--administrator",
            ADMINISTRATOR,
            "--password-file",
            str(password),
        )

    @property
    def settings(self) -> Settings:
        """The hub's."""
        return load_settings(self.stage.folder / "hub")

    @property
    def realm(self) -> Realm:
        """The realm as the hub's configuration has it."""
        realm = self.settings.keycloak
        assert realm is not None
        return realm

    @property
    def line(self) -> KeycloakLine:
        """How the hub reaches it."""
        return keycloak_line(self.settings)

    def administration(self) -> AbstractAsyncContextManager[KeycloakAdmin]:
        """The realm, as Keycloak's administrator changes it."""
        return self.line.as_administrator(Administrator(ADMINISTRATOR, PASSWORD))

    async def add_user(self, name: str, *groups: str) -> None:
        """A user with the sample password, in some agencies' groups."""
        async with self.administration() as admin:
            user = {
                "username": name,
                "enabled": True,
                "firstName": "Sample",
                "lastName": "Example",
                "email": f"{name}@police.example",
                "credentials": [{"type": "password", "value": PASSWORD, "temporary": False}],
            }
            user_id = await admin.a_create_user(user)
            for agency in groups:
                group = await admin.a_get_group_by_path(f"/agencies/{agency}")
                await admin.a_group_user_add(user_id, group["id"])

    def start(self) -> None:
        """Starts it, with what `comity-hub keycloak setup --options-only` wrote."""
        options = (self.stage.folder / "hub" / "keycloak" / "keycloak.conf").read_text()
        (self.folder / "keycloak.conf").write_text(f"{options}\n{self._options()}")
        environment = {
            **os.environ,
            "JAVA_OPTS_KC_HEAP": HEAP,
            "KC_BOOTSTRAP_ADMIN_USERNAME": ADMINISTRATOR,
            "KC_BOOTSTRAP_ADMIN_PASSWORD": PASSWORD,
        }
        command = [str(HOME / "bin" / "kc.sh"), "-cf", str(self.folder / "keycloak.conf")]
        with (self.folder / "keycloak.log").open("ab") as log:
            self._process = subprocess.Popen(
                [*command, "start", "--optimized"],
                env=environment,
                stdout=log,
                stderr=log,
                start_new_session=True,  # its script starts Java, and both have to end
            )
        self._wait()

    def stop(self) -> None:
        """Stops it; its users and sessions stay in its database."""
        if self._process is not None:
            os.killpg(self._process.pid, signal.SIGTERM)
            self._process.wait(START_SECONDS)
            self._process = None

    def context(self) -> ssl.SSLContext:
        """What a browser has: the authority, and no certificate of its own."""
        return ssl.create_default_context(cafile=str(self.stage.folder / "hub" / "ca.pem"))

    def _options(self) -> str:
        """What is this machine's own: address, database, and a cluster of one."""
        database = f"jdbc:h2:file:{self.folder / 'database'};NON_KEYWORDS=VALUE"
        values = {
            "cache": "local",
            "db-url": database,
            "http-host": "127.0.0.1",
            "https-port": str(self.port),
        }
        return "".join(f"{name}={value}\n" for name, value in values.items())

    def _wait(self) -> None:
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            assert self._process is not None
            if self._process.poll() is not None:
                break
            try:
                with urllib.request.urlopen(self.url, context=self.context(), timeout=5):
                    return
            except OSError:
                time.sleep(0.25)
        raise AssertionError((self.folder / "keycloak.log").read_text(errors="replace"))
