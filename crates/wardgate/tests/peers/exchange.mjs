// A job that swaps the token of its platform for one of ours, by `oauth4webapi` and by `openid-client`: discovery, a token exchange (RFC 8693) and
// the same by grant `jwt-bearer` (RFC 7523) with no authentication of the client, and a call with each; then the token of a stranger.
// Arguments: a file beside `node_modules`, the gate's port, the issuer, files with the job's token and the stranger's.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { through } from './through.mjs';

const [modules, port, issuer, ...files] = process.argv.slice(2);
const require = createRequire(modules);
const oauth = await import(require.resolve('oauth4webapi'));
const oidc = await import(require.resolve('openid-client'));

const [job, stranger] = files.map((file) => readFileSync(file, 'utf8'));
const resource = `${issuer}/ledger`;
const entries = new URL(`${resource}/entries`);
const EXCHANGE = 'urn:ietf:params:oauth:grant-type:token-exchange';
const BEARER = 'urn:ietf:params:oauth:grant-type:jwt-bearer';
const subject = (token) => ({ subject_token: token, subject_token_type: 'urn:ietf:params:oauth:token-type:jwt', resource });

// Each library asks by its own means; all is the same from then on.
const whole = async (ask, call) => {
  const told = (token) => ({ type: token.token_type, issued: token.issued_token_type, scope: token.scope, life: token.expires_in });
  const wrong = (asking) => asking.then(() => 'a token', (error) => `${error.status} ${error.error}`);
  const swapped = await ask(EXCHANGE, subject(job));
  const older = await ask(BEARER, { assertion: job, resource });
  return {
    swapped: told(swapped),
    called: [await call(swapped.access_token), await call(older.access_token)],
    stranger: await wrong(ask(EXCHANGE, subject(stranger))),
    older: await wrong(ask(BEARER, { assertion: stranger, resource })),
    wide: await wrong(ask(EXCHANGE, { ...subject(job), scope: 'list admin' })),
    again: await wrong(ask(EXCHANGE, { ...subject(swapped.access_token) })),
  };
};

const by = { [oauth.customFetch]: through(port) };
const as = await oauth.processDiscoveryResponse(new URL(issuer), await oauth.discoveryRequest(new URL(issuer), { algorithm: 'oauth2', ...by }));
const client = { client_id: 'ledger-ci' };
const said = { ways: as.token_endpoint_auth_methods_supported };
said.oauth4webapi = await whole(
  async (grant, parameters) => {
    const answer = await oauth.genericTokenEndpointRequest(as, client, oauth.None(), grant, new URLSearchParams(parameters), by);
    return oauth.processGenericTokenEndpointResponse(as, client, answer);
  },
  async (token) => (await oauth.protectedResourceRequest(token, 'GET', entries, undefined, undefined, by)).status,
);

const config = await oidc.discovery(new URL(issuer), 'ledger-ci', undefined, oidc.None(), {
  algorithm: 'oauth2',
  [oidc.customFetch]: through(port),
});
config[oidc.customFetch] = through(port);
said.openid_client = await whole(
  (grant, parameters) => oidc.genericGrantRequest(config, grant, parameters),
  async (token) => (await oidc.fetchProtectedResource(config, token, entries, 'GET')).status,
);
process.stdout.write(JSON.stringify(said));
