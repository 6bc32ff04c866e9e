"""`intercom indoor-unit`: the panel in a flat."""

from endpoints.composition import run_endpoint
from endpoints.resident.compose import compose

KIND = "indoor-unit"


def main(argv: list[str]) -> int:
    """Run it until it is told to stop."""
    return run_endpoint(KIND, argv, compose)
