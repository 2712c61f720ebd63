import base64, time
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ed25519

PUBLIC_KEY = "whpk_PUBLIC_KEY"

def verify(key, headers, body):
    """Raises ValueError unless the request was signed within five minutes.

    `key` starts with whpk_. `body` is bytes, as received.
    """
    message_id = headers.get("webhook-id", "")
    timestamp = headers.get("webhook-timestamp", "")
    if abs(int(time.time()) - int(timestamp or 0)) > 300:
        raise ValueError("The request is too old, or the clocks differ.")
    content = f"{message_id}.{timestamp}.".encode() + body
    raw_key = base64.b64decode(key.removeprefix("whpk_"))
    public_key = ed25519.Ed25519PublicKey.from_public_bytes(raw_key)
    for signature in headers.get("webhook-signature", "").split():
        version, _, value = signature.partition(",")
        if version == "v1a":
            try:
                return public_key.verify(base64.b64decode(value), content)
            except (InvalidSignature, ValueError):
                continue
    raise ValueError("The signature is wrong.")

# In Flask:
# verify(PUBLIC_KEY, request.headers, request.get_data())
