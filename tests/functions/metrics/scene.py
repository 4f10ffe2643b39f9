"""A run that is logged to, folded, compacted and settled, beside the plain list of what was logged to it."""

from functions.access import grants
from functions.ids import parse_run_id
from functions.metrics import service as metrics
from functions.metrics import upkeep
from functions.runs import service as runs
from tests.functions.metrics.interruptions import Crash
from tests.functions.runs.naive import at_best, exact, history, told
from tests.functions.runs.strategies import bits

GOALS = runs.goals_of


def marked(points):
    """Points as a set, each once."""
    return {(key, bits(value), time, step) for key, value, time, step in points}


class Scene:
    """One run and what it was told. A call that ended is acknowledged; what crashed is pending."""

    def __init__(self, who, experiment):
        self.who, self.experiment = who, experiment
        self.run_id = runs.create(who, experiment_id=experiment.id).run_id
        self.grant, self.run = grants.for_job(who.team), parse_run_id(self.run_id)
        self.acknowledged, self.tried = [], []
        self.params, self.tags = {}, {}
        self.pending = []

    def log(self, points, params, tags):
        """One call of a caller that names no writer."""
        self._call(points, params, tags, self._log, points, params, tags)

    def send(self, writer, log, first, count):
        """One call of an SDK writer with a piece of its records, which are (kind, …)."""
        piece = list(enumerate(log))[first : first + count]
        points = [(number, one[1:]) for number, one in piece if one[0] == "metric"]
        params = [(number, *one[1:]) for number, one in piece if one[0] == "param"]
        tags = [(number, *one[1:]) for number, one in piece if one[0] == "tag"]
        if not piece:
            return
        records = metrics.Records(writer, first, len(piece), points, params, tags)
        values = [point for _, point in points]
        texts = [{key: value for _, key, value in some} for some in (params, tags)]
        self._call(values, *texts, self._send, records)

    def work(self, verb):
        """One piece of upkeep."""
        try:
            verb()
        except Crash:
            self.pending.append((verb, ()))

    def step(self, number, *, texts=False):
        """Log one step of a training, with a param and a tag where asked."""
        marker = {f"with{number}": str(number)} if texts else {}
        points = [("loss", 1 / (number + 1), number, number), ("acc", number / 7, number, number)]
        self.log([*points, *((key, 0.0, number, number) for key in marker)], marker, marker)

    def lengthen(self):
        """Log steps up to the one that folds the tail: its call makes every write that there is."""
        for number in range(upkeep.TAIL_ITEMS - 1):
            self.step(number)

    def end_in_blocks(self):
        """Log and fold enough for a compaction, and end the run with one more step in the tail."""
        for number in range(upkeep.FEW_BLOCKS + 1):
            self.step(number)
            self.fold()
        self.step(99)
        self.end()

    def fold(self):
        """Fold what is in the tail now."""
        stored = runs.read(self.grant, self.run)
        if stored.tails:
            upkeep.fold(self.grant, self.run, stored, GOALS(self.experiment))

    def compact(self):
        """Make segments of all blocks."""
        upkeep._compact(self.grant, self.run)

    def settle(self):
        """Let the job come by."""
        upkeep.settle(self.who.team, self.run_id)

    def end(self):
        """Say that the run has ended."""
        runs.update(self.who, self.run_id, status="FINISHED")

    def resume(self):
        """Say that it goes on."""
        runs.update(self.who, self.run_id, status="RUNNING")

    def look(self, *, counted=False):
        """Every acknowledged point is there, and what is known of a metric is what its history says.

        Args:
            counted: the count is exact too; without a writer's numbers that holds while no call came twice.
        """
        seen = runs.get(self.who, self.run_id)
        shown = [point for key in seen.metrics for point in metrics.history(self.who, self.run_id, key)[0]]
        assert marked(self.acknowledged) <= marked(shown) <= marked(self.tried)
        assert len(marked(shown)) == len(shown)
        assert exact(seen.metrics) == exact(told(shown))
        for key, metric in seen.metrics.items():
            points = [point for point in shown if point[0] == key]
            assert metric.count >= len(points)
            assert metric.count == len(points) or not (counted or key.startswith("sdk"))
            assert "with" not in key or key in seen.params
        assert self.params.items() <= seen.params.items()
        assert self.tags.items() <= seen.tags.items()

    def finish(self):
        """Retry what is pending, end the run and settle it."""
        while self.pending:
            verb, asked = self.pending.pop()
            verb(*asked)
        self.end()
        for _ in range(3):
            if upkeep.settle(self.who.team, self.run_id):
                break
        self.acknowledged = self.tried

    def is_exact(self):
        """The settled run is what the plain list says, to the last count."""
        seen = runs.get(self.who, self.run_id)
        assert exact(seen.metrics) == exact(told(self.tried))
        for key, metric in seen.metrics.items():
            expected = history(self.tried, key)
            found, more = metrics.history(self.who, self.run_id, key)
            assert marked(found) == marked(expected)
            assert [point[2:] for point in found] == [point[2:] for point in expected]
            assert (metric.count, more) == (len(expected), False)
        assert (seen.params, seen.content.tags) == (self.params, self.tags)
        best = at_best(self.tried, self.experiment.primary, self.experiment.goals[self.experiment.primary])
        assert {key: bits(value) for key, value in seen.at_best.items()} == {
            key: bits(value) for key, value in best.items()
        }
        stored = runs.read(self.grant, self.run)
        assert (stored.tails, stored.head.due) == ([], None)

    def _call(self, points, params, tags, verb, *asked):
        self.tried = [*self.tried, *points]
        try:
            verb(*asked)
        except Crash:
            self.pending.append((verb, asked))
        else:
            self.acknowledged = [*self.acknowledged, *points]
            self.params, self.tags = self.params | params, self.tags | tags

    def _log(self, points, params, tags):
        metrics.log_batch(self.who, self.run_id, points=points, params=params, tags=tags)
        self.params, self.tags = self.params | params, self.tags | tags

    def _send(self, records):
        metrics.log_records(self.who, self.run_id, records)
        self.params |= {key: value for _, key, value in records.params}
        self.tags |= {key: value for _, key, value in records.tags}
