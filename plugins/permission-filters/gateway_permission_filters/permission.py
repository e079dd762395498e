"""FiltersPermission: looks through the texts of a call before anything of it goes upstream."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterable, Sequence

import msgspec

from gateway import Attempt, BadCall, Exchange, Lease, Permission

from .fragments import Fragment, fragments, has_file, of_json
from .patterns import Pattern
from .policies import Policy

Audited = tuple[str, str, str, str]
"""Source, field, and the id and label of a pattern."""


class FiltersPermission(Permission):
    scope = "exchange"

    def __init__(self, policies: Sequence[Policy], refuses_files: bool, log: logging.Logger) -> None:
        self._policies = tuple(policies)
        self._refuses_files = refuses_files
        self._log = log

    async def check(self, exchange: Exchange, attempt: Attempt | None) -> Lease | None:
        """Raises BadCall, naming what was found and quoting nothing."""
        kind = exchange.inbound.operation.kind
        if kind == "media":
            self._inspect(exchange.id, of_json(_json(exchange)))
        elif kind in ("generate", "count"):
            call = exchange.dialect.decode(exchange.inbound)
            if self._refuses_files and has_file(call):
                raise BadCall(
                    "Submitted file content could not be inspected before processing.",
                    code="content_filter_uninspectable",
                )
            self._inspect(exchange.id, fragments(call))
        return None

    def _inspect(self, exchange: str, found: Iterable[Fragment]) -> None:
        """Each text once by each policy; audits are counted, so that a call makes few lines in the log."""
        audited: Counter[Audited] = Counter()
        seen: set[tuple[int, str]] = set()
        try:
            for fragment in found:
                for number, policy in enumerate(self._policies):
                    if not policy.looks_at(fragment) or (number, fragment.text) in seen:
                        continue
                    seen.add((number, fragment.text))
                    pattern = policy.finding(fragment.text)
                    if pattern is not None and policy.audits:
                        audited[fragment.source, fragment.fields[0], pattern.id, pattern.label] += 1
                    elif pattern is not None:
                        raise _refusal(policy, pattern)
        finally:
            for (source, field, name, label), times in audited.items():
                self._log.warning(
                    "filters.%s: %s has a %s (%s) in %s, %d times; only audited",
                    *(source, exchange, label, name, field, times),
                )


def _refusal(policy: Policy, pattern: Pattern) -> BadCall:
    if policy.is_older:
        return BadCall(f"Message contains a {pattern.label}. Remove it and try again.", code="message_filter_pii_block")
    return BadCall(
        f"Submitted content contains a {pattern.label}. Remove it and try again.", code="content_filter_block"
    )


def _json(exchange: Exchange) -> object:
    """What is no JSON, as forms with files, is not looked into."""
    try:
        return msgspec.json.decode(exchange.inbound.body)
    except msgspec.DecodeError:
        return None
