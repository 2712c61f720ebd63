// A provider for tests: script/run-oidc-provider PORT PUBLIC_URL. Every user name and password is accepted. The groups of a
// user are set with POST /test/groups/NAME/GROUP.
import http from "node:http";
import Provider from "oidc-provider";

const [port, publicUrl] = process.argv.slice(2);
const groups = new Map();

const provider = new Provider(`http://127.0.0.1:${port}`, {
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
http.createServer((request, response) => {
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
}).listen(Number(port), "127.0.0.1", () => console.log("ready"));
