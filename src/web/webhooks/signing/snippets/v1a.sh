# Set ID, TIMESTAMP and SIGNATURE to the headers of the request,
# BODY to its body, and RECEIVER_URL to the receiver.
work=$(mktemp -d)
trap 'rm -r "$work"' EXIT
public=${PUBLIC_KEY:-whpk_PUBLIC_KEY}
{
  printf '\060\052\060\005\006\003\053\145\160\003\041\000'
  printf %s "${public#whpk_}" | openssl base64 -d -A
} > "$work/public"
printf %s "$ID.$TIMESTAMP.$BODY" > "$work/content"
printf '%s\n' "$SIGNATURE" | tr ' ' '\n' | while read -r signature; do
  printf %s "${signature#v1a,}" | openssl base64 -d -A > "$work/signature"
  openssl pkeyutl -verify -pubin -keyform DER -inkey "$work/public" \
    -rawin -in "$work/content" -sigfile "$work/signature" || continue
  curl --fail-with-body --silent --show-error "$RECEIVER_URL" \
    -H 'content-type: application/json' \
    -H "webhook-id: $ID" \
    -H "webhook-timestamp: $TIMESTAMP" \
    -H "webhook-signature: $SIGNATURE" \
    --data-raw "$BODY"
  break
done
