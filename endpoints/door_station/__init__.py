"""Door station: what a visitor stands before."""
