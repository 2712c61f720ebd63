"""Verifies a request with the official package and with a snippet. Prints the error of each, or null."""

import json
import sys

from standardwebhooks.webhooks import Webhook


def error_of(run):
    try:
        run()
    except Exception as error:
        return f"{type(error).__name__}: {error}"


case = json.load(sys.stdin)
headers, body = case["headers"], case["body"].encode()
snippet = {}
exec(case["snippet"], snippet)
key = case["key"]
results = {"snippet": error_of(lambda: snippet["verify"](key, headers, body))}
# The package verifies only shared keys.
if key.startswith("whsec_"):
    results["package"] = error_of(lambda: Webhook(key).verify(case["body"], headers))
print(json.dumps(results))
