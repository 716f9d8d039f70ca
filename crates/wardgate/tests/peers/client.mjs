// A client of the token service, by `oauth4webapi`: discovery, a token by a signed assertion, a call with it, what the resource
// server's side of the library makes of it, introspection, revocation, and the call again.
// Arguments: a file beside `node_modules`, the gate's port, the issuer, a file with the private key (PKCS #8, base64), its algorithm.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { webcrypto } from 'node:crypto';
import { through } from './through.mjs';

const [modules, port, issuer, file, alg] = process.argv.slice(2);
const oauth = await import(createRequire(modules).resolve('oauth4webapi'));

const by = { [oauth.customFetch]: through(port) };

const kinds = { ES256: { name: 'ECDSA', namedCurve: 'P-256' }, EdDSA: { name: 'Ed25519' } };
const der = Buffer.from(readFileSync(file, 'utf8').trim(), 'base64');
const key = await webcrypto.subtle.importKey('pkcs8', der, kinds[alg], false, ['sign']);
const client = { client_id: 'ledger-sync' };
const proof = () => oauth.PrivateKeyJwt(key);
const resource = `${issuer}/ledger`;
const entries = new URL(`${resource}/entries`);
const said = {};

for (const algorithm of ['oauth2', 'oidc']) {
  const found = await oauth.discoveryRequest(new URL(issuer), { algorithm, ...by });
  said[algorithm] = await oauth.processDiscoveryResponse(new URL(issuer), found);
}
const as = said.oauth2;

const asked = await oauth.clientCredentialsGrantRequest(as, client, proof(), new URLSearchParams({ resource, scope: 'list' }), by);
said.token = await oauth.processClientCredentialsResponse(as, client, asked);
const token = said.token.access_token;

const call = () => oauth.protectedResourceRequest(token, 'GET', entries, undefined, undefined, by);
said.called = (await call()).status;

const shown = new Request(entries, { headers: { authorization: `Bearer ${token}` } });
said.claims = await oauth.validateJwtAccessToken(as, shown, resource, by);

const introspect = async () =>
  oauth.processIntrospectionResponse(as, client, await oauth.introspectionRequest(as, client, proof(), token, by));
said.introspected = await introspect();

await oauth.processRevocationResponse(await oauth.revocationRequest(as, client, proof(), token, by));
said.revoked = await introspect();
said.challenges = await call().then(
  (answer) => answer.status,
  (error) => ({ status: error.status, parameters: error.cause?.[0]?.parameters }),
);

// What is wrong is told as the library understands it.
const wrong = async (parameters) => {
  const answer = await oauth.clientCredentialsGrantRequest(as, client, proof(), new URLSearchParams(parameters), by);
  return oauth.processClientCredentialsResponse(as, client, answer).then(
    () => 'a token',
    (error) => `${error.status} ${error.error}`,
  );
};
said.foreign = await wrong({ resource: `${issuer}/elsewhere` });
said.wide = await wrong({ resource, scope: 'list admin' });
process.stdout.write(JSON.stringify(said));
