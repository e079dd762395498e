"""A client's contents to messages.

Function calls may have no id: one is minted from the call's place, and results find their call by id, or by name and
order. Pieces of text and of thoughts that a client collected from a stream are put together again, be they parts of
one content or, as in Google's own chats, contents one after the other.
"""

from __future__ import annotations

from msgspec import Raw

from gateway import Block, Extra, Message, Opaque, Reasoning, Text, ToolCall, ToolResult
from gateway.call import Role
from gateway.wire import jsontext
from gateway.wire.members import FLAG, OBJECT, TEXT

from . import media, proofs
from .fields import Fields
from .ids import minted
from .names import NAME
from .proofs import SIGNATURE
from .waiting import Waiting

_RESULT_KEYS = ("result", "output")
_KINDS = ("text", "functionCall", "functionResponse", media.INLINE, media.BY_URI)
Result = Text | media.Media | Opaque


class ContentReader:
    """Reads a conversation from its first content on; remembers the calls that results refer to."""

    def __init__(self) -> None:
        self._waiting = Waiting()
        self._known: set[str] = set()
        self._turn: _Turn | None = None

    def read(self, at: int, fields: Fields) -> list[Message]:
        role = fields.take("role", TEXT) or "user"
        if role not in ("user", "model", "function", "tool"):
            raise fields.wrong("role", "must be user or model")
        parts = fields.each("parts")
        if role == "model":
            return self._model(parts, at, fields.given())
        self._turn = None
        return self._asked(parts, at, fields.given())

    def _model(self, parts: list[Fields], at: int, extra: Extra) -> list[Message]:
        """Nothing where it goes on with the content before it."""
        going_on = self._turn if not extra else None
        turn = self._turn = going_on or _Turn()
        for place, part in enumerate(parts):
            self._said(turn, part, at, place)
        return [] if going_on else [Message("assistant", turn.blocks, extra=extra)]

    def _asked(self, parts: list[Fields], at: int, extra: Extra) -> list[Message]:
        """Results and what else the user says, as messages of their own in this order."""
        found: list[Message] = []
        for place, part in enumerate(parts):
            result = self._result(part, at, place) if part.seen("functionResponse") is not None else None
            block = result or _block(part)
            if block is None:
                continue
            role: Role = "tool" if result else "user"
            if not found or found[-1].role != role:
                found.append(Message(role))
            found[-1].blocks.append(block)
        found = found or [Message("user")]
        found[0].extra = extra
        return found

    def _said(self, turn: _Turn, part: Fields, at: int, place: int) -> None:
        if part.seen("functionCall") is not None:
            turn.blocks.append(self._call(part, at, place))
        elif part.seen("functionResponse") is not None:
            turn.blocks.append(self._result(part, at, place))
        else:
            turn.add(part)

    def _call(self, part: Fields, at: int, place: int) -> ToolCall:
        fields = part.needed_inner("functionCall")
        given, name = fields.take("id", TEXT) or None, fields.need("name", TEXT)
        args = fields.raw("args")
        if args is not None:
            OBJECT.read(args, fields.at("args"))
        identity = given if given and given not in self._known else minted(f"{at}_{place}")
        self._known.add(identity)
        self._waiting.add(identity, name, given)
        proof = _proof(part, proofs.CALL)
        part.raw("thought")
        call = ToolCall(identity, name, bytes(args or b"{}").decode(), extra=part.others("functionCall", fields))
        call.proof = proof
        return call

    def _result(self, part: Fields, at: int, place: int) -> ToolResult:
        fields = part.needed_inner("functionResponse")
        given, name = fields.take("id", TEXT) or None, fields.take("name", TEXT) or ""
        identity = self._waiting.answered(given, name)
        blocks, is_error = _answer(fields.raw("response"), fields.at("response"))
        for inner in fields.each("parts"):
            block = _block(inner)
            if isinstance(block, Result):
                blocks.append(block)
        _proof(part, proofs.PART)
        result = ToolResult(identity or given or minted(f"{at}_{place}"), blocks, is_error)
        result.extra = part.others("functionResponse", fields)
        if identity is None:
            result.extra["functionResponse.name"] = jsontext.raw(name)
        return result


class _Turn:
    """What the model said, block by block."""

    def __init__(self) -> None:
        self.blocks: list[Block] = []

    def add(self, part: Fields) -> None:
        block = _block(part)
        last = self.blocks[-1] if self.blocks else None
        match block:
            case Opaque() if block.form == proofs.CALL and isinstance(last, ToolCall) and last.proof is None:
                last.proof = block
            case Opaque() if block.form == proofs.TEXT and isinstance(last, Text) and last.proof is None:
                last.proof = block
            case Text() if isinstance(last, Text) and not (last.proof or last.extra or block.extra):
                last.text, last.proof = _longer(last, block.text), block.proof
            case Reasoning() if isinstance(last, Reasoning) and not (last.proof or last.extra or block.extra):
                last.text, last.proof, last.summary = _longer(last, block.text), block.proof, block.summary
            case None:
                pass
            case Text("", extra, None) if last is not None and not extra:
                pass  # a stream's last piece, which SDKs keep
            case _:
                self.blocks.append(block)


def _longer(block: Text | Reasoning, more: str) -> str:
    """A string that nobody else holds grows in its place; otherwise thousands of pieces would be copied each time."""
    text, block.text = block.text, ""
    text += more
    return text


def _block(part: Fields) -> Block | None:
    """A part that is neither a call nor a result; None for an empty one."""
    whole = {name: value for name, value in part.given().items() if name != SIGNATURE}
    kinds = [name for name in _KINDS if part.seen(name) is not None]
    thought = part.take("thought", FLAG) or False
    if kinds == ["text"]:
        return _text(part, thought)
    if kinds and (block := _media(part, kinds[0])) is not None:
        return block
    if whole.keys() - {"thought"}:
        return media.whole(part.given() | whole)
    if (signature := part.take(SIGNATURE, TEXT)) is not None:
        return _signed("", proofs.given(signature, proofs.TEXT), {}, thought)
    return None


def _text(part: Fields, thought: bool) -> Block:
    text = part.need("text", TEXT)
    proof = _proof(part, proofs.THINKING if thought else proofs.TEXT)
    return _signed(text, proof, part.given(), thought)


def _signed(text: str, proof: Opaque | None, extra: Extra, thought: bool) -> Block:
    """An empty text with what was packed here is a carrier of its own. Gemini shows summaries of its thoughts."""
    if thought:
        return Reasoning(text, summary=proof is None or proof.dialect == NAME, proof=proof, extra=extra)
    if not text and proof is not None and (proof.dialect != NAME or proof.form != proofs.TEXT):
        return proof
    return Text(text, extra, proof)


def _media(part: Fields, kind: str) -> Block | None:
    """A signature of it stays with it: whoever made it wants it back there."""
    if kind not in (media.INLINE, media.BY_URI):
        return None
    fields = Fields.of(part.seen(kind) or jsontext.NULL, part.at(kind))
    name = fields.take("displayName", TEXT)
    if kind == media.INLINE:
        mime, data = fields.need("mimeType", TEXT), fields.need("data", TEXT)
        part.raw(kind)
        return media.of_data(mime, data, name, part.others(kind, fields))
    uri, found = fields.need("fileUri", TEXT), fields.take("mimeType", TEXT)
    extra = {key: value for key, value in part.others(kind, fields).items() if key != kind}
    return media.of_uri(uri, found, name, extra)


def _proof(part: Fields, form: str) -> Opaque | None:
    signature = part.take(SIGNATURE, TEXT)
    return None if signature is None else proofs.given(signature, form)


def _answer(response: Raw | None, path: str) -> tuple[list[Result], bool]:
    """A lone `result`, `output` or `error` of text is that text; any other object is JSON.

    Source: FunctionResponse.response; `result` and `error` are what Google's SDKs write for functions they call.
    """
    if response is None:
        return [], False
    members = OBJECT.read(response, path)
    (name, value), *others = list(members.items()) or [("", jsontext.NULL)]
    if not others and name == "error":
        return [Text(_words(value))], True
    if not others and name in _RESULT_KEYS and jsontext.first(value) == b'"':
        return [Text(_words(value))], False
    return [Text(bytes(response).decode())], False


def _words(value: Raw) -> str:
    return TEXT.read(value, "") if jsontext.first(value) == b'"' else bytes(value).decode()
