"""What a path may be: decoded once, of an allowed alphabet, relative, in one form, never above its root."""

import posixpath
import unicodedata
from urllib.parse import quote, unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions import ids
from functions.artifacts import paths
from functions.errors import NotFound, Unacceptable

RUN = ids.new_run_id("7", 1_700_000_000_000)
MODEL = ids.new_model_id("7", 1_700_000_000_000)

KEPT = [
    "a",
    "model/MLmodel",
    "name with spaces.txt",
    "a+b=c,d;e@f!g(h)[i]{j}~k'l&m$n^o_p-q.r",
    "100%.txt",
    "%2e%2e/%2Fetc%00",
    "images/loss#sub+step+3+timestamp+17.png",
    'what? "quoted" <tag> a|b *',
    "日本語（テスト）・ー.txt",  # noqa: RUF001
    "naïve—résumé…→.txt",
    "नमस्ते/سلام/می\u200cخواهم",  # noqa: RUF001
    "emoji 👩\u200d🔬.png",
    "Screenshot 10.30\u202fPM.png",
    "a..b/..c/d../.e",
    "2026-11-21T10:00:00.ckpt",
    ".hidden",
]
HOSTILE = [
    "",
    ".",
    "..",
    "../x",
    "a/../b",
    "a/..",
    "a/./b",
    "a//b",
    "/a",
    "//host/share",
    "a/",
    "/",
    "...",
    "a/.. /b",
    "a/ ./b",
    " ",
    "a\\b",
    "..\\..\\x",
    "\\\\host\\share",
    "C:/x",
    "c:x",
    "a/C:/x",
    "file:///etc/passwd",
    "s3://other/bucket",
    "a\x00b",
    "a\nb",
    "a\x7fb",
    "a\x85b",
    "a\u2028b",
    "a\u202egpj.exe",
    "a\u200bb",
    "\ufeffa",
    "a\ud800b",
    "a\ue000b",
    "a\U000e0001b",
    "x" * 1025,
    "é" * 513,
    None,
    7,
    b"a",
    ["a"],
]


@pytest.mark.parametrize("path", KEPT)
def test_what_clients_log_is_kept(path):
    """Names with spaces, percent signs, brackets, any script and emoji are paths, and stay as they are."""
    assert paths.file(path) == path
    assert paths.file(unquote(quote(path))) == path


@pytest.mark.parametrize("path", HOSTILE, ids=ascii)
def test_what_leads_elsewhere_is_refused(path):
    """Whatever is absolute, climbs, hides or could be read in another way is a 400 that names the field."""
    with pytest.raises(Unacceptable) as refused:
        paths.file(path)
    assert (refused.value.status, refused.value.field) == (400, "path")


def test_a_second_decoding_never_happens():
    """Percent signs that are left after the one decoding are characters of a name."""
    twice = quote(quote("../../etc/passwd", safe=""), safe="")
    assert paths.file(unquote(twice)) == "..%2F..%2Fetc%2Fpasswd"


@given(st.text(max_size=40) | st.text("ab./\\ %:\0é\u0301#?", max_size=12))
def test_a_path_stays_below_its_root(text):
    """Whatever is taken is in one form, is taken again as itself, and resolves to nothing but itself."""
    try:
        path = paths.file(text)
    except Unacceptable:
        return
    assert unicodedata.is_normalized("NFC", path)
    assert paths.file(path) == path
    assert posixpath.normpath(posixpath.join("/top", path)) == f"/top/{path}"
    assert paths.key("team/", paths.of_run(RUN), path) == f"runs/7/{RUN.text}/artifacts/{path}"
    assert not set(path) & set("\0\\\n\r")


@given(st.text(min_size=1, max_size=20))
def test_both_spellings_of_a_name_are_one_path(text):
    """A name as macOS spells it is the same path as everybody else's spelling."""
    try:
        path = paths.file(text)
    except Unacceptable:
        return
    assert paths.file(unicodedata.normalize("NFD", path)) == path


def test_the_whole_key_counts():
    """A path whose key would be longer than S3 takes, prefix included, is a 400."""
    root = paths.of_run(RUN)
    room = paths.KEY_BYTES - len(f"team/{root}")
    assert paths.key("team/", root, "x" * room).endswith("x" * room)
    with pytest.raises(Unacceptable, match="S3 takes 1024"):
        paths.key("team/", root, "x" * (room + 1))
    with pytest.raises(Unacceptable, match="S3 takes 1024"):
        paths.key("team/", root, "é" * (room // 2 + 1))


@pytest.mark.parametrize("path", ["", "model", "model/data/a b.pkl"])
def test_mlflows_paths_are_read(path):
    """The path of an artifact URI is a run or a logged model, and a path below it."""
    below = f"/{path}" if path else ""
    assert paths.located(f"7/{RUN.text}/artifacts{below}") == (RUN.text, path)
    assert paths.located(f"7/models/{MODEL.text}/artifacts{below}") == (MODEL.text, path)


@pytest.mark.parametrize(
    "text",
    [
        "7",
        "7/{run}",
        "7/{run}/other/a",
        "7/{run}/artifactsx/a",
        "8/{run}/artifacts/a",
        "07/{run}/artifacts/a",
        "7/E{run}/artifacts/a",
        "7/models/{run}/artifacts/a",
        "7/{model}/artifacts/a",
        "8/models/{model}/artifacts/a",
        "7/models/M{model}/artifacts/a",
        "7/models",
        "7/models/artifacts",
        "files/" + "0" * 64,
    ],
)
def test_what_lies_below_no_run_does_not_exist(text):
    """A path that names no run or logged model of that very experiment is a 404."""
    with pytest.raises(NotFound):
        paths.located(text.format(run=RUN.text, model=MODEL.text))


@pytest.mark.parametrize("path", ["..", "../../8", "a/../../x", "a\\..\\b", "/etc/passwd", "a\0"])
def test_mlflows_paths_do_not_climb(path):
    """A path that would leave its run is a 400 before anything is looked for."""
    with pytest.raises(Unacceptable):
        paths.located(f"7/{RUN.text}/artifacts/{path}")


@given(st.text("0123456789abcdef/m-.", max_size=60))
def test_any_text_is_read_or_refused(text):
    """Whatever stands where MLflow's path should is a place, a 400 or a 404."""
    try:
        place = paths.located(text)
    except (Unacceptable, NotFound):
        return
    assert place.owner in text
