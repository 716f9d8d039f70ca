// A real issuer at which people sign in: OpenID Connect with PKCE, an answer that says whose it is, groups in the ID token.
// `POST /is SUB` says who sits before the browser, `POST /person {"sub":…}` what is known of somebody, `POST /crooked WHAT` has
// the next tokens made wrongly. Prints the port it listens on.
import { generateKeyPairSync, randomUUID } from 'node:crypto';
import { createServer } from 'node:http';
import { createRequire } from 'node:module';

const require = createRequire(process.argv[2]);
const { Provider } = await import(require.resolve('oidc-provider'));
const { SignJWT, UnsecuredJWT, importJWK } = await import(require.resolve('jose'));

const made = () => {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  return { ...privateKey.export({ format: 'jwk' }), use: 'sig', alg: 'ES256', kid: randomUUID() };
};
const key = made();
const people = {};
let before = 'nobody';
let crooked = '';
let nonce;

const client = (id, more) => ({
  client_id: id,
  grant_types: ['authorization_code'],
  response_types: ['code'],
  id_token_signed_response_alg: 'ES256',
  ...more,
});
const provider = (port) => new Provider(`http://127.0.0.1:${port}`, {
  clients: [
    client('browsers', { client_secret: 'of-the-test', redirect_uris: ['https://admin.test/sign-in/callback'] }),
    client('commands', {
      application_type: 'native',
      token_endpoint_auth_method: 'none',
      redirect_uris: ['http://127.0.0.1/sign-in/callback'],
    }),
  ],
  claims: { openid: ['sub'], email: ['email', 'email_verified'], groups: ['groups'] },
  conformIdTokenClaims: false,
  cookies: { keys: [randomUUID()] },
  features: { devInteractions: { enabled: false } },
  findAccount: (_, id) => ({ accountId: id, claims: () => ({ ...people[id], sub: id }) }),
  interactions: { url: (_, interaction) => `/interaction/${interaction.uid}` },
  jwks: { keys: [key] },
  async loadExistingGrant(context) {
    const { client: { clientId }, session: { accountId } } = context.oidc;
    const grant = new context.oidc.provider.Grant({ clientId, accountId });
    grant.addOIDCScope('openid email groups');
    await grant.save();
    return grant;
  },
  pkce: { required: () => true },
  ttl: { AccessToken: 600, Grant: 600, IdToken: 1800, Interaction: 600, Session: 600 },
});

const body = async (request) => {
  let text = '';
  for await (const piece of request) text += piece;
  return text;
};

// What an issuer, or somebody in its place, could say that must not count.
const wrong = async (port) => {
  const now = Math.floor(Date.now() / 1000);
  const claims = {
    iss: `http://127.0.0.1:${port}`, sub: before, aud: 'browsers', nonce, iat: now, exp: now + 600, ...people[before],
    ...{
      nonce: { nonce: 'another' },
      audience: { aud: 'somebody-else' },
      audiences: { aud: ['browsers', 'somebody-else'] },
      party: { azp: 'somebody-else' },
      issuer: { iss: 'http://127.0.0.1:1' },
      expired: { iat: now - 900, exp: now - 300 },
      unsaid: { nonce: undefined },
    }[crooked],
  };
  if (crooked === 'unsigned') return new UnsecuredJWT(claims).encode();
  const signer = crooked === 'key' ? made() : key;
  return new SignJWT(claims).setProtectedHeader({ alg: 'ES256', kid: key.kid }).sign(await importJWK(signer, 'ES256'));
};

let at;
let handle;
const listener = createServer(async (request, response) => {
  const { port } = listener.address();
  const url = new URL(request.url, `http://127.0.0.1:${port}`);
  if (request.method === 'POST' && ['/is', '/person', '/crooked'].includes(url.pathname)) {
    const said = await body(request);
    if (url.pathname === '/is') before = said;
    if (url.pathname === '/person') { const { sub, ...rest } = JSON.parse(said); people[sub] = rest; }
    if (url.pathname === '/crooked') crooked = said === 'straight' ? '' : said;
    response.end('done');
  } else if (url.pathname.startsWith('/interaction/')) {
    // A native client is always consented to (RFC 8252 §8.6).
    const result = { login: { accountId: before }, consent: {} };
    await at.interactionFinished(request, response, result, { mergeWithLastSubmission: false });
  } else if (url.pathname === '/token' && crooked) {
    response.setHeader('content-type', 'application/json');
    response.end(JSON.stringify({ access_token: 'x', token_type: 'Bearer', id_token: await wrong(port) }));
  } else {
    if (url.pathname === '/auth' && url.searchParams.has('nonce')) nonce = url.searchParams.get('nonce');
    handle(request, response);
  }
});
listener.listen(0, '127.0.0.1', () => {
  at = provider(listener.address().port);
  handle = at.callback();
  console.log(listener.address().port);
});
