"""Where AWS's own tools would find keys that stand in no variable, in their order.

A role that the profile assumes; a web identity; the profile's own keys, program or sign-in; the container; the
instance. Source: AWS SDKs and Tools Reference Guide, "Standardized credential providers"; botocore's order.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path

from gateway import Services, Settings

from . import instance
from .container import Container
from .instance import Instance
from .profiles import Profile, load
from .program import Program
from .roles import SESSION, Role, TokenService
from .sigv4 import Keys
from .temporary import Fetch, Held

TOKEN_FILE, ROLE, ROLE_SESSION = "AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_ROLE_ARN", "AWS_ROLE_SESSION_NAME"
SERVICE = "the token service, for a role"
Source = Keys | Held


class Chain:
    """region: whose token service is asked for roles. environment: keys of AWS's variables, where they are set.

    system: Linux's `/sys`.
    """

    def __init__(
        self,
        settings: Settings,
        services: Services,
        region: str,
        environment: Callable[[], Keys | None],
        system: Path = instance.SYSTEM,
    ) -> None:
        self._settings = settings
        self._upstream = services.upstream
        self._clock: Callable[[], float] = services.clock
        self._log: logging.Logger = services.log
        self._region = region
        self._environment = environment
        self._system = system

    def find(self, profile: Profile) -> Source | None:
        """None where there is nothing. Raises Unusable where something cannot be used."""
        if profile.assumes:
            return self.of(profile)
        return self._identity() or self.of(profile) or self._container() or self._instance()

    def of(self, profile: Profile, above: tuple[str, ...] = ()) -> Source | None:
        """What the profile alone says; None where it says nothing of keys. above: profiles that lead here."""
        if profile.assumes and profile.name not in above:
            return self._assumed(profile, (*above, profile.name))
        if file := profile.get("web_identity_token_file"):
            return self._by_token(Role(profile.get("role_arn"), profile.get("role_session_name") or SESSION), file)
        if keys := profile.keys():
            return keys
        if command := profile.get("credential_process"):
            return self._program(profile, command)
        profile.refuse_sign_in()
        return None

    def _held(self, fetch: Fetch, where: str) -> Held:
        return Held(fetch, where, self._clock, self._log)

    def _assumed(self, profile: Profile, above: tuple[str, ...]) -> Held:
        if profile.get("mfa_serial"):
            raise profile.wrong("assumes a role by a code that somebody has to type (mfa_serial)")
        source = self._source(profile, above)

        async def keys() -> Keys:
            return source if isinstance(source, Keys) else await source.keys()

        service = TokenService.of(self._settings, self._region, self._upstream, self._clock)
        role = Role(
            profile.get("role_arn"),
            profile.get("role_session_name") or SESSION,
            profile.get("external_id"),
            profile.get("duration_seconds"),
        )
        return self._held(service.by_keys(role, keys), SERVICE)

    def _source(self, profile: Profile, above: tuple[str, ...]) -> Source:
        """Whose keys assume the profile's role."""
        if named := profile.get("source_profile"):
            return self._of_other(named, profile, above)
        where = profile.get("credential_source")
        found = self._named_source(where)
        if found is None:
            raise profile.wrong(f"assumes a role by keys that are not there (credential_source {where})")
        return found

    def _of_other(self, named: str, profile: Profile, above: tuple[str, ...]) -> Source:
        """A profile may name itself: its own keys assume its role."""
        if named in above and named != profile.name:
            raise profile.wrong("assumes a role by a profile that leads back to it")
        found = self.of(load(named, self._settings), above)
        if found is None:
            raise profile.wrong(f'assumes a role by the profile "{named}", which has no keys')
        return found

    def _named_source(self, where: str) -> Source | None:
        if where == "Environment":
            return self._environment()
        if where == "EcsContainer":
            return self._container()
        return self._metadata() if where == "Ec2InstanceMetadata" else None

    def _identity(self) -> Held | None:
        file, arn = self._settings.env(TOKEN_FILE), self._settings.env(ROLE)
        if not file or not arn:
            return None
        return self._by_token(Role(arn, self._settings.env(ROLE_SESSION) or SESSION), file)

    def _by_token(self, role: Role, file: str) -> Held:
        service = TokenService.of(self._settings, self._region, self._upstream, self._clock)
        return self._held(service.by_token(role, file), SERVICE)

    def _program(self, profile: Profile, command: str) -> Held:
        try:
            program = Program(command)
        except ValueError as error:
            raise profile.wrong("has a credential_process that is no command") from error
        return self._held(program.fetch, "the profile's program")

    def _container(self) -> Held | None:
        found = Container.of(self._settings, self._upstream)
        return None if found is None else self._held(found.fetch, "the container's endpoint for keys")

    def _instance(self) -> Held | None:
        return self._metadata() if instance.is_likely(self._settings, self._system) else None

    def _metadata(self) -> Held | None:
        found = Instance.of(self._settings, self._upstream)
        return None if found is None else self._held(found.fetch, "the instance's metadata")
