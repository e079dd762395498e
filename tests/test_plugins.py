from __future__ import annotations

import sys
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from gateway import StartupError
from gateway.plugins import Loaded, Registry, load
from gateway.settings.core import Plugins

Install = Callable[..., None]
AUTHOR = "The librechat-gateway authors"


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Install]:
    """Put a distribution with one plugin on the path, as an installer would."""
    modules: list[str] = []

    def go(name: str, code: str, requires: str = "librechat-gateway>=1,<2", author: str = "Somebody") -> None:
        module = "fake_" + name.replace("-", "_")
        modules.append(module)
        (tmp_path / f"{module}.py").write_text("from gateway import hookimpl\n" + textwrap.dedent(code))
        meta = tmp_path / f"fake_{name.replace('-', '_')}-2.5.dist-info"
        meta.mkdir()
        (meta / "METADATA").write_text(
            f"Metadata-Version: 2.1\nName: fake-{name}\nVersion: 2.5\nAuthor: {author}\nRequires-Dist: {requires}\n"
        )
        (meta / "entry_points.txt").write_text(f"[gateway]\n{name} = {module}\n")

    monkeypatch.syspath_prepend(tmp_path)
    yield go
    for module in modules:
        sys.modules.pop(module, None)


def only(registry: Registry, name: str) -> Loaded:
    return next(plugin for plugin in registry.plugins if plugin.name == name)


def names_in(*names: str) -> Plugins:
    return Plugins(enable=names)


STORES = """
    @hookimpl
    def register_stores(settings):
        return ["{0}"]
"""


def test_results_follow_the_order_of_the_settings_then_names(install: Install) -> None:
    for name in ("zz-a", "zz-b", "zz-c"):
        install(name, STORES.format(name))
    wanted = Plugins(enable=("zz-a", "zz-b", "zz-c"), order=("zz-c",))
    assert load(wanted).collect("register_stores", settings=None) == ["zz-c", "zz-a", "zz-b"]


def test_a_disabled_plugin_is_not_even_imported(install: Install) -> None:
    install("zz-loud", "raise RuntimeError('imported')")
    plugin = only(load(Plugins(enable=("zz-loud",), disable=("zz-loud",))), "zz-loud")
    assert plugin.disabled == "gateway.plugins.disable names it"
    assert plugin.error is None


def test_safe_mode_leaves_third_party_plugins_out_and_keeps_our_own(install: Install) -> None:
    install("zz-third", STORES.format("third"))
    install("zz-own", STORES.format("own"), author=AUTHOR)
    registry = load(names_in("zz-third", "zz-own"), safe_mode=True)
    assert registry.collect("register_stores", settings=None) == ["own"]
    assert only(registry, "zz-third").third_party
    assert "safe mode" in (only(registry, "zz-third").disabled or "")


def test_a_plugin_that_does_not_import_is_listed_with_its_error(install: Install) -> None:
    install("zz-broken", "import nothing_of_this_name")
    plugin = only(load(names_in("zz-broken")), "zz-broken")
    assert plugin.error == "ModuleNotFoundError: No module named 'nothing_of_this_name'"
    assert (plugin.distribution, plugin.version) == ("fake-zz-broken", "2.5")


def test_a_misspelt_hook_is_an_error(install: Install) -> None:
    install("zz-misspelt", "@hookimpl\ndef register_stors(settings): return []")
    assert "register_stors" in (only(load(names_in("zz-misspelt")), "zz-misspelt").error or "")


def test_an_async_hook_is_refused(install: Install) -> None:
    install("zz-async", "@hookimpl\nasync def register_stores(settings): return []")
    registry = load(names_in("zz-async"))
    assert "async def" in (only(registry, "zz-async").error or "")
    assert registry.collect("register_stores", settings=None) == []


def test_a_plugin_for_another_core_is_refused(install: Install) -> None:
    install("zz-old", STORES.format("old"), requires="librechat-gateway>=7")
    assert "librechat-gateway>=7" in (only(load(names_in("zz-old")), "zz-old").error or "")


def test_a_hook_that_raises_keeps_no_other_from_serving(install: Install) -> None:
    install("zz-bad", "@hookimpl\ndef register_stores(settings): raise ValueError('no disk')")
    install("zz-good", STORES.format("good"))
    registry = load(names_in("zz-bad", "zz-good"))
    assert registry.collect("register_stores", settings=None) == ["good"]
    assert only(registry, "zz-bad").error == "register_stores failed: ValueError: no disk"


def test_what_the_operator_must_mend_stops_the_start(install: Install) -> None:
    install(
        "zz-stop",
        """
        from gateway import StartupError
        @hookimpl
        def register_stores(settings): raise StartupError("the key is too short")
        """,
    )
    with pytest.raises(StartupError, match="too short"):
        load(names_in("zz-stop")).collect("register_stores", settings=None)


def test_one_name_in_two_distributions_is_an_error_of_the_second(install: Install, tmp_path: Path) -> None:
    install("zz-twin", STORES.format("one"))
    meta = tmp_path / "other_twin-1.dist-info"
    meta.mkdir()
    (meta / "METADATA").write_text("Metadata-Version: 2.1\nName: other-twin\nVersion: 1\n")
    (meta / "entry_points.txt").write_text("[gateway]\nzz-twin = fake_zz_twin\n")
    errors = [plugin.error for plugin in load(names_in("zz-twin")).plugins if plugin.name == "zz-twin"]
    assert errors[0] is None
    assert "is taken by" in (errors[1] or "")
