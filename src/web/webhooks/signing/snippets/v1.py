import base64, hashlib, hmac, time

def verify(key, headers, body):
    """Raises ValueError unless the request was signed within five minutes.

    `key` starts with whsec_. `body` is bytes, as received.
    """
    message_id = headers.get("webhook-id", "")
    timestamp = headers.get("webhook-timestamp", "")
    if abs(int(time.time()) - int(timestamp or 0)) > 300:
        raise ValueError("The request is too old, or the clocks differ.")
    content = f"{message_id}.{timestamp}.".encode() + body
    secret = base64.b64decode(key.removeprefix("whsec_"))
    digest = hmac.digest(secret, content, hashlib.sha256)
    expected = b"v1," + base64.b64encode(digest)
    for signature in headers.get("webhook-signature", "").split():
        if hmac.compare_digest(signature.encode(), expected):
            return
    raise ValueError("The signature is wrong.")

# In Flask, where the environment contains the key:
# verify(os.environ["WEBHOOK_KEY"], request.headers, request.get_data())
