"""The tree keeps its shape: where things are, who may import what, and that all distributions agree."""

import ast
import re
import subprocess
import sys
import tomllib
from functools import lru_cache
from pathlib import Path

import pytest

import gateway
from gateway import hookspecs

ROOT = Path(__file__).parent.parent
CORE = ROOT / "gateway"
PLUGINS = sorted(path.parent for path in (ROOT / "plugins").glob("*/pyproject.toml"))
THIRD_PARTY = sorted(path.parent for path in (ROOT / "contrib" / "ollama").glob("*/pyproject.toml"))
"""Written as by other authors: what holds for a plugin holds for them, but the gateway does not come with them."""
SOURCES = sorted(
    path
    for top in ("gateway", "plugins", "tests", "contrib")
    for path in (ROOT / top).rglob("*.py")
    if not {"node_modules", "build", "dist"} & set(path.parts)
)
STAGES = ("auth", "permission", "dialect", "provider", "tools", "meter", "routes", "store", "limits", "import")
OPEN_MODULES = {
    "gateway.actions",
    "gateway.budgets",
    "gateway.call",
    "gateway.carrier",
    "gateway.events",
    "gateway.exported",
    "gateway.identity",
    "gateway.admin",
    "gateway.ledger",
    "gateway.logins",
    "gateway.money",
    "gateway.oauth",
    "gateway.roles",
    "gateway.runs",
    "gateway.store",
    "gateway.usage",
    "gateway.sse",
    "gateway.wire",
    "gateway.endpoint",
    "gateway.logs",
    "gateway.settings.yamlfile",
}
FOR_COMMANDS = {"gateway.cli.assembled", "gateway.cli.context", "gateway.cli.output", "gateway.cli.stored"}
KNOWS_AIOHTTP = {"server.py", "server", "upstream.py", "upstream"}
MENTIONS = re.compile(r"openai|anthropic|bedrock|azure|mistral|gemini|open-responses|openai-chat", re.IGNORECASE)

each_plugin = pytest.mark.parametrize("plugin", [*PLUGINS, *THIRD_PARTY], ids=lambda path: path.name)


def project(folder):
    return tomllib.loads((folder / "pyproject.toml").read_text())["project"]


def package(plugin):
    return plugin / f"gateway_{plugin.name.replace('-', '_')}"


def tree(path):
    return ast.parse(path.read_text(), str(path))


@lru_cache(None)
def imports(path):
    """Modules that a file imports, absolute, `from a import b` as `a.b`."""
    found = set()
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and not node.level:
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def texts(path):
    """String constants of a file that are not docstrings, with their lines."""
    nodes = list(ast.walk(tree(path)))
    alone = {id(node.value) for node in nodes if isinstance(node, ast.Expr)}
    return [
        (node.lineno, node.value)
        for node in nodes
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in alone
    ]


def names(path):
    """Identifiers that a file defines or uses."""
    kinds = {ast.Name: "id", ast.Attribute: "attr", ast.FunctionDef: "name", ast.ClassDef: "name", ast.arg: "arg"}
    return {getattr(node, kinds[type(node)]) for node in ast.walk(tree(path)) if type(node) in kinds}


def core_files():
    """Without the testing kit, and without what `gateway new` copies, which is plugins."""
    apart = (CORE / "testing", CORE / "templates")
    return [path for path in SOURCES if path.is_relative_to(CORE) and not any(map(path.is_relative_to, apart))]


def at(path):
    return str(path.relative_to(ROOT))


def test_there_are_plugins():
    assert len(PLUGINS) >= 12
    assert len(THIRD_PARTY) == 2


@each_plugin
def test_a_plugins_folder_entry_point_distribution_and_package_have_one_name(plugin):
    about = project(plugin)
    assert plugin.name.partition("-")[0] in STAGES
    assert about["name"] == f"librechat-gateway-{plugin.name}"
    assert about["entry-points"] == {"gateway": {plugin.name: package(plugin).name}}
    build = tomllib.loads((plugin / "pyproject.toml").read_text())
    assert build["tool"]["flit"]["module"]["name"] == package(plugin).name
    assert [path.parent for path in plugin.glob("*/__init__.py")] == [package(plugin)]


@each_plugin
def test_a_plugin_has_a_readme_types_and_tests(plugin):
    readme = (plugin / "README.md").read_text()
    assert readme.startswith(f"# librechat-gateway-{plugin.name}\n")
    assert "```" in readme, "a README shows an example"
    assert (package(plugin) / "py.typed").exists()
    assert list((plugin / "tests").glob("test_*.py")), "no tests"
    assert not (plugin / "tests" / "__init__.py").exists()


@each_plugin
def test_a_plugins_init_holds_hooks_and_nothing_else(plugin):
    module = tree(package(plugin) / "__init__.py")
    assert ast.get_docstring(module)
    for node in module.body[1:]:
        assert isinstance(node, ast.Import | ast.ImportFrom | ast.FunctionDef), ast.unparse(node)
        if isinstance(node, ast.FunctionDef):
            assert [ast.unparse(mark) for mark in node.decorator_list] == ["hookimpl"], node.name


@each_plugin
def test_a_plugin_imports_no_other_and_only_what_is_public(plugin):
    for path in [path for path in SOURCES if path.is_relative_to(plugin)]:
        for module in imports(path):
            if module.startswith("gateway_"):
                assert module.split(".")[0] == package(plugin).name, f"{at(path)} imports {module}"
            elif module.startswith("gateway.") and path.is_relative_to(package(plugin)):
                assert public(module), f"{at(path)} imports {module}"


def public(module):
    return (
        module.removeprefix("gateway.") in gateway.__all__
        or any(module == open_ or module.startswith(open_ + ".") for open_ in OPEN_MODULES | FOR_COMMANDS)
        or module.startswith("gateway.testing.")
    )


def test_the_public_names_are_there_and_once():
    assert len(gateway.__all__) == len(set(gateway.__all__))
    assert all(hasattr(gateway, name) for name in gateway.__all__)


def test_the_core_names_no_plugin_provider_or_dialect():
    for path in core_files():
        names_nobody(path)


def names_nobody(path):
    assert not [module for module in imports(path) if module.startswith("gateway_")], at(path)
    if path.is_relative_to(CORE / "cli"):
        return  # Snippets for people: curl, an SDK.
    assert not [name for name in names(path) if MENTIONS.search(name)], at(path)
    folders = re.compile("|".join(plugin.name for plugin in PLUGINS))
    for line, text in texts(path):
        said = re.sub(r"install plugins/[\w-]+", "", text)
        assert not MENTIONS.search(said), f"{at(path)}:{line}: {text!r}"
        assert not folders.search(said), f"{at(path)}:{line}: {text!r}"


def test_only_the_server_and_the_upstream_know_the_http_library():
    users = [path for path in SOURCES if any(module.split(".")[0] == "aiohttp" for module in imports(path))]
    inside = [path.relative_to(ROOT) for path in users if not {"testing", "tests"} & set(path.parts)]
    inside = [path for path in inside if path.parts[0] in ("gateway", "plugins")]
    assert inside, "the rule looks at nothing"
    assert [path for path in inside if path.parts[0] != "gateway" or path.parts[1] not in KNOWS_AIOHTTP] == []


@pytest.mark.parametrize("module", ["gateway", "gateway.testing.pytest_plugin", "gateway.testing.golden"])
def test_importing_what_plugins_see_loads_nothing_heavy(module):
    code = f"import sys, {module}; print(*{{'aiohttp', 'hypothesis', 'rich', 'yaml', 'jsonschema'}} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []


def test_commands_of_plugins_do_not_wait_for_the_http_library():
    code = "import sys; from gateway.cli import main; main(['keys', '--help'], standalone_mode=False)"
    code += "; print(*{'aiohttp', 'hypothesis', 'asyncpg', 'redis'} & set(sys.modules), file=sys.stderr)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stderr.split() == []


def test_every_distribution_is_in_the_development_requirements_once():
    lines = (ROOT / "contrib" / "dev-requirements.txt").read_text().splitlines()
    editable = [line.split()[1] for line in lines if line.startswith("-e ")]
    assert editable == [".", *(f"./plugins/{plugin.name}" for plugin in PLUGINS)]


@each_plugin
def test_versions_and_floors_agree_with_the_core(plugin):
    core, about = project(ROOT), project(plugin)
    assert about["requires-python"] == core["requires-python"]
    assert about["license"] == core["license"]
    assert "librechat-gateway>=1,<2" in about["dependencies"]
    assert about["version"].partition(".")[0] == core["version"].partition(".")[0] == "1"
    floors = {requirement_name(text): text for text in core["dependencies"]}
    for text in about["dependencies"]:
        assert text == floors.get(requirement_name(text), text), f"the core asks for {floors[requirement_name(text)]}"
    build = [tomllib.loads((folder / "pyproject.toml").read_text())["build-system"] for folder in (ROOT, plugin)]
    assert build[0] == build[1]


@each_plugin
def test_a_plugin_asks_for_what_it_imports(plugin):
    about = project(plugin)
    extras = [text for texts in about.get("optional-dependencies", {}).values() for text in texts]
    asked = {requirement_name(text).replace("-", "_") for text in [*about["dependencies"], *extras]}
    known = {"pyyaml": "yaml", "pyjwt": "jwt", "google_re2": "re2", "argon2_cffi": "argon2"}
    asked = {known.get(name, name) for name in asked} | set(sys.stdlib_module_names)
    for path in package(plugin).rglob("*.py"):
        for module in imports(path):
            top = module.split(".")[0]
            assert top in asked | {"gateway", package(plugin).name}, f"{at(path)} imports {top}"


def requirement_name(text):
    return re.match(r"[\w.-]+", text)[0].lower()


def test_python_floors_agree():
    tools = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]
    floor = project(ROOT)["requires-python"].removeprefix(">=")
    assert tools["mypy"]["python_version"] == floor
    assert tools["ruff"]["target-version"] == "py" + floor.replace(".", "")


HOOKS = sorted(name for name in vars(hookspecs) if name.startswith("register_"))


@pytest.mark.parametrize("hook", HOOKS)
def test_every_hook_says_what_it_is_for(hook):
    assert (getattr(hookspecs, hook).__doc__ or "").strip()


def test_each_file_says_its_subject_and_is_of_a_size_to_read():
    texts = {path: path.read_text() for path in SOURCES}
    assert not [at(path) for path, text in texts.items() if text.count("\n") > 450]
    told = [path for path, text in texts.items() if text and "tests" not in path.relative_to(ROOT).parts]
    assert not [at(path) for path in told if not ast.get_docstring(tree(path))], "the first line says the subject"


def test_no_file_knows_the_machine_it_was_written_on():
    here = re.compile(r"/(?:home|Users|root|work)/[\w.-]+|[A-Z]:\\Users")
    kinds = {".py", ".md", ".toml", ".yaml", ".yml", ".json", ".txt", ".exchange", ".mjs", ".sh", ""}
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False).stdout
    files = [ROOT / name for name in listed.splitlines()] or SOURCES
    for path in files:
        if path == Path(__file__) or path.suffix not in kinds or not path.is_file():
            continue
        for number, line in enumerate(path.read_text("utf-8", "replace").splitlines(), 1):
            assert not here.search(line), f"{at(path)}:{number}: {line.strip()[:120]}"
