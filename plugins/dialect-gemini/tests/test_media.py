"""Media by their places, whatever clients take for a URL."""

from __future__ import annotations

import pytest
from gateway_dialect_gemini import media

from gateway import File, Image


@pytest.mark.parametrize(
    "place", ["https://x.test]/a.png", "https://[", "https://[::1/a.png", "http://ex℀mple.com/a.png"]
)
def test_what_is_no_url_has_no_type_and_no_place(place: str) -> None:
    assert media.part(Image(url=place)) is None
    assert media.of_uri(place, "image/png", None, {}) is None


def test_a_type_is_guessed_by_the_urls_path() -> None:
    assert media.part(Image(url="https://x.test/a.png?b=c.gif")) == {
        "fileData": {"mimeType": "image/png", "fileUri": "https://x.test/a.png?b=c.gif"}
    }
    assert media.part(File(url="https://x.test/a", filename="b.pdf")) == {
        "fileData": {"mimeType": "application/pdf", "fileUri": "https://x.test/a"}
    }
