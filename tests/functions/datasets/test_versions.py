"""Versions by reference: numbered, immutable, found by number and by word."""

import json

import pytest

from functions.access.policy import Role, Scope
from functions.datasets import service
from functions.errors import NotAllowed, NotFound, Unacceptable
from functions.experiments.service import Dataset
from functions.runs import service as runs
from runhaven.wire.datasets import NewVersion
from runhaven.wire.runs import VersionInput, VersionOutput
from tests.functions.datasets.shelf import NAME, reference


def made(who, name=NAME, **more):
    """The version that a reference makes."""
    return service.create(who, name, reference(**more))[0].version


def test_a_reference_is_kept_whole(ann):
    """A version says where its data lies, what it is and who made it, and nothing is uploaded."""
    told, new = service.create(
        ann,
        NAME,
        reference(schema='{"a": "long"}', rows=150, columns=5, description="flowers", tags={"a/b": "1"}),
    )
    one = told.version
    assert (new, told.missing, one.version, one.dataset) == (True, [], 1, NAME)
    assert (one.kind, one.source, one.source_type) == ("reference", "s3://bucket/iris.csv", "s3")
    assert (one.source_version, len(one.digest), one.files, one.size) == ("v1", 32, 0, 0)
    assert (one.schema, one.rows, one.columns) == ('{"a": "long"}', 150, 5)
    assert one.profile == '{"num_rows": 150, "num_columns": 5}'
    assert (one.description, one.tags, one.created_by) == ("flowers", {"a/b": "1"}, ann.name)
    assert service.version(ann, NAME, "1") == one


def test_numbers_rise_by_one_and_the_newest_is_latest(ann):
    """Each new digest is the next number of its dataset; each dataset counts for itself."""
    numbers = [made(ann, source_version=f"v{each}").version for each in range(3)]
    assert (numbers, made(ann, "other").version) == ([1, 2, 3], 1)
    assert service.version(ann, NAME, "latest").version == 3
    page = service.page(ann, NAME, limit=2)
    assert ([one.version for one in page.versions], page.next) == ([3, 2], 2)
    rest = service.page(ann, NAME, page.next, 2)
    assert ([one.version for one in rest.versions], rest.next) == ([1], None)
    assert service.get(ann, NAME).latest == 3


def test_the_same_digest_is_the_same_version(ann):
    """Whoever says it again, in other words, gets the version that is there, unchanged."""
    first = made(ann, description="first")
    told, new = service.create(ann, NAME, reference(description="second", rows=7))
    assert (told.version, new) == (first, False)
    assert made(ann, source_version="v2", digest=first.digest) == first
    assert len(service.page(ann, NAME).versions) == 1


def test_datasets_are_listed_page_by_page(ann):
    """Each dataset of the team comes once, whatever the size of the pages."""
    names = {f"set {number}" for number in range(5)}
    for name in names:
        made(ann, name)
    seen, after = [], None
    while True:
        page = service.listing(ann, after, 2)
        seen += [one.name for one in page.datasets]
        after = page.next
        if after is None:
            break
    assert (len(seen), set(seen)) == (5, names)


@pytest.mark.parametrize(
    ("more", "field"),
    [
        ({"source": None}, "source"),
        ({"source_version": None}, "digest"),
        ({"digest": "x" * 37}, "digest"),
        ({"digest": "a\0b"}, "digest"),
        ({"source": "https://ann:secret@host/x"}, "source"),
        ({"source": "https://ann@host/x"}, "source"),
        ({"source": "postgres://ann:secret@host/x"}, "source"),
        ({"source": "https://host/x?X-Amz-Signature=abc"}, "source"),
        ({"source": "https://host/x?sv=1&sig=abc"}, "source"),
        ({"source": "https://host/x#access_token=abc"}, "source"),
        ({"source": "jdbc:postgresql://user:pw@h/db"}, "source"),
        ({"source": "JDBC:postgresql://user:pw@h/db"}, "source"),
        ({"source": "jdbc:sqlserver://h;user=a;password=pw"}, "source"),
        ({"source": "jdbc:oracle:thin:user/pw@h:1521:db"}, "source"),
        ({"source": "r2dbc:pool:mysql://user:pw@h/db"}, "source"),
        ({"source": "jdbc:mysql://(host=h,user=u,password=pw)/db"}, "source"),
        ({"source": "jdbc:mysql://h/db?user=u&pwd=x"}, "source"),
        ({"source": "https://h/x?a=1;sig=abc"}, "source"),
        ({"source": "https://h/x?key=AIza"}, "source"),
        ({"source": "https://h/x?Pass=x"}, "source"),
        ({"source": "https://h/x?pass%77d=x"}, "source"),
        ({"source": "https://h/x?X-Amz-Credential=abc"}, "source"),
        ({"source": "https://h/x?x-amz-security-token=abc"}, "source"),
        ({"source": "https://h/x?AWSAccessKeyId=a&Expires=1&Signature=x"}, "source"),
        ({"source": "git+https://ann@h/x"}, "source"),
        ({"source": "https://[host/x"}, "source"),
        ({"source": "s3://a\nb"}, "source"),
        ({"tags": {"a#b": "1"}}, "tags.key"),
        ({"rows": -1}, "rows"),
        ({"tags": {str(number): "x" * 8000 for number in range(20)}}, "tags"),
    ],
)
def test_what_cannot_be_a_reference_is_refused(ann, more, field):
    """Neither a secret nor something that is no digest, tag or count is stored, and no dataset is made."""
    with pytest.raises(Unacceptable) as refused:
        made(ann, **more)
    assert refused.value.field == field
    assert "secret" not in refused.value.message
    assert service.listing(ann).datasets == []


@pytest.mark.parametrize(
    "source",
    [
        "jdbc:postgresql://user@h:5432/db?sslmode=require",
        "jdbc:sqlserver://h;databaseName=a;encrypt=true",
        "jdbc:oracle:thin:@//h:1521/db",
        "abfss://container@account.dfs.core.windows.net/a",
        "s3://bucket/token=5/key=a/part(1),b.csv",
        "https://h/x?monkey=1&page=2&partition_key=a#row=7",
        "https://h:8080/a@v1",
    ],
)
def test_what_only_looks_like_a_secret_is_taken(ann, source):
    """A user's name, a container, a partition and an ordinary parameter let nobody in."""
    assert made(ann, source=source).source == source


def test_a_page_of_versions_ends_by_its_bytes(ann):
    """A page of texts that take three bytes a character stays as small as one of ASCII."""
    schema = json.dumps("尺" * 300_000, ensure_ascii=False)
    for number in range(4):
        made(ann, source_version=f"v{number}", schema=schema)
    page = service.page(ann, NAME)
    assert ([one.version for one in page.versions], page.next) == ([4, 3, 2], 2)


@pytest.mark.parametrize("name", ["", "a/b", ".a", "a ", "x" * 251, "a\0", "..", "a\\b"])
def test_what_cannot_be_a_name_is_refused(ann, name):
    """A dataset's name has letters and digits, and only between them other characters."""
    with pytest.raises(Unacceptable) as refused:
        made(ann, name)
    assert refused.value.field == "name"
    with pytest.raises(NotFound):
        service.get(ann, name)


def test_names_are_the_same_in_every_form(ann):
    """A name that looks the same is the same, whatever its Unicode form."""
    made(ann, "Gro\u0308ße 尺寸")
    assert service.get(ann, "Gr\u00f6ße 尺寸").name == "Gr\u00f6ße 尺寸"


@pytest.mark.parametrize("word", ["0", "2", "-1", "best", "LATEST", "x" * 300, "99999999999999999999", "1.0"])
def test_what_is_no_version_is_not_found(ann, word):
    """Neither a number that was not given nor a word that means nothing leads to a version."""
    made(ann)
    with pytest.raises(NotFound):
        service.version(ann, NAME, word)


def test_a_run_reads_a_version_as_mlflow_s_clients_would_log_it(ann):
    """The input is a dataset of the version's name and digest, so that MLflow's page shows it."""
    from functions.experiments import service as experiments

    one = made(ann, rows=3)
    place = experiments.create(ann, "trials").id
    run_id = runs.create(ann, experiment_id=place).run_id
    tags = {"mlflow.data.context": "train"}
    service.log_inputs(ann, run_id, kept=[VersionInput(NAME, "latest", tags), VersionInput(NAME, 1, {})])
    (read,) = runs.get(ann, run_id).inputs
    assert read.tags == tags
    (body,) = experiments.datasets_of_runs(ann, place, [read.dataset_id]).values()
    assert (body.name, body.digest, body.source_type) == (NAME, one.digest, "s3")
    assert (body.source, body.profile) == ('{"uri": "s3://bucket/iris.csv"}', '{"num_rows": 3}')
    with pytest.raises(NotFound):
        service.log_inputs(ann, run_id, kept=[VersionInput(NAME, 2, {})])


def test_a_run_says_which_version_it_wrote(ann):
    """It is told once, by the version's making or afterwards, and is no output to MLflow's clients."""
    from functions.experiments import service as experiments

    run_id = runs.create(ann, experiment_id=experiments.create(ann, "trials").id).run_id
    one = made(ann, run_id=run_id)
    assert one.run_id == run_id
    assert made(ann, run_id=run_id) == one
    service.log_outputs(ann, run_id, kept=[VersionOutput(NAME, 1)])
    (wrote,) = runs.get(ann, run_id).outputs
    assert (wrote.model_id, len(wrote.dataset_id)) == ("", 32)
    assert experiments.dataset_summaries(ann, [runs.get(ann, run_id).experiment_id]) == []
    runs.delete(ann, run_id)
    with pytest.raises(Unacceptable):
        made(ann, source_version="v2", run_id=run_id)
    with pytest.raises(NotFound):
        made(ann, source_version="v3", run_id="0" * 32)
    assert service.get(ann, NAME).latest == 1


def test_roles_and_scopes(back_end, ann):
    """Viewers read, contributors make and reword versions, maintainers delete them; a log token logs runs."""
    viewer, contributor = back_end.who(Role.VIEWER), back_end.who(Role.CONTRIBUTOR)
    log = back_end.who(Role.CONTRIBUTOR, scope=Scope.LOG, token="t")
    made(contributor)
    assert service.version(viewer, NAME, "1").version == 1
    refused = [
        lambda: made(viewer, source_version="v2"),
        lambda: service.alias(viewer, NAME, "best", 1),
        lambda: service.reword(viewer, NAME, "x", {}),
        lambda: service.reword_version(viewer, NAME, "1", "x", {}),
        lambda: service.delete(contributor, NAME, 1),
        lambda: made(log, source_version="v2"),
        lambda: service.get(log, NAME),
        lambda: service.offer(viewer, NAME, []),
    ]
    for verb in refused:
        with pytest.raises(NotAllowed):
            verb()
    from functions.experiments import service as experiments

    mine = runs.create(log, experiment_id=experiments.create(ann, "trials").id).run_id
    with pytest.raises(NotAllowed):  # its source and schema would stand in the run
        service.log_inputs(log, mine, kept=[VersionInput(NAME, 1)])
    with pytest.raises(NotAllowed):
        service.log_outputs(log, mine, kept=[VersionOutput(NAME, 1)])
    service.log_inputs(log, mine, datasets=[(Dataset(NAME, "v1", "s3", "{}"), {})])
    theirs = runs.create(ann, experiment_id=runs.get(ann, mine).experiment_id).run_id
    with pytest.raises(NotAllowed):
        service.log_inputs(log, theirs, datasets=[(Dataset(NAME, "v1", "s3", "{}"), {})])


def test_another_team_has_its_own(back_end, ann):
    """A dataset of the same name in another team is another one, and this one does not exist there."""
    other = back_end.who(team=f"{back_end.team}-other")
    made(ann)
    for verb in (service.get, service.page):
        with pytest.raises(NotFound):
            verb(other, NAME)
    with pytest.raises(NotFound):
        service.version(other, NAME, "latest")
    assert service.listing(other).datasets == []
    made(other, source_version="v9")
    assert service.version(ann, NAME, "1").source_version == "v1"


def test_a_version_is_reference_or_files(ann):
    """Neither both nor nothing is a version."""
    with pytest.raises(Unacceptable):
        service.create(ann, NAME, NewVersion())
