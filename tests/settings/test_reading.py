from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.settings.reading import Document, embedded, read
from gateway.settings.yamlfile import Mark


@pytest.fixture(autouse=True)
def _in_an_empty_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def write(name: str, source: str) -> Path:
    file = Path(name)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(source, "utf-8")
    return file


def sentences(document: Document) -> list[str]:
    return [str(finding) for finding in document.findings]


def test_without_a_file_the_defaults_hold() -> None:
    document = read(None, {})
    assert document.embedded
    assert document.files == ()
    assert document.data["gateway"]["agents"][0]["id"] == "agent_echo"
    assert not document.findings


def test_the_smallest_file_is_the_defaults() -> None:
    config = Path(__file__).parents[2] / "config" / "librechat.yaml"
    assert config.read_text("utf-8") == embedded()


def test_librechat_yaml_comes_before_gateway_yaml() -> None:
    write("librechat.yaml", "version: '1'\n")
    write("gateway.yaml", "gateway: {workers: 2}\n")
    document = read(None, {})
    assert document.files == (Path("librechat.yaml"), Path("gateway.yaml"))
    assert document.data == {"version": "1", "gateway": {"workers": 2}}
    assert document.marks[("gateway", "workers")] == Mark("gateway.yaml", 1, 20)
    assert document.librechat


def test_a_gateway_yaml_may_leave_its_key_out() -> None:
    write("gateway.yaml", "listen:\n  port: 1\n")
    document = read(None, {})
    assert document.data == {"gateway": {"listen": {"port": 1}}}
    assert document.marks[("gateway", "listen", "port")] == Mark("gateway.yaml", 2, 9)
    assert document.keys[("gateway", "listen")] == Mark("gateway.yaml", 1, 1)
    assert not document.librechat


def test_other_keys_in_gateway_yaml_are_told() -> None:
    write("gateway.yaml", "gateway: {}\nendpoints: {}\n")
    assert sentences(read(None, {})) == [
        "gateway.yaml:2:1: endpoints: only `gateway:` may stand in gateway.yaml; "
        "move `endpoints` to librechat.yaml or under `gateway:`"
    ]


def test_two_blocks_are_one_too_many() -> None:
    write("librechat.yaml", "version: '1'\ngateway: {workers: 1}\n")
    write("gateway.yaml", "gateway:\n  workers: 2\n")
    document = read(None, {})
    assert sentences(document) == [
        "gateway.yaml:2:3: gateway: librechat.yaml and gateway.yaml both hold `gateway:`; keep one of the two blocks"
    ]
    assert document.data["gateway"] == {"workers": 1}


def test_the_named_file_and_the_gateway_yaml_beside_it() -> None:
    file = write("etc/other.yaml", "version: '1'\n")
    write("etc/gateway.yaml", "workers: 2\n")
    assert read(file, {}).data["gateway"] == {"workers": 2}


def test_config_path_names_the_file() -> None:
    write("librechat.yaml", "version: 'no'\n")
    write("etc/x.yaml", "version: 'yes'\n")
    assert read(None, {"CONFIG_PATH": "etc/x.yaml"}).data == {"version": "yes"}


def test_config_path_may_stand_in_dotenv() -> None:
    write(".env", "CONFIG_PATH=etc/x.yaml\n")
    write("etc/x.yaml", "version: 'yes'\n")
    assert read(None, {}).data == {"version": "yes"}


def test_a_url_is_not_read() -> None:
    document = read(None, {"CONFIG_PATH": "HTTPS://x/librechat.yaml"})
    assert sentences(document) == [
        "CONFIG_PATH: a configuration is not read from a URL, since whoever answers there would own every key in it; "
        "download the file and set CONFIG_PATH to its path"
    ]


def test_a_missing_file_is_told() -> None:
    document = read(Path("none.yaml"), {})
    assert sentences(document) == [
        "none.yaml:1:1: the file cannot be read: No such file or directory; name another, or run without one"
    ]
    assert not document.embedded


def test_a_directory_is_no_file() -> None:
    Path("dir.yaml").mkdir()
    assert sentences(read(Path("dir.yaml"), {})) == [
        "dir.yaml:1:1: the file cannot be read: Is a directory; name another, or run without one"
    ]


def test_a_file_that_is_not_utf_8_is_told() -> None:
    Path("librechat.yaml").write_bytes(b"a: b\nc: \xff\n")
    assert sentences(read(None, {})) == ["librechat.yaml:2:1: the file is not UTF-8 text; save it as UTF-8"]


def test_a_byte_order_mark_is_no_part_of_the_text() -> None:
    Path("librechat.yaml").write_bytes(b"\xef\xbb\xbfversion: '1'\n")
    assert read(None, {}).data == {"version": "1"}


def test_an_empty_file_is_told() -> None:
    write("librechat.yaml", "# nothing\n")
    assert sentences(read(None, {})) == ["librechat.yaml:1:1: the file is empty; nothing is configured by it"]


def test_a_list_is_no_configuration() -> None:
    write("librechat.yaml", "\n- a\n")
    assert sentences(read(None, {})) == [
        "librechat.yaml:2:1: the file holds no mapping of keys; write `key: value` lines"
    ]


def test_the_environment_wins_over_dotenv_and_dotenv_here_over_the_one_beside_the_file() -> None:
    write(".env", "A=here\nB=here\nD=$A\n")
    write("etc/.env", "A=beside\nB=beside\nC=beside\n")
    file = write("etc/x.yaml", "version: '1'\n")
    environ = read(file, {"A": "process"}).environ
    assert (environ["A"], environ["B"], environ["C"], environ["D"]) == ("process", "here", "beside", "$A")


def test_a_dotenv_that_is_not_utf_8_is_a_warning() -> None:
    Path(".env").write_bytes(b"A=\xff\n")
    document = read(None, {})
    assert sentences(document) == [".env:1:1: the file cannot be read: it is not UTF-8 text; its variables are not set"]
    assert [finding.level for finding in document.findings] == ["warning"]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(main=st.binary(max_size=80), own=st.binary(max_size=80), dotenv=st.binary(max_size=40))
def test_no_bytes_raise(main: bytes, own: bytes, dotenv: bytes) -> None:
    Path("librechat.yaml").write_bytes(main)
    Path("gateway.yaml").write_bytes(own)
    Path(".env").write_bytes(dotenv)
    assert isinstance(read(None, {}).data, dict)


def test_it_was_written_when_the_newest_of_its_files_was(tmp_path: Path) -> None:
    for name, at in (("librechat.yaml", 1_700_000_000), ("gateway.yaml", 1_700_000_009)):
        (tmp_path / name).write_text("version: 1.3.17\n" if name == "librechat.yaml" else "gateway: {}\n")
        os.utime(tmp_path / name, (at, at))
    assert read(None, {}, tmp_path).written == 1_700_000_009
    assert read(None, {}, tmp_path / "nowhere").written > 0
