// A sender of webhooks that signs with its maker's own library: `sender.mjs MODULES FORM URL SECRET BODY [SECONDS [SECRET]]` sends one call
// and prints the status, the code of the answer and the body's echo. FORM: `standard`, `stripe` or `github`; SECONDS: how long ago it
// says that it was signed; with a second SECRET it signs with both. `twice` before the FORM sends the same bytes again.
import { createRequire } from 'node:module';
import { request } from 'node:http';

const [, , modules, ...rest] = process.argv;
const require = createRequire(modules);
const times = rest[0] === 'twice' ? 2 : 1;
const [form, url, secret, body, ago = '0', other] = times === 2 ? rest.slice(1) : rest;
const seconds = Math.floor(Date.now() / 1000) - Number(ago);
const secrets = other ? [secret, other] : [secret];

const signed = {
  standard() {
    const { Webhook } = require('standardwebhooks');
    const id = 'msg_2KWPBgLlAfxdpx2AI54pPJ85f4W';
    const signatures = secrets.map((one) => new Webhook(one).sign(id, new Date(seconds * 1000), body));
    return { 'webhook-id': id, 'webhook-timestamp': String(seconds), 'webhook-signature': signatures.join(' ') };
  },
  stripe() {
    const { webhooks } = new (require('stripe'))('sk_test_of_nobody');
    const made = secrets.map((one) => webhooks.generateTestHeaderString({ payload: body, secret: one, timestamp: seconds }));
    return { 'stripe-signature': [made[0], ...made.slice(1).map((one) => one.split(',')[1])].join(',') };
  },
  async github() {
    const { sign } = await import(new URL('@octokit/webhooks-methods/dist-node/index.js', `file://${modules}`));
    return { 'x-hub-signature-256': await sign(secret, body), 'x-github-event': 'ping', 'x-github-delivery': '72d3162e-cc78-11e3-81ab-4c9367dc0958' };
  },
};

const headers = { 'content-type': 'application/json', ...(await signed[form]()) };
const send = () =>
  new Promise((done, failed) => {
    // Without a length it goes in chunks, cut in the middle.
    const asked = request(url, { method: 'POST', headers }, (answer) => {
      let text = '';
      answer.setEncoding('utf8');
      answer.on('data', (part) => (text += part));
      answer.on('end', () => done(`${answer.statusCode} ${text.match(/"code":"([^"]*)"/)?.[1] ?? text}`));
    });
    asked.on('error', failed);
    asked.write(body.slice(0, body.length / 2));
    asked.end(body.slice(body.length / 2));
  });
for (let time = 0; time < times; time += 1) console.log(await send());
