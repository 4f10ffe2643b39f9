"""Search: one grammar, parsed to a tree once and evaluated in one place."""
