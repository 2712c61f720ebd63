# Your receiver must accept this request.
# If you change the body after it is signed, the receiver must reject it.
# Set WEBHOOK_KEY to the key (whsec_…), and RECEIVER_URL to the receiver.
key=$(printf %s "${WEBHOOK_KEY#whsec_}" |
  openssl base64 -d -A | od -An -v -tx1 | tr -d ' \n')
id=msg_$(openssl rand -hex 8)
timestamp=$(date +%s)
body='{"event_type":"AccessRequestCreated"}'
signature=$(printf %s "$id.$timestamp.$body" |
  openssl dgst -sha256 -mac HMAC -macopt "hexkey:$key" -binary |
  openssl base64 -A)
curl --fail-with-body --silent --show-error "$RECEIVER_URL" \
  -H 'content-type: application/json' \
  -H "webhook-id: $id" \
  -H "webhook-timestamp: $timestamp" \
  -H "webhook-signature: v1,$signature" \
  --data-raw "$body"
