import random

import pytest

from functions import ids, table
from functions.access import grants
from functions.access.policy import Action, Role, Scope
from functions.errors import AlreadyExists, NotAllowed, NotFound, Unacceptable
from functions.experiments import service


@pytest.fixture
def ann(back_end):
    """An owner of the team."""
    return back_end.who()


def test_an_experiment_is_found_by_its_id_and_by_its_name(ann):
    """What was created is read back whole, by id and by name."""
    made = service.create(ann, "first", {"owner": "ann", "mlflow.note.content": "# Why"})
    assert service.get(ann, made.id) == made
    assert service.by_name(ann, "first") == made
    assert made.tags == {"owner": "ann", "mlflow.note.content": "# Why"}
    assert (made.lifecycle, made.created_at) == ("active", made.updated_at)
    assert ids.parse_experiment_id(made.id) == made.id


@pytest.mark.parametrize("unknown", ["7", "abc", "", "0x7", "-1", str(2**40), "07", "٣"])
def test_an_unknown_id_is_not_found(ann, unknown):
    """An id that nobody made, or that cannot be one, does not exist."""
    with pytest.raises(NotFound):
        service.get(ann, unknown)


def test_an_unknown_name_is_not_found(ann):
    """A name that nobody took leads nowhere, whatever is in it."""
    for name in ("nobody", "", "\ud800", "x" * 5000):
        with pytest.raises(NotFound):
            service.by_name(ann, name)


def test_a_name_is_taken_once(ann):
    """A second experiment of the same name is refused."""
    service.create(ann, "one")
    with pytest.raises(AlreadyExists, match="already exists"):
        service.create(ann, "one")


def test_equal_names_in_unicode_are_one_name(ann):
    """Names that look the same are the same, and are stored in the form NFC."""
    made = service.create(ann, "Cafe\u0301")
    assert made.name == "Caf\u00e9"
    assert service.by_name(ann, "Cafe\u0301") == service.by_name(ann, "Caf\u00e9") == made
    with pytest.raises(AlreadyExists):
        service.create(ann, "Caf\u00e9")


@pytest.mark.parametrize("name", ["", "   ", "\n", "x" * 501, "half \ud83d", None, 7, b"x"])
def test_a_bad_name_is_refused(ann, name):
    """A name has 1 to 500 characters of valid text and is not blank."""
    with pytest.raises(Unacceptable) as refused:
        service.create(ann, name)
    assert refused.value.field == "name"


@pytest.mark.parametrize("name", ["x" * 500, "学" * 500, "a/b#c", "E#0", "😀", "' OR 1=1", "\u0000"])
def test_any_other_name_is_kept(ann, name):
    """Whatever else is in a name, it comes back as it was sent."""
    made = service.create(ann, name)
    assert made.name == name
    assert service.by_name(ann, name) == made


@pytest.mark.parametrize(
    ("key", "value", "field"),
    [
        ("", "x", "key"),
        ("k" * 251, "x", "key"),
        ("a/../b", "x", "key"),
        ("/a", "x", "key"),
        ("a#b", "x", "key"),
        ("k", "v" * 20_001, "value"),
        ("k", "\udc00", "value"),
        ("k", None, "value"),
        ("runhaven.goal.loss", "down", "runhaven.goal.loss"),
        ("runhaven.goal.loss", "MIN", "runhaven.goal.loss"),
        ("runhaven.goal.", "min", "runhaven.goal."),
        ("runhaven.primary", "", "runhaven.primary"),
        ("runhaven.primary", "a//b", "runhaven.primary"),
    ],
)
def test_a_bad_tag_is_refused(ann, key, value, field):
    """A tag that breaks a limit names its field, and then nothing is written."""
    made = service.create(ann, "one")
    for attempt in (
        lambda: service.set_tag(ann, made.id, key, value),
        lambda: service.create(ann, "two", {key: value}),
    ):
        with pytest.raises(Unacceptable) as refused:
            attempt()
        assert refused.value.field == field
    assert service.listing(ann) == [made]


def test_tags_are_set_and_removed(ann):
    """A tag is set, overwritten and removed; removing one that is not there is not found."""
    made = service.create(ann, "one", {"a": "1"})
    service.set_tag(ann, made.id, "b/c", "2")
    service.set_tag(ann, made.id, "a", "")
    assert service.get(ann, made.id).tags == {"a": "", "b/c": "2"}
    assert service.delete_tag(ann, made.id, "a").tags == {"b/c": "2"}
    with pytest.raises(NotFound):
        service.delete_tag(ann, made.id, "a")


def test_goals_are_tags(ann):
    """Tags say which way a metric is better, and which metric is the primary one."""
    made = service.create(ann, "one", {"runhaven.goal.val/loss": "min", "runhaven.primary": "val/loss"})
    service.set_tag(ann, made.id, "runhaven.goal.f1", "max")
    found = service.get(ann, made.id)
    assert (found.goals, found.primary) == ({"val/loss": "min", "f1": "max"}, "val/loss")
    assert service.create(ann, "none").goals == {}
    assert service.create(ann, "no primary").primary is None


def test_tags_end_where_an_item_ends(ann):
    """Tags that outgrow an item are refused by name, and what was there stays."""
    noise = random.Random(1)
    text = ["".join(chr(noise.randrange(0x4E00, 0x9FFF)) for _ in range(20_000)) for _ in range(12)]
    made = service.create(ann, "one")
    for number, value in enumerate(text[:6]):
        made = service.set_tag(ann, made.id, f"t{number}", value)
    with pytest.raises(Unacceptable) as refused:
        [service.set_tag(ann, made.id, f"t{number}", value) for number, value in enumerate(text)]
    assert refused.value.field == "tags"
    assert service.get(ann, made.id).tags.items() >= made.tags.items()
    with pytest.raises(Unacceptable):
        service.create(ann, "two", {f"t{number}": value for number, value in enumerate(text)})
    with pytest.raises(NotFound):
        service.by_name(ann, "two")


def test_tags_end_where_an_answer_would(ann):
    """Tags that repeat themselves take little room, but not more than a megabyte in an answer."""
    made = service.create(ann, "one", {f"t{number}": "x" * 20_000 for number in range(52)})
    with pytest.raises(Unacceptable) as refused:
        service.set_tag(ann, made.id, "one more", "x" * 20_000)
    assert refused.value.field == "tags"


def test_every_change_is_later_than_the_one_before(ann):
    """`updated_at` grows with every change, and stays where nothing changes."""
    made = service.create(ann, "one")
    changes = [
        lambda: service.set_tag(ann, made.id, "a", "1"),
        lambda: service.set_tag(ann, made.id, "a", "2"),
        lambda: service.delete_tag(ann, made.id, "a"),
        lambda: service.rename(ann, made.id, "two"),
        lambda: service.delete(ann, made.id),
        lambda: service.restore(ann, made.id),
    ]
    times = [made.updated_at, *(change().updated_at for change in changes)]
    assert times == sorted(set(times))
    service.set_tag(ann, made.id, "a", "1")
    before = service.get(ann, made.id)
    assert service.set_tag(ann, made.id, "a", "1") == service.rename(ann, made.id, "two") == before
    assert before.created_at == made.created_at


def test_a_change_is_later_even_when_the_clock_is_not(ann):
    """An experiment that was made by a clock ahead of ours still moves forward with each change."""
    ahead = ids.now_ms() + 60_000
    table.transact(*service.founding(grants.grant(ann, Action.MANAGE), ahead))
    assert service.set_tag(ann, "0", "a", "1").updated_at == ahead + 1
    assert service.set_tag(ann, "0", "a", "2").updated_at == ahead + 2


def test_a_deleted_experiment_can_be_read_and_restored(ann):
    """Deleting hides nothing from get and get-by-name, and restoring says when."""
    made = service.create(ann, "one")
    gone = service.delete(ann, made.id)
    assert gone.lifecycle == "deleted"
    assert service.get(ann, made.id) == service.by_name(ann, "one") == gone
    back = service.restore(ann, made.id)
    assert (back.lifecycle, back.deleted_at) == ("active", None)
    assert back.restored_at >= gone.deleted_at


def test_deleting_twice_and_restoring_an_active_one_is_not_found(ann):
    """There is no active experiment to delete twice and no deleted one to restore."""
    made = service.create(ann, "one")
    with pytest.raises(NotFound):
        service.restore(ann, made.id)
    service.delete(ann, made.id)
    with pytest.raises(NotFound):
        service.delete(ann, made.id)


def test_a_deleted_experiment_keeps_its_name_and_does_not_change(ann):
    """Its name stays reserved, and the refusal says that it is deleted; rename and tags are refused."""
    made = service.create(ann, "one", {"a": "1"})
    gone = service.delete(ann, made.id)
    with pytest.raises(AlreadyExists, match="deleted"):
        service.create(ann, "one")
    with pytest.raises(Unacceptable):
        service.rename(ann, made.id, "two")
    with pytest.raises(Unacceptable):
        service.set_tag(ann, made.id, "a", "2")
    with pytest.raises(Unacceptable):
        service.delete_tag(ann, made.id, "a")
    assert service.get(ann, made.id) == gone


def test_renaming_moves_the_name(ann):
    """The new name is taken and the old one is free."""
    made = service.create(ann, "one", {"a": "1"})
    assert service.rename(ann, made.id, "two").name == "two"
    assert service.by_name(ann, "two").id == made.id
    with pytest.raises(NotFound):
        service.by_name(ann, "one")
    assert service.create(ann, "one").id != made.id
    assert service.get(ann, made.id).tags == {"a": "1"}


def test_a_taken_name_is_not_given_twice_by_renaming(ann):
    """Renaming to another experiment's name is refused and changes neither."""
    one, two = service.create(ann, "one"), service.create(ann, "two")
    with pytest.raises(AlreadyExists):
        service.rename(ann, one.id, "two")
    assert (service.by_name(ann, "one"), service.by_name(ann, "two")) == (one, two)


@pytest.mark.parametrize("verb", [service.delete, service.restore, lambda w, i: service.rename(w, i, "x")])
def test_changing_what_is_not_there_is_not_found(ann, verb):
    """Only an experiment that exists can be changed."""
    with pytest.raises(NotFound):
        verb(ann, "123")


def test_a_new_team_has_a_default_experiment(back_end, ann):
    """The founding writes make experiment "0", named Default, which can be changed like any other."""
    table.transact(*service.founding(grants.grant(ann, Action.MANAGE), 1234))
    found = service.get(ann, "0")
    assert (found.id, found.name, found.created_at) == ("0", "Default", 1234)
    with pytest.raises(AlreadyExists):
        service.create(ann, "Default")
    service.delete(ann, "0")
    service.restore(ann, "0")
    assert service.rename(ann, "0", "other").name == "other"
    service.create(ann, "Default")


def test_teams_do_not_see_each_other(back_end, ann):
    """The same name in another team is another experiment, and an id of ours means nothing there."""
    bob = back_end.who(team=f"{back_end.team}-2")
    mine, theirs = service.create(ann, "one"), service.create(bob, "one")
    assert mine.id != theirs.id
    with pytest.raises(NotFound):
        service.get(bob, mine.id)
    with pytest.raises(NotFound):
        service.delete(bob, mine.id)
    assert service.listing(bob) == [theirs]


def test_a_viewer_reads_and_a_contributor_does_not_delete(back_end, ann):
    """Each role does what it may and no more."""
    viewer, contributor = back_end.who(Role.VIEWER), back_end.who(Role.CONTRIBUTOR)
    made = service.create(contributor, "one")
    assert service.get(viewer, made.id) == service.by_name(viewer, "one") == made
    for refused in (
        lambda: service.create(viewer, "two"),
        lambda: service.set_tag(viewer, made.id, "a", "1"),
        lambda: service.rename(viewer, made.id, "two"),
        lambda: service.delete(contributor, made.id),
        lambda: service.restore(contributor, made.id),
    ):
        with pytest.raises(NotAllowed):
            refused()
    assert service.listing(viewer) == [made]


def test_a_log_token_reads_and_creates_experiments_and_nothing_else(back_end, ann):
    """What a stock client needs to log is open to a token of scope log: get, get by name and create."""
    logger = back_end.who(scope=Scope.LOG, token="t1")
    made = service.create(logger, "one")
    assert service.get(logger, made.id) == service.by_name(logger, "one") == made
    for refused in (
        lambda: service.listing(logger),
        lambda: service.page(logger, None, 10),
        lambda: service.set_tag(logger, made.id, "a", "1"),
        lambda: service.delete_tag(logger, made.id, "a"),
        lambda: service.rename(logger, made.id, "two"),
        lambda: service.delete(logger, made.id),
    ):
        with pytest.raises(NotAllowed):
            refused()


def test_pages_hold_every_experiment_once(ann):
    """Page after page gives all of them, deleted ones too, and the last page says that it is the last."""
    made = {service.create(ann, f"e{number}").id for number in range(7)}
    service.delete(ann, min(made))
    seen, after = [], None
    while True:
        some, after = service.page(ann, after, 3)
        seen += [one.id for one in some]
        if after is None:
            break
    assert sorted(made) == seen
    assert {one.id for one in service.listing(ann)} == made
