// A client of the token service that proves possession of a key, by `oauth4webapi`: a token that is bound to it, nonces of the token service and
// of the API, as the library does them.
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
const said = { nonces: 0 };

const as = await oauth.processDiscoveryResponse(new URL(issuer), await oauth.discoveryRequest(new URL(issuer), { algorithm: 'oauth2', ...by }));
said.algorithms = as.dpop_signing_alg_values_supported;
const pair = await oauth.generateKeyPair(alg === 'EdDSA' ? 'Ed25519' : alg);
const DPoP = oauth.DPoP(client, pair);

// Once more where a nonce is asked for: as the library's own examples have it.
const again = async (once) => {
  try {
    return await once();
  } catch (error) {
    if (!oauth.isDPoPNonceError(error)) throw error;
    said.nonces += 1;
    return once();
  }
};

const token = await again(async () => {
  const parameters = new URLSearchParams({ resource: `${issuer}/ledger` });
  const answer = await oauth.clientCredentialsGrantRequest(as, client, oauth.PrivateKeyJwt(key), parameters, { DPoP, ...by });
  return oauth.processClientCredentialsResponse(as, client, answer);
});
said.type = token.token_type;
said.scope = token.scope;
const call = (path) => again(() => oauth.protectedResourceRequest(token.access_token, 'GET', new URL(`${issuer}/ledger/${path}`), undefined, undefined, { DPoP, ...by }));
said.entries = (await call('entries')).status;
said.export = (await call('export?page=2')).status;
said.more = (await call('export')).status;
const asked = await oauth.introspectionRequest(as, client, oauth.PrivateKeyJwt(key), token.access_token, by);
said.introspected = await oauth.processIntrospectionResponse(as, client, asked);
// RFC 9728, as the library reads it.
const resource = new URL(`${issuer}/ledger`);
said.resource = await oauth.processResourceDiscoveryResponse(resource, await oauth.resourceDiscoveryRequest(resource, by));
// Without the key it is nothing.
said.bare = await oauth.protectedResourceRequest(token.access_token, 'GET', new URL(`${issuer}/ledger/entries`), undefined, undefined, by).then(
  (answer) => answer.status,
  (error) => `${error.status} ${error.cause?.map(({ scheme, parameters }) => `${scheme} ${parameters.error}`).join(', ')}`,
);
process.stdout.write(JSON.stringify(said));
