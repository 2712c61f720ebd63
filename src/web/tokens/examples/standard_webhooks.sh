key='@KEY@'
key=$(printf %s "${key#whsec_}" |
  openssl base64 -d -A | od -An -v -tx1 | tr -d ' \n')
id=msg_$(openssl rand -hex 8)
timestamp=$(date +%s)
body='{"event_type":"AccessRequestCreated",
  "event_time":'$timestamp',"data":{"id":"curl-test"}}'
signature=$(printf %s "$id.$timestamp.$body" |
  openssl dgst -sha256 -mac HMAC -macopt "hexkey:$key" -binary |
  openssl base64 -A)
curl @BASE@/api/v1/events \
  -H 'Content-Type: application/json'@BEARER@ \
  -H "webhook-id: $id" \
  -H "webhook-timestamp: $timestamp" \
  -H "webhook-signature: v1,$signature" \
  --data-raw "$body"
