"""The dialect's name, and names of models: `models/ID`, `tunedModels/ID` or the id alone."""

from __future__ import annotations

from gateway.wire.segments import model_segment

NAME = "gemini"
MODELS = "models/"
GENERATE, STREAM, COUNT = "generateContent", "streamGenerateContent", "countTokens"
_TUNED = "tunedModels/"


def plain(name: str) -> str:
    """The id as other dialects write it; one `models/` goes, since an id may begin so itself."""
    return name.removeprefix(MODELS) or name


def resource(name: str) -> str:
    return name if name.startswith((MODELS, _TUNED)) else MODELS + name


def path(model: str, verb: str) -> str:
    """Below the base URL. Slashes within the id are encoded: they are no part of the path. Raises BadCall."""
    kind, _, name = resource(model).partition("/")
    return f"/{kind}/{model_segment(name, safe='@')}:{verb}"


def verb(operation_path: str) -> str:
    return operation_path.rpartition(":")[2]
