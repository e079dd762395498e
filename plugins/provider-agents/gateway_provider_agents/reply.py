"""Reply: what the agents of one run have in common, since it is one reply that they give."""

from __future__ import annotations

from dataclasses import dataclass, field

from .bounds import Tally
from .stage import Stage
from .turn import Names


@dataclass(slots=True)
class Reply:
    """begun: whether the client was told that there is one."""

    names: Names
    stage: Stage
    tally: Tally = field(default_factory=Tally)
    begun: bool = False

    def beside(self) -> Reply:
        """Of one of several agents that go on at once; what it holds is told on this one's stage later."""
        return Reply(self.names, self.stage.inner(), self.tally)
