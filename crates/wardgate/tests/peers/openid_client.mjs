// A client of the token service, by `openid-client`: discovery, a token by a signed assertion, a call with it, introspection,
// revocation, and the call again; then all of that with a token that is bound to a key (DPoP), the nonce as the library does it.
// Arguments: a file beside `node_modules`, the gate's port, the issuer, a file with the private key (PKCS #8, base64), its algorithm.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { webcrypto } from 'node:crypto';
import { through } from './through.mjs';

const [modules, port, issuer, file, alg] = process.argv.slice(2);
const oidc = await import(createRequire(modules).resolve('openid-client'));

const kinds = { ES256: { name: 'ECDSA', namedCurve: 'P-256' }, EdDSA: { name: 'Ed25519' } };
const der = Buffer.from(readFileSync(file, 'utf8').trim(), 'base64');
const key = await webcrypto.subtle.importKey('pkcs8', der, kinds[alg], false, ['sign']);
const resource = `${issuer}/ledger`;
const entries = new URL(`${resource}/entries`);
const said = {};

const config = await oidc.discovery(new URL(issuer), 'ledger-sync', undefined, oidc.PrivateKeyJwt(key), {
  algorithm: 'oauth2',
  [oidc.customFetch]: through(port),
});
config[oidc.customFetch] = through(port);

// A token and what becomes of it. `possession`: with what it is bound to a key.
const whole = async (possession) => {
  const told = await oidc.clientCredentialsGrant(config, { resource, scope: 'list' }, possession);
  const token = told.access_token;
  const status = (shown) =>
    oidc.fetchProtectedResource(config, token, entries, 'GET', undefined, undefined, shown).then(
      (answer) => answer.status,
      (error) => error.status ?? error.cause?.status,
    );
  const introspected = await oidc.tokenIntrospection(config, token);
  const called = await status(possession);
  // Without the key, where it is bound to one.
  const bare = await status();
  await oidc.tokenRevocation(config, token);
  const revoked = await oidc.tokenIntrospection(config, token);
  return { type: told.token_type, called, bare, introspected, revoked, after: await status(possession) };
};

said.plain = await whole();
const pair = await oidc.randomDPoPKeyPair(alg === 'EdDSA' ? 'Ed25519' : alg);
said.bound = await whole({ DPoP: oidc.getDPoPHandle(config, pair) });

process.stdout.write(JSON.stringify(said));
