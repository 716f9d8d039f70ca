// A server that answers only what came through the gate.

import { createServer } from 'node:http';
import { verifier } from './assertion.mjs';

const { WARDGATE_ISSUER, WARDGATE_AUDIENCE, WARDGATE_JWKS, PORT = '9000' } = process.env;
if (!WARDGATE_ISSUER) throw new Error('WARDGATE_ISSUER says which gate is believed');

let verify;
const server = createServer(async (request, response) => {
  const path = request.url.split('?')[0];
  let [status, document] = [200, {}];
  try {
    const claims = await verify(request.headersDistinct['wardgate-assertion'], request.method, path);
    document = { hello: claims.sub };
  } catch (why) {
    console.log(`refused ${request.method} ${path}: ${why.message}`);
    [status, document] = [401, { error: 'this is answered through the gate only' }];
    response.setHeader('WWW-Authenticate', 'Wardgate');
  }
  response.writeHead(status, { 'Content-Type': 'application/json' });
  response.end(JSON.stringify(document));
});
server.listen(Number(PORT), '127.0.0.1', () => {
  const address = `http://127.0.0.1:${server.address().port}`;
  verify = verifier(WARDGATE_ISSUER, WARDGATE_AUDIENCE ?? address, WARDGATE_JWKS);
  console.log(`listening on ${address}`);
});
