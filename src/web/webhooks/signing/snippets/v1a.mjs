import { createPublicKey, verify as verifySignature } from "node:crypto";

export const PUBLIC_KEY = "whpk_PUBLIC_KEY";

// Throws unless the request was signed within five minutes.
// `key` starts with whpk_. `body` is a Buffer, as received.
export function verify(key, headers, body) {
  const id = headers["webhook-id"];
  const timestamp = headers["webhook-timestamp"];
  const signatures = headers["webhook-signature"] ?? "";
  if (!(Math.abs(Date.now() / 1000 - Number(timestamp)) <= 300)) {
    throw new Error("The request is too old, or the clocks differ.");
  }
  const rawKey = Buffer.from(key.replace(/^whpk_/, ""), "base64");
  const jwk = { kty: "OKP", crv: "Ed25519", x: rawKey.toString("base64url") };
  const publicKey = createPublicKey({ key: jwk, format: "jwk" });
  const content = Buffer.concat([Buffer.from(`${id}.${timestamp}.`), body]);
  const isValid = (signature) => {
    if (!signature.startsWith("v1a,")) return false;
    const bytes = Buffer.from(signature.slice(4), "base64");
    return verifySignature(null, content, publicKey, bytes);
  };
  if (!signatures.split(" ").some(isValid)) {
    throw new Error("The signature is wrong.");
  }
}

// In Express, behind express.raw({ type: () => true }):
// verify(PUBLIC_KEY, request.headers, request.body);
