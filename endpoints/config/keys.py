"""`intercom key`: makes the key pair by which a resident's device proves that it may open the door."""

import argparse
import base64


def new_pair() -> tuple[str, str]:
    """A fresh Ed25519 key pair, both base64 of 32 raw bytes: private for the site file, public for the people file."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    key = Ed25519PrivateKey.generate()
    private, public = key.private_bytes_raw(), key.public_key().public_bytes_raw()
    return base64.b64encode(private).decode(), base64.b64encode(public).decode()


def main(argv: list[str]) -> int:
    """`intercom key DEVICE`: print a new pair once, as the lines of the two files."""
    parser = argparse.ArgumentParser("intercom key", description="Make the unlock key of a resident's device.")
    parser.add_argument("device", help="the device's name, as in its site file")
    device = parser.parse_args(argv).device
    private, public = new_pair()
    print(f'# site file of {device} (secret), table [unlock]\nkey = "{private}"\n')
    print(f'# people file of the door, table [flats.NUMBER.devices]\n{device} = "{public}"')
    return 0
