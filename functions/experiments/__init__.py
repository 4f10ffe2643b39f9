"""Experiments and the datasets that their runs read."""
