"""What an account is for; each server has accounts of some of these kinds (R1-R4)."""

from enum import StrEnum


class Kind(StrEnum):
    """Residents' devices may open a door; a guest is anybody's SIP phone; the others are nodes of the community."""

    INDOOR = "indoor"
    PHONE = "phone"
    GUEST = "guest"
    DOOR = "door"
    HOMELINK = "homelink"
    CONSOLE = "console"
    MANAGEMENT = "management"

    @property
    def resident(self) -> bool:
        """Belongs to a flat's people and may open the door to them."""
        return self in (Kind.INDOOR, Kind.PHONE)

    @property
    def opens_doors(self) -> bool:
        """Has a key to sign with that a door shall open."""
        return self.resident or self is Kind.CONSOLE
