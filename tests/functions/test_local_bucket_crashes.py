"""A house that dies between any two statements to the index leaves the objects as before or as after."""

import multiprocessing
import os
import signal

import pytest

from functions.local_objects import Objects
from functions.local_uploads import Uploads

SPAWN = multiprocessing.get_context("spawn")
BUCKET = "bucket"


def drafted(objects, body):
    """A finished draft."""
    draft = objects.draft(BUCKET)
    draft.write(body)
    draft.finish()
    return draft


def prepare(uploads):
    """Two versions of an object, an object, and an upload with two parts, one of them sent twice."""
    objects = uploads.objects
    for key, body in [("twice", b"1"), ("twice", b"2"), ("plain", b"3")]:
        objects.put(BUCKET, key, drafted(objects, body))
    upload = uploads.begin(BUCKET, "big", {})
    for body in (b"4", b"5"):
        uploads.put_part(upload, 1, drafted(objects, body), "")
    uploads.put_part(upload, 2, drafted(objects, b"6"), "")


def first_part(uploads):
    """What completes the upload with its first part."""
    (upload,) = uploads.listing(BUCKET)
    return upload, [(part.number, part.etag, "") for part in uploads.parts(upload, limit=1)]


WORK = {
    "put": lambda uploads: uploads.objects.put(BUCKET, "plain", drafted(uploads.objects, b"new")),
    "put in place": lambda uploads: uploads.objects.put(
        BUCKET, "alone", drafted(uploads.objects, b"new"), versioned=False
    ),
    "delete": lambda uploads: uploads.objects.delete(BUCKET, "twice"),
    "purge": lambda uploads: uploads.objects.delete(
        BUCKET, "twice", uploads.objects.newest(BUCKET, "twice").version
    ),
    "part": lambda uploads: uploads.put_part(first_part(uploads)[0], 1, drafted(uploads.objects, b"new"), ""),
    "complete": lambda uploads: uploads.complete(*first_part(uploads)),
    "abort": lambda uploads: uploads.abort(first_part(uploads)[0]),
}


def state(directory):
    """All that a new house shows; each file is somebody's, and each object's bytes are there."""
    with Objects(directory) as objects:
        uploads = Uploads(objects)
        stored = objects.versions(BUCKET, limit=100)
        begun = [(each.key, uploads.parts(each)) for each in uploads.listing(BUCKET)]
        named = {name for each in stored for name, _ in each.files}
        named |= {part.file for _, parts in begun for part in parts}
        assert {path.name for path in directory.glob("*/??/*")} == named
        seen = [(each.key, each.marker, each.latest, b"".join(objects.read(each))) for each in stored]
        return seen, [(key, [(part.number, part.etag) for part in parts]) for key, parts in begun]


def die(directory, work, statement):
    """Do the work, and die before that many statements have been executed."""
    objects, left = Objects(directory), iter(range(statement))
    objects.db.set_trace_callback(
        lambda _: next(left, None) is not None or os.kill(os.getpid(), signal.SIGKILL)
    )
    WORK[work](Uploads(objects))
    os._exit(0)  # alive to the end


def die_again_and_again(directory, work, wire):
    """Tell what there is before and after the work, for each statement before which a house can die."""
    for statement in range(1, 30):
        folder = directory / str(statement)
        with Objects(folder) as objects:
            prepare(Uploads(objects))
            objects.put(BUCKET, "alone", drafted(objects, b"old"), versioned=False)
        before = state(folder)
        house = os.fork()
        if house == 0:
            die(folder, work, statement)
        died = os.WIFSIGNALED(os.waitpid(house, 0)[1])
        wire.send((died, before, state(folder)))
        if not died:
            return


@pytest.mark.parametrize("work", WORK)
def test_a_death_at_any_statement(tmp_path, work):
    """Whatever was being done, it is done or not begun, every byte is there, and no file is left over."""
    ours, theirs = SPAWN.Pipe(duplex=False)
    house = SPAWN.Process(target=die_again_and_again, args=(tmp_path, work, theirs))
    house.start()
    theirs.close()
    told = [ours.recv()]
    while told[-1][0]:
        told.append(ours.recv())
    house.join()
    _, before, done = told[-1]
    assert done != before
    assert len(told) > 3, "it died at several places"
    assert [after for died, _, after in told if died and after not in (before, done)] == []
