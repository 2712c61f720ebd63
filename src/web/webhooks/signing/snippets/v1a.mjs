import { createPublicKey, verify as verifySignature } from "node:crypto";

const PUBLIC_KEY = "whpk_PUBLIC_KEY";

// Throws unless the request was signed within five minutes. `body` is a Buffer, as received.
export function verify(headers, body, key = PUBLIC_KEY) {
  const { "webhook-id": id, "webhook-timestamp": timestamp, "webhook-signature": signatures } = headers;
  if (!(Math.abs(Date.now() / 1000 - Number(timestamp)) <= 300)) {
    throw new Error("The request is too old, or the clocks differ.");
  }
  const x = Buffer.from(key.replace(/^whpk_/, ""), "base64").toString("base64url");
  const publicKey = createPublicKey({ key: { kty: "OKP", crv: "Ed25519", x }, format: "jwk" });
  const content = Buffer.concat([Buffer.from(`${id}.${timestamp}.`), body]);
  const isValid = (signature) =>
    signature.startsWith("v1a,") &&
    verifySignature(null, content, publicKey, Buffer.from(signature.slice(4), "base64"));
  if (!signatures.split(" ").some(isValid)) throw new Error("The signature is wrong.");
}
