"""What is known of whoever answers a call: who keeps there, goes on from ids of its own, speaks this dialect."""

from __future__ import annotations

from gateway import Exchange, Route

from ..members import NAME


def upstream_keeps(route: Route) -> bool:
    """Whether whoever answers keeps the response itself, and is the only one who may."""
    if not route.targets[0].quirks.keeps_responses:
        return False
    return route.domains == 1 and all(
        target.quirks.keeps_responses and target.provider.dialects and NAME in target.provider.dialects
        for target in route.targets
    )


def knows_others(route: Route) -> bool:
    """Whether an id that is not kept here may be one of whoever answers, and of this caller: where the caller's own key
    is used, and where the upstream has state of which nothing is known here, so that its ids are all that it takes.
    """
    return all(
        "apiKey" in target.provider.user_provides
        or target.provider.continues
        or (NAME in target.provider.dialects and not target.quirks.keeps_responses)
        for target in route.targets
    )


def runs_tools(route: Route) -> bool:
    """Whether who answers may have tools of its own."""
    return any(target.provider.runs for target in route.targets)


def goes_on(route: Route) -> bool:
    """Whether who answers goes on from ids of its own, which its client is to have then."""
    return any(target.provider.continues for target in route.targets)


def passes_unasked(exchange: Exchange) -> bool:
    """Whether nothing is asked of who keeps, and whoever answers speaks this dialect: its reply is left as it comes."""
    route, envelope = exchange.route, exchange.envelope
    assert route is not None
    if envelope.state_ids or envelope.background or exchange.memory is not None:
        return False
    return speaks(route)


def speaks(route: Route) -> bool:
    """Whether all that may answer speak this dialect."""
    return all(NAME in target.provider.dialects for target in route.targets)


def may_keep(route: Route) -> bool:
    """Whether someone who answers, or is asked for that, may speak this dialect and so keep what nobody forbids."""
    return any(NAME in target.provider.dialects or not target.provider.dialects for target in route.targets)


def domains(route: Route) -> set[str]:
    return {target.state_domain for target in route.targets}
