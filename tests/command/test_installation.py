"""The command as people install it: in every way that there is, whole, and without what only developers run."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
import sysconfig
import tomllib
import zipfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from kms_rule import RULE_FOLDER, TEMPLATES_FOLDER, rule_modules
from kms_rule.commands.package import template_files
from kms_rule.rule_package import code_sha256, zipped_rule
from tests.e2e.commands import TEST_LOCAL, TEST_NAMES, passed_tests

ROOT = Path(__file__).parents[2]
SOURCES = ("AWSConfigRuleKMS", "deploy", "dev", "kms_rule", "README.md", "pyproject.toml")
DESCRIBED = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
POLICY = ROOT / "dev" / "demo" / "security-otter-cmk.json"
# What the command depends on is found in this environment: nothing is loaded from the Internet.
DEPENDENCIES = sysconfig.get_path("purelib")
OFFLINE = ("--quiet", "--no-deps", "--no-index", "--no-build-isolation", "--disable-pip-version-check")
# Where the tests run as root, or on a system whose Python belongs to its own package manager.
AS_ANYBODY = ("--root-user-action=ignore", "--break-system-packages")


def environment(home: Path, **changes: str) -> dict[str, str]:
    """What the environment is of somebody who has nothing but the command."""
    own = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "PIP_", "UV_", "AWS_"))}
    return {**own, "HOME": str(home), "COLUMNS": "200", "PIP_CONFIG_FILE": os.devnull, **changes}


def run(
    *command: str | Path, folder: Path, settings: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(  # noqa: S603 - runs pip, and the command that it installed
        command,
        cwd=folder,
        env=environment(folder, **(settings or {})),
        capture_output=True,
        text=True,
        check=False,
        timeout=240,
    )


def succeed(*command: str | Path, folder: Path, settings: Mapping[str, str] | None = None) -> str:
    ended = run(*command, folder=folder, settings=settings)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return ended.stdout


def pip(*arguments: str | Path, folder: Path, python: str | Path = sys.executable, **settings: str) -> None:
    succeed(sys.executable, "-m", "pip", "--python", python, *arguments, folder=folder, settings=settings)


@dataclass(frozen=True)
class Distribution:
    """What can be installed: a folder of sources, and the two that were built of it."""

    source: Path
    wheel: Path
    sdist: Path


@dataclass(frozen=True)
class Installation:
    """The installed command, how it is started, and the folder that all of it is in."""

    command: Path
    folder: Path
    python: Path = Path(sys.executable)
    settings: Mapping[str, str] = field(default_factory=dict)

    def run(self, *arguments: str, folder: Path) -> subprocess.CompletedProcess[str]:
        """Run the command in a folder that has nothing to do with it."""
        return run(self.command, *arguments, folder=folder, settings=self.settings)


def copied(folder: Path) -> Path:
    """A copy of what the command is built of, and of nothing that lies beside it."""
    folder.mkdir()
    for name in SOURCES:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__", "*.zip"))
        else:
            shutil.copy(ROOT / name, folder / name)
    return folder


@pytest.fixture(scope="module")
def distribution(tmp_path_factory: pytest.TempPathFactory) -> Distribution:
    folder = tmp_path_factory.mktemp("distribution")
    source = copied(folder / "source")
    pip("wheel", *OFFLINE, "--wheel-dir", folder, source, folder=folder)
    build = f"from setuptools.build_meta import build_sdist; build_sdist({str(folder)!r})"
    succeed(sys.executable, "-c", build, folder=source)
    [wheel], [sdist] = folder.glob("*.whl"), folder.glob("*.tar.gz")
    # Of what the builds left there, nothing may get into what is installed.
    shutil.rmtree(source)
    return Distribution(copied(source), wheel, sdist)


# --- the ways to install it ------------------------------------------------------------------------------------------


def site_packages(prefix: Path) -> Path:
    return Path(sysconfig.get_path("purelib", "posix_prefix", {"base": str(prefix), "platbase": str(prefix)}))


def finding(*folders: Path) -> dict[str, str]:
    """The settings with which Python finds what is in these folders, and what the command depends on."""
    return {"PYTHONPATH": os.pathsep.join(map(str, (*folders, DEPENDENCIES)))}


def in_a_virtual_environment(folder: Path, *what: str | Path) -> Installation:
    prefix = folder / "environment"
    succeed(sys.executable, "-m", "venv", "--without-pip", prefix, folder=folder)
    python = prefix / "bin" / "python"
    let_find_dependencies(prefix)
    pip("install", *OFFLINE, *what, folder=folder, python=python)
    return Installation(prefix / "bin" / "kms-rule", prefix, python)


def let_find_dependencies(prefix: Path) -> None:
    """Let a virtual environment find what the command depends on, though it is not installed there."""
    (site_packages(prefix) / "dependencies.pth").write_text(DEPENDENCIES + os.linesep, encoding="utf-8")


def from_the_sources(folder: Path, distribution: Distribution) -> Installation:
    return in_a_virtual_environment(folder, distribution.source)


def editable(folder: Path, distribution: Distribution) -> Installation:
    source = shutil.copytree(distribution.source, folder / "checkout")
    installed = in_a_virtual_environment(folder, "--editable", source)
    return Installation(installed.command, source, installed.python)


def from_the_wheel(folder: Path, distribution: Distribution) -> Installation:
    return in_a_virtual_environment(folder, distribution.wheel)


def from_the_sdist(folder: Path, distribution: Distribution) -> Installation:
    return in_a_virtual_environment(folder, distribution.sdist)


def to_a_target(folder: Path, distribution: Distribution) -> Installation:
    target = folder / "target"
    pip("install", *OFFLINE, *AS_ANYBODY, "--target", target, distribution.wheel, folder=folder)
    return Installation(target / "bin" / "kms-rule", target, settings=finding(target))


def with_a_prefix(folder: Path, distribution: Distribution) -> Installation:
    prefix = folder / "prefix"
    pip("install", *OFFLINE, *AS_ANYBODY, "--prefix", prefix, distribution.wheel, folder=folder)
    return Installation(prefix / "bin" / "kms-rule", prefix, settings=finding(site_packages(prefix)))


def by_root_on_debian(folder: Path, distribution: Distribution) -> Installation:
    """Debian's Python is in /usr, and what root installs with pip is in /usr/local, in folders of another name."""
    root = folder / "root"
    options = ("--root", root, "--prefix", "/usr/local")
    pip("install", *OFFLINE, *AS_ANYBODY, *options, distribution.wheel, folder=folder)
    local = root / "usr" / "local"
    packages = site_packages(local).rename(site_packages(local).with_name("dist-packages"))
    return Installation(local / "bin" / "kms-rule", local, settings=finding(packages))


def for_a_user(folder: Path, distribution: Distribution) -> Installation:
    base = folder / "user"
    python = Path(sys.base_prefix, "bin", f"python{sysconfig.get_python_version()}")
    pip(
        *("install", *OFFLINE, *AS_ANYBODY, "--user", distribution.wheel),
        folder=folder,
        python=python,
        PYTHONUSERBASE=str(base),
    )
    return Installation(base / "bin" / "kms-rule", base, python, {**finding(), "PYTHONUSERBASE": str(base)})


def tool(name: str) -> str:
    return shutil.which(name) or pytest.skip(f"{name} is not installed")


def empty_dependencies(folder: Path) -> Path:
    """A folder of wheels for tools that want to install what the command depends on: they have nothing in them."""
    wheels = folder / "wheels"
    wheels.mkdir()
    for name in DESCRIBED["project"]["dependencies"]:
        description = f"{name}-0.dist-info"
        with zipfile.ZipFile(wheels / f"{name}-0-py3-none-any.whl", "w") as wheel:
            wheel.writestr(f"{description}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: 0\n")
            wheel.writestr(f"{description}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
            wheel.writestr(f"{description}/RECORD", "")
    return wheels


def with_uv(folder: Path, distribution: Distribution) -> Installation:
    uv = tool("uv")
    settings = {name: str(folder / name.lower()) for name in ("UV_TOOL_DIR", "UV_TOOL_BIN_DIR", "UV_CACHE_DIR")}
    options = ("--offline", "--no-index", "--quiet", "--no-config", "--python", sys.executable)
    wheels = ("--find-links", empty_dependencies(folder))
    succeed(uv, "tool", "install", *options, *wheels, distribution.wheel, folder=folder, settings=settings)
    prefix = folder / "uv_tool_dir" / "kms-rule"
    let_find_dependencies(prefix)
    return Installation(folder / "uv_tool_bin_dir" / "kms-rule", prefix, prefix / "bin" / "python")


def with_pipx(folder: Path, distribution: Distribution) -> Installation:
    pipx = tool("pipx")
    settings = {name: str(folder / name.lower()) for name in ("PIPX_HOME", "PIPX_BIN_DIR", "PIPX_MAN_DIR")}
    wheels = f"--no-index --find-links {shlex.quote(str(empty_dependencies(folder)))}"
    options = ("--quiet", "--python", sys.executable, f"--pip-args={wheels}")
    succeed(pipx, "install", *options, distribution.wheel, folder=folder, settings=settings)
    prefix = folder / "pipx_home" / "venvs" / "kms-rule"
    let_find_dependencies(prefix)
    return Installation(folder / "pipx_bin_dir" / "kms-rule", prefix, prefix / "bin" / "python")


WAYS: tuple[Callable[[Path, Distribution], Installation], ...] = (
    from_the_sources,
    editable,
    from_the_wheel,
    from_the_sdist,
    to_a_target,
    with_a_prefix,
    by_root_on_debian,
    for_a_user,
    with_uv,
    with_pipx,
)


@pytest.fixture(scope="module", params=WAYS, ids=[way.__name__ for way in WAYS])
def installed(
    request: pytest.FixtureRequest, distribution: Distribution, tmp_path_factory: pytest.TempPathFactory
) -> Installation:
    found: Installation = request.param(tmp_path_factory.mktemp(request.param.__name__), distribution)
    return found


@pytest.fixture(scope="module")
def usual(distribution: Distribution, tmp_path_factory: pytest.TempPathFactory) -> Installation:
    return from_the_wheel(tmp_path_factory.mktemp("usual"), distribution)


def test_the_command_is_the_installed_one(installed: Installation, tmp_path: Path) -> None:
    code = "import kms_rule, sys; print(kms_rule.__file__); print(kms_rule.RULE_FOLDER)"
    where = succeed(installed.python, "-c", code, folder=tmp_path, settings=installed.settings)
    assert [Path(line).resolve().is_relative_to(installed.folder.resolve()) for line in where.splitlines()] == [
        True
    ] * 2


def test_it_judges_a_policy_with_the_rule_and_the_parameters_that_come_with_it(
    installed: Installation, tmp_path: Path
) -> None:
    shutil.copy(POLICY, tmp_path / "key.json")
    ended = installed.run("check", "key.json", folder=tmp_path)
    assert (ended.returncode, ended.stderr) == (1, "")
    assert ended.stdout.startswith("Judged with CMK_Whitelist = Otter*, Admin_User_Id = AROAOTTER*, ")
    assert "in Key Policy for key.json, statement does not limit its users" in " ".join(ended.stdout.split())


def test_it_knows_its_version_and_the_hash_of_its_rule(installed: Installation, tmp_path: Path) -> None:
    ended = installed.run("--version", folder=tmp_path)
    shown = f"kms-rule {DESCRIBED['project']['version']}\nCodeSha256: {code_sha256(zipped_rule())}\n"
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, shown, "")


def test_it_builds_the_package_and_copies_the_templates(installed: Installation, tmp_path: Path) -> None:
    ended = installed.run("package", "--templates", "templates", folder=tmp_path)
    assert (ended.returncode, ended.stderr) == (0, "")
    assert (tmp_path / "AWSConfigRuleKMS.zip").read_bytes() == zipped_rule()
    folder = tmp_path / "templates"
    copies = {file.relative_to(folder): file.read_bytes() for file in folder.rglob("*") if file.is_file()}
    assert copies == {name: (TEMPLATES_FOLDER / name).read_bytes() for name in template_files()}
    needed = (
        "rule.yaml",
        "organization.yaml",
        "member-role.yaml",
        "terraform/rule/main.tf",
        "terraform/rule/README.md",
    )
    assert {*map(Path, needed)} <= copies.keys()
    assert not [name for name in copies if "tests" in name.parts]


@pytest.mark.parametrize("command", ["", "scan", "check", "explain", "report", "package"])
def test_its_help_is_that_of_the_checkout(usual: Installation, tmp_path: Path, command: str) -> None:
    arguments = [*filter(None, [command]), "--help"]
    ended = usual.run(*arguments, folder=tmp_path)
    assert ended.stdout == succeed(sys.executable, "-m", "kms_rule", *arguments, folder=ROOT)
    assert ended.stdout.startswith("usage: kms-rule ")


@pytest.mark.parametrize("format_name", ["table", "json", "sarif", "html"])
def test_every_format_is_installed(usual: Installation, tmp_path: Path, format_name: str) -> None:
    shutil.copy(POLICY, tmp_path / "key.json")
    ended = usual.run("check", "key.json", "--format", format_name, folder=tmp_path)
    assert (ended.returncode, ended.stderr) == (1, "")
    assert "SecurityOtterCMK" in ended.stdout or "key.json" in ended.stdout


# --- what a wheel has ------------------------------------------------------------------------------------------------


def files_of_the_wheel() -> Iterator[str]:
    """What belongs into a wheel, beside its own description."""
    for suffix in ("*.py", "*.css", "*.js"):
        yield from (path.relative_to(ROOT).as_posix() for path in (ROOT / "kms_rule").rglob(suffix))
    for name in (*rule_modules(), Path("AWSConfigRuleKMS_test.py"), Path("parameters.json")):
        yield f"kms_rule/rule/{name.as_posix()}"
    yield from (f"kms_rule/templates/{path.as_posix()}" for path in template_files())


def test_a_wheel_has_the_command_the_rule_and_the_templates_and_nothing_of_the_developers_tools(
    distribution: Distribution,
) -> None:
    with zipfile.ZipFile(distribution.wheel) as wheel:
        names = {name for name in wheel.namelist() if ".dist-info/" not in name}
        assert names == {*files_of_the_wheel()}
        for module in rule_modules():
            assert wheel.read(f"kms_rule/rule/{module.as_posix()}") == (RULE_FOLDER / module).read_bytes()
    assert not [name for name in names if not name.startswith("kms_rule/") or name.startswith("kms_rule/dev")]


def folders_of_modules(project: Path) -> Iterable[str]:
    """The packages that a project's folders make: each that holds modules, and that of the templates."""
    for folder, package in (("kms_rule", "kms_rule"), ("AWSConfigRuleKMS", "kms_rule.rule")):
        parents = {path.relative_to(project / folder).parent for path in (project / folder).rglob("*.py")}
        yield from (".".join((package, *parent.parts)) for parent in parents)
    yield "kms_rule.templates"


def test_the_list_of_packages_names_every_folder_that_holds_modules() -> None:
    assert sorted(DESCRIBED["tool"]["setuptools"]["packages"]) == sorted(folders_of_modules(ROOT))


@pytest.mark.parametrize("module", ["kms_rule/sources/pulumi/program.py", "AWSConfigRuleKMS/least_privilege/deep/a.py"])
def test_a_new_folder_of_modules_that_is_not_listed_would_be_noticed(tmp_path: Path, module: str) -> None:
    project = copied(tmp_path / "project")
    (project / module).parent.mkdir()
    (project / module).touch()
    [missing] = {*folders_of_modules(project)} - {*DESCRIBED["tool"]["setuptools"]["packages"]}
    assert missing.endswith(Path(module).parent.name)


# --- beside RDK ------------------------------------------------------------------------------------------------------

TEST_LOCAL_OF = ("-c", "import sys; from rdk.cli import main; sys.exit(main())", *TEST_LOCAL)


@pytest.mark.parametrize("way", [from_the_wheel, editable], ids=["wheel", "editable"])
def test_rdk_tests_the_folder_of_the_checkout_though_the_command_is_installed(
    distribution: Distribution, tmp_path: Path, way: Callable[[Path, Distribution], Installation]
) -> None:
    (tmp_path / "installed").mkdir()
    python = way(tmp_path / "installed", distribution).python
    checkout = copied(tmp_path / "checkout")
    ended = run(python, *TEST_LOCAL_OF, folder=checkout)
    assert (passed_tests(ended.stderr), ended.returncode) == (TEST_NAMES, 0), ended.stdout + ended.stderr
    module = checkout / "AWSConfigRuleKMS" / "least_privilege" / "scenarios.py"
    text = module.read_text(encoding="utf-8")
    assert "CMK {id} is disabled" in text
    module.write_text(text.replace("CMK {id} is disabled", "CMK {id} sleeps"), encoding="utf-8")
    ended = run(python, *TEST_LOCAL_OF, folder=checkout)
    failed = [name for name in TEST_NAMES if name not in passed_tests(ended.stderr)]
    assert (failed, ended.returncode) == (["test_scenario_1_disabled_status"], 1), ended.stdout + ended.stderr


def test_the_command_leaves_no_bytecode_in_the_folder_that_rdk_zips(tmp_path: Path) -> None:
    for name in ("AWSConfigRuleKMS", "kms_rule"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    shutil.copy(ROOT / "dev" / "demo" / "security-otter-cmk.json", tmp_path / "key.json")
    settings = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    ended = subprocess.run(
        [sys.executable, "-m", "kms_rule", "check", "key.json"],
        cwd=tmp_path,
        env=settings,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (ended.returncode, ended.stderr) == (1, "")
    assert list((tmp_path / "AWSConfigRuleKMS").rglob("__pycache__")) == []
