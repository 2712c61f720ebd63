import { createHmac, timingSafeEqual } from "node:crypto";

// Throws unless the request was signed within five minutes. `body` is a Buffer, as received.
export function verify(key, headers, body) {
  const { "webhook-id": id, "webhook-timestamp": timestamp, "webhook-signature": signatures } = headers;
  if (!(Math.abs(Date.now() / 1000 - Number(timestamp)) <= 300)) {
    throw new Error("The request is too old, or the clocks differ.");
  }
  const secret = Buffer.from(key.replace(/^whsec_/, ""), "base64");
  const digest = createHmac("sha256", secret).update(`${id}.${timestamp}.`).update(body).digest("base64");
  const expected = Buffer.from(`v1,${digest}`);
  const isExpected = (signature) => {
    const found = Buffer.from(signature);
    return found.length === expected.length && timingSafeEqual(found, expected);
  };
  if (!signatures.split(" ").some(isExpected)) throw new Error("The signature is wrong.");
}
