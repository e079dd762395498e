"""What the commands show of accounts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from msgspec import Struct

from gateway import Store
from gateway.ledger import Account
from gateway.money import credits_of, in_words

USER = "user:"


class AccountShown(Struct, frozen=True):
    """user: the id; name: "" for who is not among the store's users. credits: what is available. The rest: nano-USD."""

    owner: str
    user: str
    name: str
    credits: int | float
    available: int
    held: int
    spent: int
    granted: int

    @classmethod
    def of(cls, account: Account, names: Mapping[str, str]) -> AccountShown:
        user = account.owner.removeprefix(USER) if account.owner.startswith(USER) else ""
        parts = (account.available, account.held, account.spent, account.granted)
        return cls(account.owner, user, names.get(user, ""), credits_of(account.available), *parts)

    @property
    def row(self) -> Sequence[str]:
        parts = (self.available, self.held, self.spent, self.granted)
        return [self.name or self.user or self.owner, *(in_words(part).removesuffix(" credits") for part in parts)]


async def names_of(store: Store) -> Mapping[str, str]:
    return {user.id: user.name for user in await store.users.list()}
