// A client whose token is bound to its key, by `oauth4webapi`: it is challenged, and answers as the library's own examples have it.
// Arguments: a file beside `node_modules`, the gate's port. It says its key's thumbprint first, and reads its token then.
import { createRequire } from 'node:module';
import { request } from 'node:http';
import { createInterface } from 'node:readline';

const [modules, port] = process.argv.slice(2);
const oauth = await import(createRequire(modules).resolve('oauth4webapi'));

// The gate's name resolves nowhere: what the library sends goes to the gate's port, with the name that it means.
const through = (address, { method, headers } = {}) =>
  new Promise((resolve, reject) => {
    const url = new URL(address);
    const fields = { ...Object.fromEntries(new Headers(headers)), host: url.host };
    const sent = request({ host: '127.0.0.1', port, path: url.pathname, method, headers: fields }, async (answer) => {
      const pieces = [];
      for await (const piece of answer) pieces.push(piece);
      resolve(new Response(Buffer.concat(pieces), { status: answer.statusCode, headers: answer.headers }));
    });
    sent.on('error', reject);
    sent.end();
  });

const DPoP = oauth.DPoP({ client_id: 'job' }, await oauth.generateKeyPair('ES256'));
process.stdout.write(`${await DPoP.calculateThumbprint()}\n`);
const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
const token = (await lines.next()).value;

const said = { nonces: 0, statuses: [] };
const once = () =>
  oauth.protectedResourceRequest(token, 'GET', new URL('https://gate.example/guarded'), undefined, undefined, { DPoP, [oauth.customFetch]: through });
for (let call = 0; call < 3; call += 1) {
  let answer;
  try {
    answer = await once();
  } catch (error) {
    if (!oauth.isDPoPNonceError(error)) throw error;
    said.nonces += 1;
    answer = await once();
  }
  said.statuses.push(answer.status);
}
process.stdout.write(`${said.statuses.join(' ')}, asked for a nonce ${said.nonces} times\n`);
process.exit(0);
