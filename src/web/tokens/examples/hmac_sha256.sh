key='@KEY@'
timestamp=$(date +%s)
body='{"event_type":"AccessRequestCreated",
  "event_time":'$timestamp',"data":{"id":"curl-test"}}'
signature=$(printf %s "$timestamp.$body" |
  openssl dgst -sha256 -hmac "$key" | sed 's/.* //')
curl @BASE@/api/v1/events \
  -H 'Content-Type: application/json'@BEARER@ \
  -H "x-gatepost-timestamp: $timestamp" \
  -H "x-gatepost-signature: sha256=$signature" \
  --data-raw "$body"
