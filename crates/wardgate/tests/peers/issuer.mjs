// A real issuer: OpenID Connect discovery, a JWK Set, client_credentials with signed access tokens; for the client `opaque-ci` with
// opaque ones, which it can be asked about and which can be revoked.
// `POST /rotate` makes a new signing key and keeps the old ones published, `POST /forget` publishes the newest alone.
// Its tokens are for the audience that is its second argument. Prints the port it listens on.
import { generateKeyPairSync, randomUUID } from 'node:crypto';
import { createServer } from 'node:http';
import { createRequire } from 'node:module';

const { Provider } = await import(createRequire(process.argv[2]).resolve('oidc-provider'));

const made = () => {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  return { ...privateKey.export({ format: 'jwk' }), use: 'sig', alg: 'ES256', kid: randomUUID() };
};
const client = (id) => ({
  client_id: id,
  client_secret: 'of-the-test',
  grant_types: ['client_credentials'],
  id_token_signed_response_alg: 'ES256',
  redirect_uris: [],
  response_types: [],
});
const provider = (port, keys) => new Provider(`http://127.0.0.1:${port}`, {
  clients: [client('ledger-ci'), client('stranger'), client('opaque-ci'), client('gate')],
  features: {
    clientCredentials: { enabled: true },
    devInteractions: { enabled: false },
    introspection: { enabled: true, allowedPolicy: (context, caller) => caller.clientId === 'gate' },
    revocation: { enabled: true },
    resourceIndicators: {
      enabled: true,
      defaultResource: () => 'urn:wardgate',
      getResourceServerInfo: (context, resource, client) => ({
        scope: 'read',
        audience: process.argv[3],
        accessTokenTTL: 300,
        accessTokenFormat: client.clientId === 'opaque-ci' ? 'opaque' : 'jwt',
        jwt: { sign: { alg: 'ES256' } },
      }),
      useGrantedResource: () => true,
    },
  },
  jwks: { keys },
}).callback();

let keys = [made()];
let handle;
const listener = createServer((request, response) => {
  const asked = `${request.method} ${request.url}`;
  if (asked === 'POST /rotate' || asked === 'POST /forget') {
    keys = asked === 'POST /rotate' ? [made(), ...keys] : keys.slice(0, 1);
    handle = provider(listener.address().port, keys);
    response.end('done');
  } else {
    handle(request, response);
  }
});
listener.listen(0, '127.0.0.1', () => {
  handle = provider(listener.address().port, keys);
  console.log(listener.address().port);
});
