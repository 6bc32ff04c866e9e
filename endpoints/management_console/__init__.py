"""Management console: the guard's desk unit, and the same as a desktop program."""
