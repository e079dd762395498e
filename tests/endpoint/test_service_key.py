"""Key files of service accounts, in each form that people put them, and what is signed with them."""

import base64
import json

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1
from cryptography.hazmat.primitives.asymmetric.ec import generate_private_key as elliptic
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, NoEncryption, PrivateFormat

from gateway import ServiceKey
from gateway.endpoint.service_key import Signer

PRIVATE = generate_private_key(public_exponent=65537, key_size=2048)


def pem(private=PRIVATE, encryption=None):
    return private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption or NoEncryption()).decode()


def written(**more):
    return json.dumps(
        {
            "type": "service_account",
            "project_id": "p-1",
            "private_key_id": "k1",
            "private_key": pem(),
            "client_email": "robot@example.com",
            "token_uri": "https://tokens.example.com/token",
            **more,
        }
    )


def part(text):
    return json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))


def test_a_key_is_read_from_json_from_base64_and_from_a_file(tmp_path):
    file = tmp_path / "auth.json"
    file.write_text(written())
    forms = [written(), f"\n {written()}\n", base64.b64encode(written().encode()).decode(), str(file)]
    keys = [ServiceKey.read(form) for form in forms]
    assert keys[0].project_id == "p-1"
    assert all(key == keys[0] for key in keys)


def test_a_key_does_not_print():
    assert "PRIVATE KEY" not in repr(ServiceKey.read(written()))


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "as a file it cannot be read"),
        ("/nowhere/auth.json", "No such file"),
        ("hush" * 2000, "File name too long"),
        ("hush\0hush", "that is no path"),
        ("{hush", "no key file"),
        ("{}", "client_email"),
        (written(private_key=7), "private_key"),
        (written(token_uri="hush"), "token_uri is no URL"),
        (base64.b64encode(b"{hush").decode(), "no key file"),
        ('{"a":' + "[" * 100_000, "no key file"),
    ],
    ids=["nothing", "nowhere", "long", "no path", "no json", "empty", "types", "url", "base64", "deep"],
)
def test_what_is_no_key_says_why_and_quotes_nothing(text, why):
    with pytest.raises(ValueError, match=why) as raised:
        ServiceKey.read(text)
    assert "hush" not in str(raised.value)


def test_a_file_of_other_bytes_is_refused(tmp_path):
    file = tmp_path / "auth.json"
    file.write_bytes(b'{"client_email": "\xff\xfe"}')
    with pytest.raises(ValueError, match="UTF-8"):
        ServiceKey.read(str(file))


def test_an_assertion_says_who_asks_whom_for_what_and_is_signed():
    assertion = Signer(ServiceKey.read(written())).assertion("a-scope", 1000.9)
    head, claims, signature = assertion.split(".")
    assert part(head) == {"alg": "RS256", "typ": "JWT", "kid": "k1"}
    assert part(claims) == {
        "iss": "robot@example.com",
        "scope": "a-scope",
        "aud": "https://tokens.example.com/token",
        "iat": 1000,
        "exp": 4600,
    }
    raw = base64.urlsafe_b64decode(signature + "=" * (-len(signature) % 4))
    PRIVATE.public_key().verify(raw, f"{head}.{claims}".encode(), PKCS1v15(), SHA256())


def test_a_key_without_an_id_and_with_escaped_line_ends_signs_too():
    key = ServiceKey.read(written(private_key=pem().replace("\n", "\\n"), private_key_id=""))
    assert "kid" not in part(Signer(key).assertion("s", 0).split(".")[0])


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("hush", "PEM"),
        (pem(encryption=BestAvailableEncryption(b"word")), "password"),
        (pem(elliptic(SECP256R1())), "no RSA key"),
    ],
    ids=["no key", "locked", "elliptic"],
)
def test_what_cannot_sign_says_why(text, why):
    with pytest.raises(ValueError, match=why) as raised:
        Signer(ServiceKey.read(written(private_key=text)))
    assert "hush" not in str(raised.value)
