// Verifies a request with the official package and with a snippet. Prints the error of each, or null.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

const { Webhook } = createRequire(`${process.cwd()}/`)("standardwebhooks");
const { key, headers, body, snippet } = JSON.parse(readFileSync(0, "utf8"));

function errorOf(run) {
  try {
    run();
    return null;
  } catch (error) {
    return String(error);
  }
}

const { verify } = await import(`data:text/javascript,${encodeURIComponent(snippet)}`);
const results = { snippet: errorOf(() => verify(key, headers, Buffer.from(body))) };
// The package verifies only shared keys.
if (key.startsWith("whsec_")) results.package = errorOf(() => new Webhook(key).verify(body, headers));
console.log(JSON.stringify(results));
