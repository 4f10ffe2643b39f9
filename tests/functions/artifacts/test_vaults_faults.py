"""When a team's account shuts the house out, STS is down or a session ends early: that team hears why."""

import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from threading import Barrier, Event
from urllib.parse import parse_qs, parse_qsl, urlsplit

import pytest

from functions.artifacts import sessions, vaults
from functions.errors import Busy, Unacceptable, Unavailable
from functions.roles import Slot
from tests.functions.artifacts import towns
from tests.functions.artifacts.weather import Weather, body

DOWN = [(0, ""), (503, "ServiceUnavailable"), (500, "InternalFailure"), (400, "Throttling")]
MINUTE = 60


@pytest.fixture(scope="module")
def town():
    """Vaults of red and blue on an AWS in this process."""
    with towns.on_moto() as town:
        yield town


@pytest.fixture(autouse=True)
def weather(town):
    """What AWS answers a house that has entered no vault yet."""
    sessions.forget()
    return Weather()


def lapse(vault):
    """The time passes for which a refusal is remembered."""
    assert sessions._working.slots[vault].until > time.time()
    sessions._working.slots[vault].until = 0


def age(vault, left):
    """The time passes until a session has so many seconds left."""
    sessions._working.slots[vault].session.ends = time.time() + left


def life(url):
    return int(dict(parse_qsl(urlsplit(url).query))["X-Amz-Expires"])


def test_a_session_is_entered_once_and_renewed_in_time(town, weather):
    """One call of STS serves until less than 20 minutes remain; then one more."""
    for _ in range(3):
        first = sessions.session(town.red)
    assert weather.count("AssumeRole") == 1
    age(town.red, 20 * MINUTE + 5)
    assert sessions.session(town.red) is first
    age(town.red, 20 * MINUTE - 5)
    assert sessions.session(town.red) is not first
    assert weather.count("AssumeRole") == 2


def test_sts_is_asked_with_the_vault_s_own_words(town, weather):
    """The role, the ExternalId, an hour, the policy of the prefix, and a name that says whose it is."""
    sessions.session(town.red)
    said = parse_qs(weather.bodies("AssumeRole")[0])
    assert said["RoleArn"] == [town.red.role_arn]
    assert said["ExternalId"] == [town.red.external_id]
    assert said["DurationSeconds"] == ["3600"]
    assert said["Policy"] == [sessions.session_policy(town.red)]
    assert said["RoleSessionName"] == ["runhaven-red"]


@pytest.mark.parametrize(
    "more",
    [{"team": "red2"}, {"prefix": "runhaven/other/"}, {"external_id": "other"}, {"kms_key": "arn:aws:kms:x"}],
    ids=lambda more: next(iter(more)),
)
def test_a_session_serves_one_vault_only(town, weather, more):
    """Two vaults that differ in anything, be it only the team, share no session."""
    other = replace(town.red, **more)
    assert sessions.session(town.red) is not sessions.session(other)
    assert weather.count("AssumeRole") == 2


def test_many_at_once_enter_once(town, weather):
    """Sixteen requests of one moment for a cold vault cost one call of STS."""
    together = Barrier(16)

    def enter(_):
        together.wait()
        return sessions.session(town.red)

    with ThreadPoolExecutor(16) as pool:
        found = list(pool.map(enter, range(16)))
    assert len({id(each) for each in found}) == weather.count("AssumeRole") == 1


def test_nobody_waits_for_a_renewal(town, weather):
    """While one request renews a session that still has minutes, the others go on with it."""
    known, begun, go_on = sessions.session(town.red), Event(), Event()
    age(town.red, 10 * MINUTE)

    def slowly(_request):
        begun.set()
        go_on.wait(20)

    weather.rules["AssumeRole"] = slowly
    with ThreadPoolExecutor(1) as pool:
        renewing = pool.submit(sessions.session, town.red)
        assert begun.wait(20)
        assert sessions.session(town.red) is known
        go_on.set()
        assert renewing.result(20) is not known


@pytest.mark.parametrize("down", DOWN, ids=lambda down: str(down[0]))
def test_while_sts_is_down_known_sessions_go_on(town, weather, down):
    """A session that cannot be renewed serves to its last minute, and its URLs end with it."""
    known = sessions.session(town.red)
    weather.rules["AssumeRole"] = lambda _: down
    age(town.red, 5 * MINUTE)
    assert sessions.session(town.red) is known
    assert 4 * MINUTE < life(vaults.presign_get(town.red, "a").url) <= 5 * MINUTE
    age(town.red, MINUTE - 1)
    with pytest.raises(Unavailable) as missed:
        vaults.presign_get(town.red, "a")
    assert missed.value.retry_after


@pytest.mark.parametrize("down", DOWN, ids=lambda down: str(down[0]))
def test_while_sts_is_down_a_cold_vault_is_unavailable(town, weather, down):
    """Without a session it is 503, at once for two seconds, and right again when STS is."""
    weather.rules["AssumeRole"] = lambda _: down
    for _ in range(5):
        with pytest.raises(Unavailable):
            sessions.session(town.red)
    assert weather.count("AssumeRole") <= 2
    weather.rules.clear()
    lapse(town.red)
    assert sessions.session(town.red)


@pytest.mark.parametrize("code", ["ExpiredToken", "InvalidClientTokenId", "SignatureDoesNotMatch"])
def test_the_house_s_own_fault_is_not_the_team_s(town, weather, code):
    """When STS does not take the house's own credentials, no team is told to mend its role."""
    weather.rules["AssumeRole"] = lambda _: (403, code)
    with pytest.raises(Unavailable):
        sessions.session(town.red)


@pytest.mark.parametrize(
    "refusal", [(403, "AccessDenied"), (403, "RegionDisabledException"), (400, "ValidationError")]
)
def test_a_team_that_shuts_the_house_out_hears_it(town, weather, refusal):
    """Role gone, trust changed, ExternalId wrong: 400 for that team, with a cure, and all others work."""
    weather.rules["AssumeRole"] = lambda sent: refusal if town.red.external_id in body(sent) else None
    for call in (vaults.presign_put, vaults.presign_get, vaults.head, vaults.create_upload):
        with pytest.raises(Unacceptable, match=rf"vault of team 'red'.*{refusal[1]}.*/v1/vault/check"):
            call(town.red, "a")
    assert vaults.put_small(town.blue, "a", b"x")


def test_a_refusal_is_no_storm(town, weather):
    """It is remembered for ten seconds, however often the team's clients try again."""
    weather.rules["AssumeRole"] = lambda _: (403, "AccessDenied")
    for _ in range(50):
        with pytest.raises(Unacceptable):
            sessions.session(town.red)
    assert weather.count("AssumeRole") == 1
    weather.rules.clear()
    lapse(town.red)
    assert sessions.session(town.red)


def test_a_withdrawn_trust_ends_the_known_session(town, weather):
    """A refused renewal is not waited out with the old session, not even when STS is down later."""
    sessions.session(town.red)
    age(town.red, 10 * MINUTE)
    weather.rules["AssumeRole"] = lambda _: (403, "AccessDenied")
    for _ in range(2):
        with pytest.raises(Unacceptable):
            vaults.presign_get(town.red, "a")
    lapse(town.red)
    weather.rules["AssumeRole"] = lambda _: (503, "ServiceUnavailable")
    with pytest.raises(Unavailable):
        vaults.presign_get(town.red, "a")


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (403, "AccessDenied"), (403, "AllAccessDisabled"), (404, "NoSuchBucket"), (301, "PermanentRedirect"),
        (400, "KMS.DisabledException"), (400, "KMS.KMSInvalidStateException"), (400, "KMS.NotFoundException"),
    ],
)  # fmt: skip
def test_a_bucket_that_fails_is_that_team_s_trouble(town, weather, status, code):
    """Bucket gone or denied, key disabled: 400 with the code for that team only, and no role is swapped."""
    vaults.put_small(town.red, "a", b"x")
    weather.rules["PutObject"] = lambda request: (status, code) if town.red.bucket in request.url else None
    with pytest.raises(Unacceptable, match=rf"vault of team 'red'.*{code}"):
        vaults.put_small(town.red, "a", b"y")
    assert vaults.put_small(town.blue, "a", b"y")
    assert weather.count("AssumeRole") == 2


@pytest.mark.parametrize(
    ("status", "code", "kind"),
    [
        (503, "SlowDown", Busy), (400, "KMS.ThrottlingException", Busy), (0, "", Unavailable),
        (500, "InternalError", Unavailable), (503, "ServiceUnavailable", Unavailable),
        (400, "RequestTimeout", Unavailable),
    ],
)  # fmt: skip
def test_a_bad_moment_of_s3_is_to_be_repeated(town, weather, status, code, kind):
    """Throttling is 429 and a failure 503, both with the time after which to try again."""
    sessions.session(town.red)
    weather.rules["ListObjectsV2"] = lambda _: (status, code)
    with pytest.raises(kind) as missed:
        list(vaults.listing(town.red, "empty/"))
    assert missed.value.retry_after
    weather.rules.clear()
    assert list(vaults.listing(town.red, "empty/")) == []


@pytest.mark.parametrize("code", ["ExpiredToken", "InvalidToken", "InvalidAccessKeyId"])
def test_a_session_that_ends_early_is_replaced(town, weather, code):
    """The call is repeated with a new session, and the old one is used no more."""
    known = sessions.session(town.red)
    weather.rules["PutObject"] = lambda request: (
        (403, code) if known.access_key in str(request.headers) else None
    )
    assert vaults.put_small(town.red, "a", b"x").size == 1
    assert sessions.session(town.red) is not known
    assert weather.count("AssumeRole") == 2


def test_a_session_that_is_never_taken_is_replaced_once(town, weather):
    """An account that refuses every session costs one more call of STS, not an endless loop."""
    weather.rules["PutObject"] = lambda _: (403, "InvalidAccessKeyId")
    with pytest.raises(Unacceptable, match="InvalidAccessKeyId"):
        vaults.put_small(town.red, "a", b"x")
    assert weather.count("AssumeRole") == weather.count("PutObject") == 2


def test_a_completion_that_fails_with_200_is_tried_again(town, weather):
    """S3 may begin its answer with 200 and end it with an error: that failed, and the SDK repeats it."""
    upload = vaults.create_upload(town.red, "a")
    client = towns.own_client(town.red)
    client.upload_part(Bucket=town.red.bucket, Key="runhaven/red/a", UploadId=upload, PartNumber=1, Body=b"x")
    answers = [(200, "InternalError")]
    weather.rules["CompleteMultipartUpload"] = lambda _: answers.pop() if answers else None
    arrived = vaults.parts(town.red, "a", upload)
    assert vaults.complete_upload(town.red, "a", upload, arrived).etag
    assert vaults.head(town.red, "a").size == 1


def test_what_s3_hides_is_looked_for_in_a_list(town, weather):
    """S3 answers 403 for a missing object where listing is cut to a prefix: a list tells which it is."""
    vaults.put_small(town.red, "there", b"x")
    weather.rules["HeadObject"] = weather.rules["GetObject"] = lambda _: (403, "AccessDenied")
    assert vaults.head(town.red, "none") is vaults.read_small(town.red, "none") is None
    for look in (vaults.head, vaults.read_small):
        with pytest.raises(Unacceptable, match="vault of team 'red'"):
            look(town.red, "there")


def test_sessions_are_forgotten_beyond_a_number(town):
    """Of more vaults than a process remembers, the least used are entered again."""
    first = sessions.session(town.red)
    for number in range(sessions._MOST_VAULTS):
        sessions._working.slots.setdefault(replace(town.blue, team=f"team-{number}"), Slot())
    sessions.session(town.blue)
    assert len(sessions._working.slots) == sessions._MOST_VAULTS
    assert sessions.session(town.red) is not first
