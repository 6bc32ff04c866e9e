"""`intercom phone`: a resident's phone, the indoor unit's behaviour without a board."""

from endpoints.composition import run_endpoint
from endpoints.resident.compose import compose

KIND = "phone"


def main(argv: list[str]) -> int:
    """Run it until it is told to stop."""
    return run_endpoint(KIND, argv, compose)
