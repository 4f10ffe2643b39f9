"""The drawing of the errors is the tree of their classes."""

import re

from functions import errors

LINE = re.compile(r"^(?P<indent>[│├└─ ]*)(?P<name>\w+) +(?P<status>\d{3}) +(?P<code>[A-Z_]+)$", re.MULTILINE)


def drawn():
    """Each error of the drawing with its parent, status and code."""
    found, above = {}, {}
    for line in LINE.finditer(errors.__doc__):
        depth = len(line["indent"]) // 3
        above[depth] = line["name"]
        found[line["name"]] = (above.get(depth - 1), int(line["status"]), line["code"])
    return found


def classes(root, parent=None):
    """Each class of the tree with its parent, status and code."""
    found = {root.__name__: (parent, root.status, root.code)}
    for child in root.__subclasses__():
        if child.__module__ == errors.__name__:
            found |= classes(child, root.__name__)
    return found


def test_the_drawing_equals_the_classes():
    """Every error stands in the drawing below its parent, with its status and MLflow's word."""
    assert drawn() == classes(errors.HouseError)


def test_errors_have_one_home():
    """No other module of the server adds a branch to the tree: both dialects could not answer it."""
    import functions.app  # noqa: F401  (brings the rooms along)

    assert {child.__module__ for child in subclasses(errors.HouseError)} == {errors.__name__}


def subclasses(root):
    """All classes below a class."""
    return {each for child in root.__subclasses__() for each in {child} | subclasses(child)}
