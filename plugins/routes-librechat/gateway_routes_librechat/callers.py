"""Who calls."""

from __future__ import annotations

from gateway import Forbidden, Principal


def user_of(principal: Principal) -> str:
    """Raises Forbidden where it is nobody: what is kept belongs to somebody."""
    if not principal.user_id:
        raise Forbidden("This credential belongs to no user, so nothing can be kept for it.")
    return principal.user_id
