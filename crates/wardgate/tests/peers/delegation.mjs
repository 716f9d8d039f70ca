// A client of the token service that acts for whoever called it, by `oauth4webapi`: a token exchange (RFC 8693) with the caller's token and its own
// secret, a call with what it gets, introspection, and an exchange for more than both may do.
// Arguments: a file beside `node_modules`, the gate's port, the issuer, the client, files with its API key and the caller's token.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { through } from './through.mjs';

const [modules, port, issuer, name, ...files] = process.argv.slice(2);
const oauth = await import(createRequire(modules).resolve('oauth4webapi'));

const [key, handed] = files.map((file) => readFileSync(file, 'utf8'));
const by = { [oauth.customFetch]: through(port) };
const as = await oauth.processDiscoveryResponse(new URL(issuer), await oauth.discoveryRequest(new URL(issuer), { algorithm: 'oauth2', ...by }));
const client = { client_id: name };
const secret = oauth.ClientSecretBasic(key);
const resource = `${issuer}/ledger`;

const swap = async (more) => {
  const parameters = new URLSearchParams({
    subject_token: handed,
    subject_token_type: 'urn:ietf:params:oauth:token-type:access_token',
    resource,
    ...more,
  });
  const answer = await oauth.genericTokenEndpointRequest(
    as,
    client,
    secret,
    'urn:ietf:params:oauth:grant-type:token-exchange',
    parameters,
    by,
  );
  return oauth.processGenericTokenEndpointResponse(as, client, answer);
};

const swapped = await swap({});
const token = swapped.access_token;
const said = { token, issued: swapped.issued_token_type, scope: swapped.scope };
said.called = (await oauth.protectedResourceRequest(token, 'GET', new URL(`${resource}/all`), undefined, undefined, by)).status;
said.introspected = await oauth.processIntrospectionResponse(as, client, await oauth.introspectionRequest(as, client, secret, token, by));
said.wide = await swap({ scope: 'delete' }).then(
  () => 'a token',
  (error) => `${error.status} ${error.error}`,
);
process.stdout.write(JSON.stringify(said));
