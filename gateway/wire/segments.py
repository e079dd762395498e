"""segment: a name as one part of a URL's path, which it cannot leave."""

from __future__ import annotations

import re
from urllib.parse import quote

from ..errors import BadCall

_LEADS_AWAY = re.compile(r"(?:.*[/\\])?\.{0,2}(?:[/\\].*)?", re.DOTALL)


def segment(name: str, safe: str = "") -> str:
    """A name as one part of a URL's path, encoded so that it stays one. Raises ValueError where no encoding does that.

    safe: characters that stay as they are. Servers take `..` for a step up in any encoding, some even behind `%2F`.
    """
    if _LEADS_AWAY.fullmatch(name):
        raise ValueError("it is empty, or has a part in it that is empty, `.` or `..`")
    return quote(name, safe=safe, errors="replace")


def model_segment(model: str, safe: str = "") -> str:
    """The same of a model that a caller named. Raises BadCall."""
    try:
        return segment(model, safe)
    except ValueError as error:
        raise BadCall("The model's name cannot be part of a URL.", param="model", code="invalid_value") from error
