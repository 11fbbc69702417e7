"""Signatures of webhooks, after Standard Webhooks 1.0.0 (https://www.standardwebhooks.com).

The receiver recomputes ``HMAC-SHA256(key, id.timestamp.body)`` and refuses an old timestamp, so a
message cannot be changed, nor played again later. A key is ``whsec_`` and base64, as the standard
writes it, or any other text.
"""

import base64
import binascii
import hashlib
import hmac

PREFIX = "whsec_"


def headers(key: str, message: str, at: float, body: bytes) -> dict[str, str]:
    """The three headers; `message` is the id of what is sent, the same when it is sent again."""
    moment = str(int(at))
    signed = f"{message}.{moment}.".encode() + body
    mac = hmac.new(_secret(key), signed, hashlib.sha256).digest()
    return {
        "webhook-id": message,
        "webhook-timestamp": moment,
        "webhook-signature": f"v1,{base64.b64encode(mac).decode('ascii')}",
    }


def _secret(key: str) -> bytes:
    if key.startswith(PREFIX):
        try:
            return base64.b64decode(key.removeprefix(PREFIX), validate=True)
        except binascii.Error:
            return key.encode()
    return key.encode()
