"""A run as the native API says it (pure)."""

from functions.runs import merge
from runhaven.wire.metrics import MetricSummary
from runhaven.wire.runs import DatasetRead, DatasetWritten, ModelInput, ModelOutput, Run


def spoken(run: merge.Run) -> Run:
    """The run in the wire's words."""
    at_best = run.at_best
    return Run(
        run_id=run.run_id,
        experiment_id=run.experiment_id,
        name=run.name,
        status=run.status,  # type: ignore[arg-type]  # checked when it was written
        lifecycle=run.lifecycle,  # type: ignore[arg-type]
        start_time=run.start_time,
        end_time=run.end_time,
        created_by=run.created_by,
        user_id=run.user_id,
        params=run.params,
        tags=run.tags,
        metrics={key: MetricSummary(*metric, at_best.get(key)) for key, metric in run.metrics.items()},
        datasets=[DatasetRead(one.dataset_id, one.tags) for one in run.inputs if one.dataset_id],
        models_read=[ModelInput(one.model_id, one.tags) for one in run.inputs if one.model_id],
        models_written=[ModelOutput(one.model_id, one.step) for one in run.outputs if one.model_id],
        datasets_written=[DatasetWritten(one.dataset_id) for one in run.outputs if one.dataset_id],
    )
