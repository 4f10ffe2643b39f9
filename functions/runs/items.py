"""How runs lie in the table: tail `R#<run>#t#<key>`, overflow `R#<run>#x<n>`, head `R#<run>~`.

The head sorts behind its tail, so a Query reads in the direction in which points flow: while a fold moves
them from the tail into the head, a reader finds them in one of both, or in both, never in none.

The head's content is one blob. What does not fit into the head's item lies in overflow items that carry the
head's revision; head and overflow are written in one transaction, so a reader that finds other revisions
reads again.

T#<team>#X#<node>  R#<run>, W#<run>  that a run read, or wrote, a dataset or a logged model
"""

import hashlib
import secrets
from collections.abc import Iterable, Iterator
from typing import Any

from pynamodb.attributes import BinaryAttribute, NumberAttribute, UnicodeAttribute

from functions import table
from functions.access.grants import Grant
from functions.ids import SHARDS, RunId, parse_run_id
from functions.runs.merge import Facts
from functions.runs.points import Batch, pack_within, unpack

# An item ends at 400 KB; this leaves room for the plain attributes. A transaction ends at 4 MB.
BLOB_BYTES = 380_000
OVERFLOWS = 9
RUN, TAIL, OVERFLOW, HEAD = "R#", "#t#", "#x", "~"
READ, WROTE = "R#", "W#"
_ID_END = len(RUN) + 32


class Head(table.Item):
    """The head of a run: facts as plain attributes, the rest in one blob."""

    n = UnicodeAttribute()
    st = UnicodeAttribute()
    s = NumberAttribute()
    e = NumberAttribute(null=True)
    u = UnicodeAttribute(null=True)
    by = UnicodeAttribute()
    tok = UnicodeAttribute(null=True)
    gone = NumberAttribute(null=True)
    rv = NumberAttribute()
    w = UnicodeAttribute()
    nb = NumberAttribute(default=0)
    nx = NumberAttribute(default=0)
    due = NumberAttribute(null=True)
    purge = NumberAttribute(null=True)
    d = BinaryAttribute(legacy_encoding=False)


class Tail(table.Item):
    """The points of one log call that are not folded yet."""

    d = BinaryAttribute(legacy_encoding=False)


class Overflow(table.Item):
    """A further part of the head's blob, of revision `rv`."""

    rv = NumberAttribute()
    d = BinaryAttribute(legacy_encoding=False)


class Edge(table.Item):
    """That a run read or wrote a dataset or a logged model."""


class Stored:
    """A run as it was read: its head as DynamoDB gives it, the whole blob, and the tail as (key, blob).

    A search reads thousands of runs and looks at few attributes of each: a head is made when it is asked for.
    `together` says that the head was read with the tail, or made from the one that was.
    """

    __slots__ = ("_head", "blob", "raw", "tails", "together")

    def __init__(
        self, head: table.Raw | Head, blob: bytes, tails: list[tuple[str, bytes]], *, together: bool = True
    ) -> None:
        self.together = together
        self._head = head if isinstance(head, Head) else None
        self.raw: table.Raw = head.serialize() if isinstance(head, Head) else head
        self.blob, self.tails = blob, tails

    @property
    def head(self) -> Head:
        """The head as an item that can be changed."""
        if self._head is None:
            self._head = Head.from_raw_data(self.raw)
        return self._head

    @property
    def is_condemned(self) -> bool:
        """Whether the run is being removed for good: then it exists for nobody."""
        return "purge" in self.raw

    @property
    def sk(self) -> str:
        """The head's sort key: ascending ones are MLflow's default order."""
        key: str = self.raw["SK"]["S"]
        return key

    @property
    def experiment_id(self) -> str:
        """The run's experiment."""
        key: str = self.raw["PK"]["S"]
        return key.split("#")[3]

    def batches(self) -> list[tuple[str, Batch]]:
        """The tail, unpacked."""
        return [(key, unpack(blob)) for key, blob in self.tails]


def partition(grant: Grant, experiment: str, shard: int) -> str:
    """Where the runs of one shard of an experiment lie."""
    return f"T#{grant.team}#E#{experiment}#{shard}"


def partitions(grant: Grant, experiment: str) -> list[str]:
    """Where all runs of an experiment lie."""
    return [partition(grant, experiment, shard) for shard in range(SHARDS)]


def group(grant: Grant, run: RunId) -> table.Key:
    """The partition of a run, and what the keys of its head, tail and overflow begin with."""
    return table.Key(partition(grant, run.experiment, run.shard), RUN + run.text)


def head_key(grant: Grant, run: RunId) -> table.Key:
    """Where a run's head lies."""
    place = group(grant, run)
    return table.Key(place.pk, place.sk + HEAD)


def tail_key(grant: Grant, run: RunId, key: str) -> table.Key:
    """Where one tail item lies."""
    place = group(grant, run)
    return table.Key(place.pk, place.sk + TAIL + key)


def overflow_key(grant: Grant, run: RunId, number: int) -> table.Key:
    """Where one overflow item lies."""
    place = group(grant, run)
    return table.Key(place.pk, f"{place.sk}{OVERFLOW}{number}")


def node(grant: Grant, known_as: str) -> str:
    """Where it lies what has to do with a dataset, a logged model or a run."""
    return f"T#{grant.team}#X#{known_as}"


def edge_key(grant: Grant, known_as: str, verb: str, run_id: str) -> table.Key:
    """Where it lies that a run read or wrote something."""
    return table.Key(node(grant, known_as), verb + run_id)


def edge_lying(grant: Grant, known_as: str, sk: str) -> table.Key:
    """The key of an edge that was read."""
    return table.Key(node(grant, known_as), sk)


def lying(grant: Grant, run: RunId, sk: str) -> table.Key:
    """The key of an item of a run that was read."""
    return table.Key(partition(grant, run.experiment, run.shard), sk)


def tails_of(grant: Grant, run: RunId, batch: Batch) -> list[tuple[str, Tail]]:
    """A batch as tail items, more than one only if it outgrows an item.

    The key is the batch's content, or its writer's sequence numbers: a retry overwrites itself.
    """
    parts = []
    for blob in pack_within(batch, BLOB_BYTES):
        if batch.writer:
            numbers = sorted(unpack(blob).sequence)
            content = (
                f"-{hashlib.sha256(blob).hexdigest()[:8]}" if numbers[-1] - numbers[0] >= len(numbers) else ""
            )
            key = f"{batch.writer}-{numbers[0]:016d}-{numbers[-1]:016d}{content}"
        else:
            key = f"{min(point[2] for point in batch.points):019d}-{hashlib.sha256(blob).hexdigest()[:24]}"
        place = tail_key(grant, run, key)
        parts.append((key, Tail(place.pk, place.sk, d=blob)))
    return parts


def new_head(grant: Grant, run: RunId, blob: bytes, **attributes: Any) -> Head:
    """The first revision of a run's head."""
    place = head_key(grant, run)
    return Head(place.pk, place.sk, rv=1, w=secrets.token_hex(6), d=blob, **attributes)


def writes(grant: Grant, run: RunId, head: Head, blob: bytes) -> list[table.Put | table.Delete]:
    """The next revision of a head with this content, on the condition that nobody wrote another one first."""
    parts = [blob[start : start + BLOB_BYTES] for start in range(0, len(blob), BLOB_BYTES)]
    was, before = int(head.rv), int(head.nx)
    head.rv, head.w = was + 1, secrets.token_hex(6)
    head.d, head.nx = parts[0], len(parts) - 1
    found: list[table.Put | table.Delete] = [table.Put(head, Head.rv == was)]
    for number, part in enumerate(parts[1:], 1):
        place = overflow_key(grant, run, number)
        found.append(table.Put(Overflow(place.pk, place.sk, rv=was + 1, d=part)))
    found += [table.Delete(overflow_key(grant, run, number)) for number in range(len(parts), before + 1)]
    return found


def facts(raw: table.Raw) -> Facts:
    """A head's plain attributes."""
    run = parse_run_id(raw["SK"]["S"][len(RUN) : _ID_END])

    def text(name: str) -> str | None:
        return raw[name]["S"] if name in raw else None

    def whole(name: str) -> int | None:
        return int(raw[name]["N"]) if name in raw else None

    return Facts(
        run.text,
        run.experiment,
        raw["n"]["S"],
        raw["st"]["S"],
        int(raw["s"]["N"]),
        whole("e"),
        text("u") or "",
        raw["by"]["S"],
        text("tok"),
        whole("gone"),
        int(raw["rv"]["N"]),
        int(raw["nb"]["N"]),
        whole("due"),
    )


def grouped(raws: Iterable[table.Raw]) -> Iterator[Stored | RunId]:
    """Runs from the raw items of a partition, in key order; of one whose overflow is being rewritten, the id.

    A tail without a head belongs to nobody: it was written while its run was purged.
    """
    tails: list[tuple[str, bytes]] = []
    parts: list[tuple[int, bytes]] = []
    begun = ""
    for raw in raws:
        place = raw["SK"]["S"]
        run, rest = place[:_ID_END], place[_ID_END:]
        if run != begun:
            begun, tails, parts = run, [], []
        if rest == HEAD:
            yield _whole(raw, tails, parts)
        elif rest.startswith(TAIL):
            tails.append((rest[len(TAIL) :], raw["d"]["B"]))
        else:
            parts.append((int(raw["rv"]["N"]), raw["d"]["B"]))


def _whole(raw: table.Raw, tails: list[tuple[str, bytes]], parts: list[tuple[int, bytes]]) -> Stored | RunId:
    revision = int(raw["rv"]["N"])
    if len(parts) != int(raw["nx"]["N"]) or any(theirs != revision for theirs, _ in parts):
        return parse_run_id(raw["SK"]["S"][len(RUN) : _ID_END])
    return Stored(raw, b"".join([raw["d"]["B"], *(part for _, part in parts)]), tails)
