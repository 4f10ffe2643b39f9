"""Runhaven: track machine-learning experiments in a serverless home that speaks MLflow's language."""

__all__ = ["__version__"]

__version__ = "0.1.0"
