// An OpenID provider on a port of its own, for tests. It ends when its standard input does.
//
// Accounts and clients come from the test, by requests to /control. The page of an interaction has a button
// for each account, and asks for no password.

import { generateKeyPairSync } from "node:crypto";
import { createServer } from "node:http";
import Provider from "oidc-provider";

const CLAIMS = [
  "preferred_username", "name", "groups", "roles", "hd", "oid", "hasgroups", "https://example.com/groups",
];
const clients = new Map();
const accounts = new Map();
const stored = new Map();

// The simplest storage that the library accepts. Clients are read each time, so a test can add one.
class Storage {
  constructor(model) {
    this.model = model;
  }
  key(id) {
    return `${this.model}:${id}`;
  }
  async upsert(id, payload) {
    stored.set(this.key(id), payload);
  }
  async find(id) {
    return this.model === "Client" ? clients.get(id) : stored.get(this.key(id));
  }
  async findByUid(uid) {
    for (const [key, payload] of stored) {
      if (key.startsWith(`${this.model}:`) && payload.uid === uid) return payload;
    }
    return undefined;
  }
  async findByUserCode() {
    return undefined;
  }
  async consume(id) {
    stored.get(this.key(id)).consumed = Math.floor(Date.now() / 1000);
  }
  async destroy(id) {
    stored.delete(this.key(id));
  }
  async revokeByGrantId(grantId) {
    for (const [key, payload] of stored) {
      // An interaction names a grant too, and must survive it.
      if (payload.grantId === grantId && /^(AccessToken|AuthorizationCode):/.test(key)) stored.delete(key);
    }
  }
}

function keys() {
  const made = {
    RS256: generateKeyPairSync("rsa", { modulusLength: 2048 }),
    ES256: generateKeyPairSync("ec", { namedCurve: "P-256" }),
    EdDSA: generateKeyPairSync("ed25519"),
  };
  // Without `alg`, the RSA key also signs with PS256.
  return Object.entries(made).map(([name, pair]) => ({
    ...pair.privateKey.export({ format: "jwk" }),
    use: "sig",
    kid: name,
  }));
}

function configuration() {
  return {
    adapter: Storage,
    jwks: { keys: keys() },
    cookies: { keys: ["test"] },
    scopes: ["openid", "profile", "email", "groups"],
    claims: {
      openid: ["sub", "acr", "amr"],
      email: ["email", "email_verified"],
      profile: CLAIMS.filter((name) => name !== "groups"),
      groups: ["groups"],
      auth_time: null,
      sid: null,
    },
    acrValues: ["pwd", "mfa"],
    // Claims of scopes are in the ID token, as most companies' providers have them.
    conformIdTokenClaims: false,
    pkce: { required: () => true },
    features: {
      devInteractions: { enabled: false },
      backchannelLogout: { enabled: true },
      claimsParameter: { enabled: true },
      rpInitiatedLogout: {
        enabled: true,
        logoutSource(ctx, form) {
          const button = '<button name="logout" value="yes" form="op.logoutForm">Sign out here</button>';
          ctx.body = `<!doctype html><title>Sign out</title>${form}${button}`;
        },
      },
    },
    ttl: { AuthorizationCode: 30, AccessToken: 60, IdToken: 120, Interaction: 600, Session: 3600, Grant: 3600 },
    interactions: { url: (_ctx, interaction) => `/interaction/${interaction.uid}` },
    findAccount: (_ctx, id) =>
      accounts.has(id)
        ? { accountId: id, claims: () => ({ sub: id, ...accounts.get(id).claims }) }
        : undefined,
    async loadExistingGrant(ctx) {
      const grant = new ctx.oidc.provider.Grant({
        clientId: ctx.oidc.client.clientId,
        accountId: ctx.oidc.session.accountId,
      });
      grant.addOIDCScope("openid profile email groups");
      grant.addOIDCClaims([...CLAIMS, "email", "email_verified", "acr", "amr", "auth_time"]);
      await grant.save();
      return grant;
    },
    renderError(ctx, out) {
      ctx.type = "json";
      ctx.body = out;
    },
    // The library's own `fetch` refuses addresses of this machine, where the portal of a test is.
    fetch: (url, { dispatcher, ...options }) => globalThis.fetch(url, options),
  };
}

async function bodyOf(request) {
  const parts = [];
  for await (const part of request) parts.push(part);
  return Buffer.concat(parts).toString();
}

async function control(provider, request) {
  const [, , subject, id] = request.url.split("/").map(decodeURIComponent);
  const body = JSON.parse((await bodyOf(request)) || "{}");
  switch (`${request.method} ${subject}`) {
    case "PUT clients":
      clients.set(id, { client_id: id, ...body });
      return {};
    case "PUT accounts":
      accounts.set(id, body);
      return {};
    case "POST reset":
      for (const each of [clients, accounts, stored]) each.clear();
      return {};
    case "POST logout-token": {
      const client = await provider.Client.find(body.client_id);
      if (body.is_sent) {
        await client.backchannelLogout(body.sub, body.sid);
        return {};
      }
      // As `backchannelLogout` of the library makes it.
      const token = new provider.IdToken({ sub: body.sub }, { client, ctx: undefined });
      token.mask = { sub: null };
      token.set("events", { "http://schemas.openid.net/event/backchannel-logout": {} });
      token.set("jti", crypto.randomUUID());
      if (body.sid) token.set("sid", body.sid);
      return { token: await token.issue({ use: "logout" }) };
    }
    default:
      throw new Error(`no control ${request.method} ${request.url}`);
  }
}

const escaped = (text) => text.replace(/[&<>"]/g, (sign) => `&#${sign.charCodeAt(0)};`);

async function interaction(provider, request, response) {
  const { params, prompt } = await provider.interactionDetails(request, response);
  if (request.method === "GET") {
    const buttons = [...accounts.keys()].map(
      (id) => `<button name="account" value="${escaped(id)}">${escaped(accounts.get(id).claims?.name ?? id)}</button>`,
    );
    const cancel = '<button name="account" value="">Cancel</button>';
    response.setHeader("content-type", "text/html; charset=utf-8");
    const title = `Sign in to ${escaped(params.client_id)}`;
    response.end(
      `<!doctype html><title>${title}</title><h1>${title}</h1><form method="post">${buttons.join("")}${cancel}</form>`,
    );
    return;
  }
  const id = new URLSearchParams(await bodyOf(request)).get("account");
  if (!id) {
    const refusal = { error: "access_denied", error_description: "The user pressed Cancel." };
    await provider.interactionFinished(request, response, refusal);
    return;
  }
  const { acr = "pwd", amr = ["pwd"], ts } = accounts.get(id).login ?? {};
  const demanded = prompt.details.acr?.value ?? prompt.details.acr?.values?.[0];
  const login = { accountId: id, acr: demanded ?? acr, amr, ...(ts === undefined ? {} : { ts }) };
  await provider.interactionFinished(request, response, { login }, { mergeWithLastSubmission: false });
}

const server = createServer();
server.listen(0, "127.0.0.1", () => {
  const issuer = `http://127.0.0.1:${server.address().port}`;
  const provider = new Provider(issuer, configuration());
  const protocol = provider.callback();
  server.on("request", async (request, response) => {
    try {
      if (request.url.startsWith("/control/")) response.end(JSON.stringify(await control(provider, request)));
      else if (request.url.startsWith("/interaction/")) await interaction(provider, request, response);
      else protocol(request, response);
    } catch (error) {
      response.statusCode = 500;
      response.end(JSON.stringify({ error: String(error) }));
    }
  });
  provider.on("server_error", (_ctx, error) => console.error(error));
  process.stdout.write(`${JSON.stringify({ issuer })}\n`);
});
process.stdin.on("end", () => process.exit(0));
process.stdin.resume();
