"""/api/admin/balances and /api/admin/audit: what `gateway balance` and `gateway audit` do."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Annotated, Literal

from msgspec import Meta, Struct

from gateway import BadCall, RouteSpec, Services, Settings, Store, Terms, Unavailable
from gateway.admin import Asking, Listed, Nothing, Paged, changing, cursor_of, place_of, reading
from gateway.ledger import Audit
from gateway.money import terms_of

from .commands import Given, give, ledger_of, positive
from .shown import USER, AccountShown

IDEMPOTENCY = "Idempotency-Key"
LONGEST_KEY = 200


class GrantAsked(Struct, frozen=True, forbid_unknown_fields=True):
    """add: so many credits more. set: so many credits available, whatever there were. reason: kept in the journal."""

    kind: Literal["add", "set"]
    credits: int | float
    reason: Annotated[str, Meta(min_length=1, max_length=500)]


class BalanceAdmin:
    """clock: epoch seconds."""

    def __init__(self, store: Store | None, terms: Terms, clock: Callable[[], float]) -> None:
        self._store = store
        self._terms = terms
        self._clock = clock

    async def list(self, asking: Asking[Paged, None]) -> Listed[AccountShown]:
        store, asked = self._kept(), asking.query
        page = await ledger_of(store).account_page(asked.limit, place_of(asked.cursor, str) or "", USER)
        users = [await store.users.get(account.owner.removeprefix(USER)) for account in page.items]
        names = {user.id: user.name for user in users if user is not None}
        found = [AccountShown.of(account, names) for account in page.items]
        return Listed(found, None if page.next is None else cursor_of(page.next))

    async def give(self, asking: Asking[Nothing, GrantAsked]) -> AccountShown:
        """Once for each key, however often it is asked for; tells what the account has now."""
        asked, key = asking.body, _key(asking.headers.get(IDEMPOTENCY.lower(), ""))
        try:
            amount = positive(asked.credits)
        except ValueError as error:
            raise BadCall(f"{error}.", param="credits") from error
        given = Given(asked.kind, amount, asked.reason, key, asking.principal.user_id)
        return await give(self._kept(), self._terms, asking.params["user"], given)

    async def audit(self, asking: Asking[Nothing, None]) -> Audit:
        return await ledger_of(self._kept()).audit(self._clock())

    def _kept(self) -> Store:
        if self._store is None:
            raise Unavailable("There is no store here that keeps a ledger; install plugins/store-sql.")
        return self._store


def _key(text: str) -> str:
    """Raises BadCall: without one, a request that is sent again would pay twice."""
    if not text.strip():
        words = (
            f"The header {IDEMPOTENCY} is missing: name this grant by a text of your own, as a UUID, and send the same"
        )
        raise BadCall(f"{words} when you send it again.", param=IDEMPOTENCY)
    if len(text) > LONGEST_KEY or not text.isprintable():
        raise BadCall(f"{IDEMPOTENCY} must be printable and of at most {LONGEST_KEY} characters.", param=IDEMPOTENCY)
    return text


def admin_routes(settings: Settings, services: Services) -> Sequence[RouteSpec]:
    admin = BalanceAdmin(services.store, terms_of(settings) or Terms(), services.clock)
    give_, headers = "Add to what a user has, or set it", (IDEMPOTENCY,)
    return [
        reading("/balances", admin.list, "All balances of users, by their ids", Paged, Listed[AccountShown]),
        changing("POST", "/balances/{user}", admin.give, give_, GrantAsked, AccountShown, headers=headers),
        reading("/audit", admin.audit, "Every balance derived again from the journal", Nothing, Audit),
    ]
