"""MLflow's dialect: parse its shape, call a verb of a room's service, print its shape. Nothing else."""
