"""A PostgreSQL server of one's own, on loopback and in a temporary folder, for tests that also stop and freeze it."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType

from .servers import free_port

USER, LOCKED, PASSWORD = "gateway", "locked", "correct horse"
"""USER comes in without a password; LOCKED needs one."""
SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "fsync": "off",  # the tests kill processes, not machines
    "shared_buffers": "16MB",
    "dynamic_shared_memory_type": "mmap",  # in its folder, so that nothing is left where it was killed
    "max_wal_size": "128MB",
    "max_connections": "200",
    "deadlock_timeout": "100ms",
}
_ACCESS = f"""
host all {LOCKED} 127.0.0.1/32 scram-sha-256
host all all 127.0.0.1/32 trust
"""
_PLACES = ("/usr/lib/postgresql/*/bin", "/usr/pgsql-*/bin", "/opt/homebrew/opt/postgresql*/bin", "/usr/local/pgsql/bin")


def binaries() -> Path | None:
    """The folder of `initdb` and `postgres`, of the newest version outside of PATH; None where there is none."""
    found = shutil.which("initdb")
    folders = [Path(found).resolve().parent] if found else []
    folders += [folder for place in _PLACES for folder in sorted(Path("/").glob(place[1:]), reverse=True)]
    return next((folder for folder in folders if (folder / "postgres").exists()), None)


class PostgresServer:
    """A context manager. url: of the database `postgres`, as its owner. Where we are root it runs as another user, the
    owner of its files.

    folder: of its programs. durable: on a disk, and what is committed outlasts the machine's end, too.
    """

    def __init__(self, folder: Path, durable: bool = False) -> None:
        self._binaries = folder
        self._settings = SETTINGS | {"fsync": "on"} if durable else SETTINGS
        self._directory = Path(tempfile.mkdtemp(prefix="gateway-postgres-", dir=None if durable else _memory()))
        self.owner = _owner()
        self._process: subprocess.Popen[bytes] | None = None
        self._made = 0
        self.port = free_port()

    def __enter__(self) -> PostgresServer:
        try:
            if self.owner is not None:
                shutil.chown(self._directory, self.owner)
            self._run("initdb", "-D", self._data, "-U", USER, "-E", "UTF8", "--locale=C", "--no-sync", "-A", "trust")
            (Path(self._data) / "pg_hba.conf").write_text(_ACCESS)
            self.start()
            self.sql(f"CREATE ROLE {LOCKED} LOGIN PASSWORD '{PASSWORD}'")
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
        shutil.rmtree(self._directory, ignore_errors=True)

    @property
    def url(self) -> str:
        return self.url_of("postgres")

    def url_of(self, database: str, user: str = USER) -> str:
        return f"postgresql://{user}@127.0.0.1:{self.port}/{database}"

    @property
    def runs(self) -> bool:
        return self._process is not None

    def start(self) -> None:
        """And wait until it answers; on the same port and files as before."""
        settings = [word for name, value in self._settings.items() for word in ("-c", f"{name}={value}")]
        with open(self._directory / "log", "ab") as log:
            self._process = subprocess.Popen(
                [self._binaries / "postgres", "-D", self._data, "-p", str(self.port), *settings],
                stdout=log,
                stderr=log,
                cwd="/",
                user=self.owner,
            )
        deadline = time.monotonic() + 30
        while self._call("pg_isready", "-q", "-h", "127.0.0.1", "-p", str(self.port)).returncode:
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"PostgreSQL did not start:\n{(self._directory / 'log').read_text()}")
            time.sleep(0.02)

    def stop(self, number: int = signal.SIGINT) -> None:
        """At once, its clients are cut off; with SIGQUIT as if it had crashed. Any number of times, frozen or not."""
        if self._process is not None:
            self.thaw()
            self._process.send_signal(number)
            self._process.wait(30)
            self._process = None

    def freeze(self) -> None:
        """It takes connections and answers nothing."""
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self._signal(signal.SIGCONT)

    def sql(self, text: str, database: str = "postgres") -> str:
        """What psql prints: a line a row, columns parted by `|`. Several statements are one transaction."""
        return self._run(*_psql(text, self.url_of(database)))

    def running(self, text: str, database: str = "postgres") -> subprocess.Popen[bytes]:
        """The same beside the test, which ends it."""
        program, *words = _psql(text, self.url_of(database))
        return subprocess.Popen([self._binaries / program, *words], stdout=subprocess.DEVNULL, cwd="/", user=self.owner)

    def create(self, template: str = "template0", more: str = "") -> str:
        """A new database's name. more: further words of CREATE DATABASE."""
        self._made += 1
        name = f"test_{self._made}"
        self.sql(f"CREATE DATABASE {name} TEMPLATE {template} {more}")
        return name

    def drop(self, database: str) -> None:
        """Whoever uses it."""
        self.sql(f"DROP DATABASE {database} WITH (FORCE)")

    @property
    def _data(self) -> str:
        return str(self._directory / "data")

    def _run(self, *words: str) -> str:
        ended = self._call(*words)
        if ended.returncode:
            raise RuntimeError(f"{words[0]} failed: {ended.stderr}{ended.stdout}")
        return ended.stdout.strip()

    def _call(self, program: str, *words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [self._binaries / program, *words], capture_output=True, text=True, cwd="/", user=self.owner, check=False
        )

    def _signal(self, number: int) -> None:
        for pid in self._pids():
            with suppress(ProcessLookupError):  # some end by themselves
                os.kill(pid, number)

    def _pids(self) -> Iterator[int]:
        """The server's processes, the one that starts the others first."""
        if self._process is None:
            return
        yield self._process.pid
        listed = subprocess.run(["ps", "-A", "-o", "pid=,ppid="], capture_output=True, text=True, check=True).stdout
        yield from _children(self._process.pid, [line.split() for line in listed.splitlines()])


def _psql(text: str, url: str) -> list[str]:
    return ["psql", "-X", "-q", "-t", "-A", "-v", "ON_ERROR_STOP=1", "-c", text, url]


def _children(parent: int, rows: Sequence[Sequence[str]]) -> list[int]:
    return [int(pid) for pid, of in rows if int(of) == parent]


def _memory() -> Path | None:
    """A folder in memory, where a database is made ten times as fast; None where there is none with room."""
    folder = Path("/dev/shm")
    roomy = os.access(folder, os.W_OK) and shutil.disk_usage(folder).free > 2**30
    return folder if roomy else None


def _owner() -> str | None:
    """Whom root runs it as, for it refuses root; None for oneself."""
    if os.getuid() != 0:
        return None
    names = {entry.pw_name for entry in pwd.getpwall()}
    return "postgres" if "postgres" in names else "nobody"
