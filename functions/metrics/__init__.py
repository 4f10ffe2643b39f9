"""The history of metrics: blocks, segments, downsampled lines."""
