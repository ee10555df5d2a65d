"""The house keeps its own rules: rooms are documented, files and functions stay small, nothing shadows the library."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = (ROOT / "broker" / "watership", ROOT / "operator" / "watership_operator")
FILE_LINES, FUNCTION_LINES = 500, 60


def rooms() -> set[str]:
    folders = {f for package in PACKAGES for f in (package, *package.rglob("*")) if f.is_dir()}
    return {f"{f.relative_to(ROOT)}/" for f in folders if not {"__pycache__"} & set(f.parts) and any(f.iterdir())}


def sources() -> list[Path]:
    folders = (*PACKAGES, ROOT / "tests", ROOT / "benchmarks", ROOT / "examples")
    found = (p for folder in folders for p in folder.rglob("*.py*") if p.suffix in {".py", ".pyx", ".pxd", ".pyi"})
    return sorted(p for p in found if "generated" not in p.read_text()[:300].lower())


def test_architecture_names_every_room_and_no_other():
    named = set(
        re.findall(r"^\| `((?:broker|operator)/[^`]*/)` \|", (ROOT / "ARCHITECTURE.md").read_text(), re.MULTILINE)
    )
    assert named == rooms()


def test_operator_folder_does_not_shadow_the_standard_library():
    assert not (ROOT / "operator" / "__init__.py").exists()


def test_no_file_outgrows_its_budget():
    lengths = {str(p.relative_to(ROOT)): p.read_text().count("\n") for p in sources()}
    assert {p: n for p, n in lengths.items() if n > FILE_LINES} == {}


def test_no_function_outgrows_its_budget():
    long = {}
    for path in sources():
        if path.suffix != ".py":
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                length = (node.end_lineno or node.lineno) - node.lineno + 1
                if length > FUNCTION_LINES:
                    long[f"{path.relative_to(ROOT)}:{node.lineno} {node.name}"] = length
    assert long == {}


def test_names_say_something():
    empty = {"util", "utils", "helper", "helpers", "common", "manager", "misc"}
    assert [str(p) for p in sources() if p.stem in empty] == []


@pytest.mark.parametrize("document", ["README.md", "CONTRIBUTING.md"])
def test_documents_name_only_make_targets_that_exist(document: str):
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert set(re.findall(r"\bmake ([a-z-]+)", (ROOT / document).read_text())) - targets == set()


def test_documents_link_only_to_what_exists():
    documents = (*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"))
    links = [(d, target) for d in documents for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", d.read_text())]
    assert [f"{d.name}: {target}" for d, target in links if not (d.parent / target).exists()] == []
