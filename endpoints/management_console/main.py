"""`intercom management-console`: the guard's desk unit, or the same as a program on a desktop."""

from endpoints.composition import run_endpoint
from endpoints.resident.compose import compose

KIND = "management-console"


def main(argv: list[str]) -> int:
    """Run it until it is told to stop."""
    return run_endpoint(KIND, argv, compose)
