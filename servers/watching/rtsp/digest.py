"""How we log in at a camera: Digest (RFC 7616, with MD5 as cameras have it) rather than Basic (RFC 7617)."""

import base64
import hashlib
import re
import secrets

from servers.watching.rtsp.message import Message

_PART = re.compile(r'([A-Za-z]+)\s*=\s*(?:"([^"]*)"|([^\s,]+))')
_HASHES = {"MD5": hashlib.md5, "SHA-256": hashlib.sha256}


def authorization(refusal: Message, method: str, url: str, user: str, password: str) -> str:
    """The header's value for the same request once more; "" if none of what the camera offers is known here."""
    offers = [value for name, value in refusal.headers if name.lower() == "www-authenticate"]
    for offer in offers:
        scheme, _, rest = offer.partition(" ")
        if scheme.lower() == "digest":
            parts = {name.lower(): quoted or plain for name, quoted, plain in _PART.findall(rest)}
            if parts.get("algorithm", "MD5").upper() in _HASHES:
                return _digest(parts, method, url, user, password)
    if any(offer.lower().startswith("basic") for offer in offers):
        return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode("ascii")
    return ""


def _digest(parts: dict[str, str], method: str, url: str, user: str, password: str) -> str:
    algorithm = parts.get("algorithm", "MD5").upper()
    realm, nonce = parts.get("realm", ""), parts.get("nonce", "")

    def digest(text: str) -> str:
        return _HASHES[algorithm](text.encode()).hexdigest()

    first, second = digest(f"{user}:{realm}:{password}"), digest(f"{method}:{url}")
    told = {"username": user, "realm": realm, "nonce": nonce, "uri": url}
    plain = {"algorithm": algorithm} if "algorithm" in parts else {}
    if "auth" in re.split(r"[\s,]+", parts.get("qop", "")):
        count, own = "00000001", secrets.token_hex(8)
        told |= {"cnonce": own}
        plain |= {"qop": "auth", "nc": count}
        told["response"] = digest(f"{first}:{nonce}:{count}:{own}:auth:{second}")
    else:
        told["response"] = digest(f"{first}:{nonce}:{second}")
    told |= {"opaque": parts["opaque"]} if "opaque" in parts else {}
    words = [f'{name}="{_escaped(value)}"' for name, value in told.items()]
    return "Digest " + ", ".join([*words, *(f"{name}={value}" for name, value in plain.items())])


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"')
