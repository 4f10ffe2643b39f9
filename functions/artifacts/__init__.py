"""Artifacts: files of runs and logged models, in each team's own bucket, moved by presigned URLs only."""
