import { createHmac, timingSafeEqual } from "node:crypto";

// Throws unless the request was signed within five minutes.
// `key` starts with whsec_. `body` is a Buffer, as received.
export function verify(key, headers, body) {
  const id = headers["webhook-id"];
  const timestamp = headers["webhook-timestamp"];
  const signatures = headers["webhook-signature"] ?? "";
  if (!(Math.abs(Date.now() / 1000 - Number(timestamp)) <= 300)) {
    throw new Error("The request is too old, or the clocks differ.");
  }
  const secret = Buffer.from(key.replace(/^whsec_/, ""), "base64");
  const hmac = createHmac("sha256", secret);
  const digest = hmac.update(`${id}.${timestamp}.`).update(body).digest("base64");
  const expected = Buffer.from(`v1,${digest}`);
  const isExpected = (signature) => {
    const found = Buffer.from(signature);
    return found.length === expected.length && timingSafeEqual(found, expected);
  };
  if (!signatures.split(" ").some(isExpected)) {
    throw new Error("The signature is wrong.");
  }
}

// In Express, behind express.raw({ type: () => true }):
// verify(process.env.WEBHOOK_KEY, request.headers, request.body);
