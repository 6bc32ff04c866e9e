"""One test per ability over every installed backend: what a caller may rely on, whatever the hardware."""
