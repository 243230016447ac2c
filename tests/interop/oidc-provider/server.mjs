// SPDX-License-Identifier: MIT OR Apache-2.0
//
// The npm package oidc-provider with its CIBA feature on, over TLS on the
// loopback.
//
//   node server.mjs --given FILE [--clients N] [--port N]
//
// --given: a JSON file with what is made elsewhere: the authority (ca_file),
// certificate and key of the server, and its clients. Without clients it makes
// N of each kind, and puts their keys beside the file.
//
// One JSON line on stdout says that it is ready: issuer, ca_file, clients.
// A line "journal" on stdin is answered by one JSON line: every request so far.
// The program ends when its stdin closes.
//
// The name in a login_hint, up to "+" or "@", decides what the person does:
//   approved   approves after 1.5 s
//   late       approves 1 s after a poll has found it pending
//   denied     denies after 1.5 s
//   silent     never answers
//   lapsed     never answers, and the client is told a minute whatever expiry
//              the provider keeps: the provider itself has to say expired_token
//   pinged     approves after 1.5 s, and the client is told to poll every 200 s
//   repelled   denies after 1.5 s, and the client is told the same
// Any other name is unknown here.

import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:https';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';

// stdout belongs to the two kinds of JSON line; the package's notices go to stderr.
console.info = console.log = console.error;

const { default: Provider, errors } = await import('oidc-provider');

const CIBA = 'urn:openid:params:grant-type:ciba';
const LIFETIME = 120;
const PEOPLE = {
  approved: { answer: 'approve', after: 1500 },
  late: { answer: 'approve', after: 1000, polled: true },
  denied: { answer: 'deny', after: 1500 },
  silent: {},
  lapsed: { told: { expires_in: 60 } },
  pinged: { answer: 'approve', after: 1500, told: { interval: 200 } },
  repelled: { answer: 'deny', after: 1500, told: { interval: 200 } },
};

const { values: options } = parseArgs({
  options: {
    clients: { type: 'string', default: '1' },
    given: { type: 'string' },
    port: { type: 'string', default: '0' },
  },
});

const given = JSON.parse(readFileSync(options.given, 'utf8'));
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => process.exit(0));

// ---- clients ------------------------------------------------------------

// By client id.
const keyFiles = new Map();

// The kinds of client: how they prove themselves, with which algorithm, and
// what their authentication requests are signed with.
const KINDS = [
  { method: 'client_secret_basic' },
  { method: 'client_secret_post' },
  { method: 'client_secret_jwt', alg: 'HS256' },
  { method: 'private_key_jwt', alg: 'RS256' },
  { method: 'private_key_jwt', alg: 'PS256', request: 'PS256' },
  { method: 'private_key_jwt', alg: 'ES256', request: 'ES256' },
  { method: 'private_key_jwt', alg: 'EdDSA', request: 'EdDSA' },
  { method: 'client_secret_basic', request: 'RS256' },
];

// Each kind of key, and the form in which the client gets it.
const KEYS = {
  RS256: ['rsa', { modulusLength: 2048 }, { format: 'pem', type: 'pkcs1' }],
  PS256: ['rsa', { modulusLength: 2048 }, { format: 'jwk' }],
  ES256: ['ec', { namedCurve: 'P-256' }, { format: 'pem', type: 'sec1' }],
  EdDSA: ['ed25519', {}, { format: 'pem', type: 'pkcs8' }],
};

function makeKey(alg, kid) {
  const [type, parameters, form] = KEYS[alg];
  const { privateKey, publicKey } = generateKeyPairSync(type, parameters);
  const text = privateKey.export(form);
  const file = join(dirname(options.given), `${kid}.key`);
  const members = { kid, alg, use: 'sig' };
  writeFileSync(file, typeof text === 'string' ? text : JSON.stringify({ ...text, ...members }), { mode: 0o600 });
  return { file, public: { ...publicKey.export({ format: 'jwk' }), ...members } };
}

// Ids and secrets hold what goes wrong when one of the two layers of encoding,
// the form's and Basic's, is forgotten.
function makeClients(count) {
  const random = () => randomBytes(12).toString('hex');
  const clients = [];
  KINDS.forEach(({ method, alg, request }, kind) => {
    const keyed = request ?? (method === 'private_key_jwt' && alg);
    // One for all clients of the kind, and one that nobody has registered.
    const key = keyed && makeKey(keyed, `key-${kind}`);
    const other = keyed && makeKey(keyed, `other-${kind}`);
    for (let i = 1; i <= count; i += 1) {
      clients.push({
        client_id: `interop ${method}:${kind}.${i}+1/2=50%`,
        ...(method !== 'private_key_jwt' && { client_secret: `${random()} +/=:%&?"2B%${random()}` }),
        token_endpoint_auth_method: method,
        ...(alg && { token_endpoint_auth_signing_alg: alg }),
        ...(key && { jwks: { keys: [key.public] } }),
        ...(request && { backchannel_authentication_request_signing_alg: request }),
        grant_types: [CIBA],
        response_types: [],
        redirect_uris: [],
        backchannel_token_delivery_mode: 'poll',
        id_token_signed_response_alg: 'RS256',
        require_auth_time: true,
      });
      if (key) keyFiles.set(clients.at(-1).client_id, [key.file, other.file]);
    }
  });
  return clients;
}

const clients = given.clients ?? makeClients(Number(options.clients));

// ---- the provider -------------------------------------------------------

// Who decides when a poll has found the request pending, by its identifier.
const undecided = new Map();

const personOf = (account) => PEOPLE[account.split(/[+@]/, 1)[0]];

// The result goes in by the request's id: found again it keeps its own expiry.
async function answer(provider, request, what) {
  if (what === 'deny') {
    await provider.backchannelResult(request.jti, new errors.AccessDenied('the person said no'));
    return;
  }
  const grant = new provider.Grant({ clientId: request.clientId, accountId: request.accountId });
  grant.addOIDCScope(request.scope);
  await grant.save();
  await provider.backchannelResult(request.jti, grant, {
    acr: 'urn:example:acr:phone',
    amr: ['swk', 'user'],
    authTime: Math.floor(Date.now() / 1000),
  });
}

// One key for each algorithm of ID Tokens.
function makeKeySet() {
  return ['RS256', 'PS256', 'ES256', 'EdDSA'].map((alg) => {
    const [type, parameters] = KEYS[alg];
    const { privateKey } = generateKeyPairSync(type, parameters);
    return { ...privateKey.export({ format: 'jwk' }), kid: `interop-${randomBytes(6).toString('hex')}`, use: 'sig', alg };
  });
}

const ENCRYPTION = ['RSA-OAEP', 'RSA-OAEP-256', 'ECDH-ES', 'ECDH-ES+A128KW', 'ECDH-ES+A256KW'];

const certificateOf = (ctx) => ctx.socket.getPeerX509Certificate?.();

function makeProvider(issuer) {

  const provider = new Provider(issuer, {
    clients,
    jwks: { keys: makeKeySet() },
    cookies: { keys: [randomBytes(32).toString('hex')] },
    acrValues: ['urn:example:acr:phone'],
    claims: { openid: ['sub', 'acr', 'amr'] },
    enabledJWA: {
      idTokenSigningAlgValues: ['RS256', 'PS256', 'ES256', 'EdDSA'],
      clientAuthSigningAlgValues: ['HS256', 'RS256', 'PS256', 'ES256', 'EdDSA'],
      requestObjectSigningAlgValues: ['RS256', 'PS256', 'ES256', 'EdDSA'],
      userinfoSigningAlgValues: ['RS256', 'PS256', 'ES256', 'EdDSA'],
      idTokenEncryptionAlgValues: ENCRYPTION,
      userinfoEncryptionAlgValues: ENCRYPTION,
    },
    clientAuthMethods: [
      'client_secret_basic', 'client_secret_post', 'client_secret_jwt', 'private_key_jwt',
      'tls_client_auth', 'self_signed_tls_client_auth',
    ],
    issueRefreshToken: async (ctx, client) => client.grantTypeAllowed('refresh_token'),
    // Its guard against addresses of this machine would keep pings from the client.
    fetch: (url, options) => fetch(url, { ...options, dispatcher: undefined }),
    findAccount: (ctx, id) => personOf(id) && { accountId: id, claims: () => ({ sub: id }) },
    ttl: {
      BackchannelAuthenticationRequest: (ctx) => Math.min(600, Number(ctx?.oidc?.params.requested_expiry ?? LIFETIME)),
      AccessToken: 600,
      Grant: 600,
      IdToken: 600,
    },
    features: {
      devInteractions: { enabled: false },
      requestObjects: { enabled: true },
      encryption: { enabled: true },
      jwtUserinfo: { enabled: true },
      introspection: { enabled: true },
      revocation: { enabled: true },
      dPoP: { enabled: true, nonceSecret: randomBytes(32), requireNonce: () => true },
      mTLS: {
        enabled: true,
        certificateBoundAccessTokens: true,
        selfSignedTlsClientAuth: true,
        tlsClientAuth: true,
        getCertificate: (ctx) => certificateOf(ctx)?.toString(),
        certificateAuthorized: (ctx) => ctx.socket.authorized,
        certificateSubjectMatches: (ctx, property, expected) => (
          property === 'tls_client_auth_subject_dn' && certificateOf(ctx)?.subject === expected),
      },
      ciba: {
        enabled: true,
        deliveryModes: ['poll', 'ping'],
        processLoginHint: async (ctx, hint) => (personOf(hint) ? hint : undefined),
        processLoginHintToken: async () => undefined,
        validateRequestContext: async (ctx, context) => {
          if (context !== undefined) throw new errors.InvalidRequest('request_context is not taken here');
        },
        verifyUserCode: async (ctx, account, code) => {
          if (code !== undefined) throw new errors.InvalidRequest('user_code is not taken here');
        },
        // validateBindingMessage stays the package's own: 1 to 20 plain characters.
        triggerAuthenticationDevice: async (ctx, request, account) => {
          const person = personOf(account.accountId);
          ctx.body = { ...ctx.body, ...person.told };
          if (!person.answer) return;
          const decide = () => setTimeout(() => {
            answer(provider, request, person.answer).catch((error) => console.error('the answer failed:', error));
          }, person.after);
          if (person.polled) undecided.set(request.jti, decide);
          else decide();
        },
      },
    },
  });
  provider.on('server_error', (ctx, error) => console.error(ctx.method, ctx.path, error));
  return provider;
}

// ---- the journal --------------------------------------------------------

const journal = [];
const rows = new WeakMap();
const TICK = 20; // ms
let connections = 0;

// Milliseconds on a clock that nobody sets and that other programs read too.
const now = () => Math.round(Number(process.hrtime.bigint() / 100_000n)) / 10;

// How late this program is, on a busy machine: a request may have been there so long before it was read.
let ticked = now();
let lag = 0;
setInterval(() => {
  lag = Math.max(now() - ticked - TICK, lag / 2);
  ticked = now();
}, TICK).unref();

function arrive(request, response) {
  const row = {
    at: now(),
    late: Math.max(lag, now() - ticked - TICK, 0),
    until: null,
    connection: request.socket.number,
    method: request.method,
    path: request.url,
    status: null,
    content_type: request.headers['content-type'],
  };
  journal.push(row);
  rows.set(request, row);
  response.once('close', () => {
    row.until = now();
    row.status = response.writableFinished ? response.statusCode : 0; // 0: the client went away
  });
}

// Header and claims of a JWT, which the provider itself has verified.
function decoded(jwt) {
  if (typeof jwt !== 'string') return undefined;
  const [header, claims] = jwt.split('.', 2).map((part) => JSON.parse(Buffer.from(part, 'base64url')));
  return { header, claims };
}

// What the provider made of a request and what it answered. Secrets that came
// with it are left out; the tokens it gave are kept, for the search in outputs.
async function observe(ctx, next) {
  await next();
  const row = rows.get(ctx.req);
  if (ctx.method !== 'POST') return;
  const { client_secret: bodySecret, client_assertion: jwt, request, ...parameters } = ctx.oidc?.body ?? {};
  row.assertion = decoded(jwt);
  row.request = decoded(request);
  row.client_id = ctx.oidc?.entities.Client?.clientId;
  row.authentication = [
    ctx.headers.authorization?.toLowerCase().startsWith('basic ') && 'client_secret_basic',
    bodySecret !== undefined && 'client_secret_post',
    jwt !== undefined && (row.assertion.header.alg.startsWith('HS') ? 'client_secret_jwt' : 'private_key_jwt'),
  ].filter(Boolean);
  row.parameters = parameters;
  row.answer = {};
  for (const name of ['error', 'error_description', 'auth_req_id', 'expires_in', 'interval', 'token_type', 'scope']) {
    if (ctx.body?.[name] !== undefined) row.answer[name] = ctx.body[name];
  }
  if (row.answer.error === 'authorization_pending') {
    undecided.get(parameters.auth_req_id)?.();
    undecided.delete(parameters.auth_req_id);
  }
  row.tokens = [ctx.body?.access_token, ctx.body?.id_token, ctx.body?.refresh_token, jwt, request].filter(Boolean);
}

// ---- start, and end with stdin ------------------------------------------

let handle;
const server = createServer({
  key: readFileSync(given.key),
  cert: readFileSync(given.certificate),
  // Of those that show a certificate, it is looked at by mTLS's own methods.
  requestCert: true,
  rejectUnauthorized: false,
  ca: readFileSync(given.ca_file),
}, (request, response) => {
  arrive(request, response);
  handle(request, response);
});
server.on('secureConnection', (socket) => {
  connections += 1;
  socket.number = connections;
});
server.listen(Number(options.port), '127.0.0.1');
await once(server, 'listening');

const issuer = `https://localhost:${server.address().port}`;
const provider = makeProvider(issuer);
provider.use(observe);
handle = provider.callback();

const say = (value) => process.stdout.write(`${JSON.stringify(value)}\n`);
say({
  issuer,
  ca_file: given.ca_file,
  // Not what only the provider has to know; beside it the client's own key, and one that is not its own.
  clients: clients.map(({ grant_types, response_types, redirect_uris, jwks, ...client }) => (
    { ...client, kid: jwks?.keys[0].kid, key_files: keyFiles.get(client.client_id) })),
});

const lines = createInterface({ input: process.stdin });
lines.on('line', (line) => {
  if (line.trim() === 'journal') say(journal);
});
lines.on('close', () => process.exit(0));
