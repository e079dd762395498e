"""What may go wrong with PostgreSQL: the database's failures, which pass, and the fault of a statement's values."""

from __future__ import annotations

import asyncpg

from gateway import StartupError, Unavailable

FAULTS = (asyncpg.DataError, asyncpg.IntegrityConstraintViolationError, asyncpg.ProgramLimitExceededError)
"""Others in their place would have been taken; the connection is as good as before."""
FAILURES = (asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError, OSError, TimeoutError)
"""The driver's own confusion is among them: a server that dies while it is spoken to brings it about."""
STARTING = (OSError, TimeoutError, asyncpg.CannotConnectNowError, asyncpg.TooManyConnectionsError)
"""What a database says that is about to be there."""
_TODO = {
    asyncpg.InvalidAuthorizationSpecificationError: "Mend the user or password in gateway.store.url, or pg_hba.conf.",
    asyncpg.InvalidCatalogNameError: "Make it (createdb -E UTF8), or mend gateway.store.url.",
    asyncpg.InsufficientPrivilegeError: "Let the user in gateway.store.url own the database, or grant it that.",
    asyncpg.SyntaxOrAccessError: (
        "There are tables that are not the gateway's. Give it a database of its own, or a schema: "
        "?search_path=gateway at the end of gateway.store.url"
    ),
    asyncpg.LockNotAvailableError: (
        "Another migration runs, or a program holds the tables. Wait until it has ended, then try again."
    ),
}


def unavailable(cause: BaseException) -> Unavailable:
    error = Unavailable("The store cannot be reached at the moment; try again.", retry_after=1.0)
    error.__cause__ = cause
    return error


def told(cause: BaseException | None) -> str:
    """For operators: what the driver says, or what it is where it says nothing."""
    if isinstance(cause, TimeoutError):
        return "it does not answer in time"
    return f"{cause}" or type(cause).__name__


def refusal(cause: BaseException, where: str) -> StartupError:
    """What stops a start or a migration, and what to do."""
    todo = next((todo for kind, todo in _TODO.items() if isinstance(cause, kind)), None)
    return StartupError(f"{where}: {told(cause)}. {todo or 'Start PostgreSQL, or mend gateway.store.url.'}")
