"""The house's own source, read once, for the rules about it."""

import ast
import functools
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]


def files(*tops: str) -> list[Path]:
    """Every Python file below the top-level folders, as a path from the root."""
    found = (path.relative_to(ROOT) for top in tops for path in (ROOT / top).rglob("*.py"))
    return sorted(path for path in found if not any(part.startswith(".") for part in path.parts))


@functools.cache
def tree(path: Path) -> ast.Module:
    """The syntax tree of a file."""
    return ast.parse((ROOT / path).read_text("utf-8"), str(path))


def module(path: Path) -> str:
    """The dotted name under which a file is imported."""
    parts = [*path.parent.parts, *([] if path.stem == "__init__" else [path.stem])]
    return ".".join(parts[1:] if parts[0] == "sdk" else parts)


def functions(node: ast.AST) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    """Every function and method below a node."""
    return (each for each in ast.walk(node) if isinstance(each, ast.FunctionDef | ast.AsyncFunctionDef))


def imports(path: Path) -> set[str]:
    """The dotted names of every module that a file imports anywhere, also by `import_module("...")`."""
    found = set()
    for node in ast.walk(tree(path)):
        match node:
            case ast.Import(names=names):
                found |= {name.name for name in names}
            case ast.ImportFrom(module=str(origin), names=names):
                found |= {f"{origin}.{name.name}" if is_package(origin) else origin for name in names}
            case ast.Call(
                func=ast.Name(id=called) | ast.Attribute(attr=called),
                args=[ast.Constant(value=str(origin)), *_],
            ):
                found |= {origin} if called in {"import_module", "__import__"} else set()
    return found


def is_package(dotted: str) -> bool:
    """Whether a name of ours is a folder, so that what is imported from it is a module."""
    return any((ROOT / top / dotted.replace(".", "/")).is_dir() for top in ("", "sdk"))


def called(node: ast.Call) -> str:
    """The last word of what is called: `Key` in `table.Key(...)`."""
    match node.func:
        case ast.Name(id=word) | ast.Attribute(attr=word):
            return word
    return ""
