import base64, hashlib, hmac, time

def verify(key, headers, body):
    """Raises ValueError unless the request was signed within five minutes. `body` is bytes, as received."""
    message_id, timestamp = headers["webhook-id"], headers["webhook-timestamp"]
    if abs(time.time() - int(timestamp)) > 300:
        raise ValueError("The request is too old, or the clocks differ.")
    content = f"{message_id}.{timestamp}.".encode() + body
    secret = base64.b64decode(key.removeprefix("whsec_"))
    expected = "v1," + base64.b64encode(hmac.digest(secret, content, hashlib.sha256)).decode()
    signatures = headers["webhook-signature"].split()
    if not any(hmac.compare_digest(signature, expected) for signature in signatures):
        raise ValueError("The signature is wrong.")
