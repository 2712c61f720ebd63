// A provider for tests: script/run-oidc-provider PORT PUBLIC_URL [CERTIFICATE_FILE KEY_FILE]. Every user name and password is
// accepted. The groups of a user are set with POST /test/groups/NAME/GROUP. Each start has a new key for tokens.
import { generateKeyPairSync, randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";
import http from "node:http";
import https from "node:https";
import Provider from "oidc-provider";

const [port, publicUrl, certificateFile, keyFile] = process.argv.slice(2);
const groups = new Map();
const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });

const provider = new Provider(`${certificateFile ? "https" : "http"}://127.0.0.1:${port}`, {
  jwks: { keys: [{ ...privateKey.export({ format: "jwk" }), kid: randomUUID(), use: "sig" }] },
  clients: [{
    client_id: "gatepost",
    client_secret: "a:secret/with+signs",
    redirect_uris: [`${publicUrl}/login/sso/callback`],
    post_logout_redirect_uris: [`${publicUrl}/login`],
  }],
  claims: { openid: ["sub"], email: ["email", "email_verified"], groups: ["groups"] },
  cookies: { keys: ["a key of the tests"] },
  findAccount: (_context, name) => ({
    accountId: name,
    claims: () => ({
      sub: name,
      email: `${name}@example.com`,
      email_verified: true,
      groups: [groups.get(name) ?? "none"],
    }),
  }),
});

const handle = provider.callback();
const answer = (request, response) => {
  if (request.url === "/favicon.ico") {
    response.writeHead(204).end();
    return;
  }
  const [, prefix, kind, name, group] = request.url.split("/");
  if (prefix !== "test" || kind !== "groups") {
    handle(request, response);
    return;
  }
  groups.set(name, group);
  response.end();
};
const server = certificateFile
  ? https.createServer({ cert: readFileSync(certificateFile), key: readFileSync(keyFile) }, answer)
  : http.createServer(answer);
server.listen(Number(port), "127.0.0.1", () => console.log("ready"));
