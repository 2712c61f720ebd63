import base64, time
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

PUBLIC_KEY = "whpk_PUBLIC_KEY"

def verify(headers, body, key=PUBLIC_KEY):
    """Raises ValueError unless the request was signed within five minutes. `body` is bytes, as received."""
    message_id, timestamp = headers["webhook-id"], headers["webhook-timestamp"]
    if abs(time.time() - int(timestamp)) > 300:
        raise ValueError("The request is too old, or the clocks differ.")
    content = f"{message_id}.{timestamp}.".encode() + body
    public = Ed25519PublicKey.from_public_bytes(base64.b64decode(key.removeprefix("whpk_")))
    for signature in headers["webhook-signature"].split():
        version, _, value = signature.partition(",")
        if version == "v1a":
            try:
                return public.verify(base64.b64decode(value), content)
            except InvalidSignature:
                continue
    raise ValueError("The signature is wrong.")
