// The gate's name resolves nowhere: what a library sends goes to the gate's port, with the name that the library means.
import { request } from 'node:http';

export const through =
  (port) =>
  (address, { method, headers, body } = {}) =>
    new Promise((resolve, reject) => {
      const url = new URL(address);
      const fields = { ...Object.fromEntries(new Headers(headers)), host: url.host };
      const sent = request({ host: '127.0.0.1', port, path: url.pathname + url.search, method, headers: fields }, async (answer) => {
        const pieces = [];
        for await (const piece of answer) pieces.push(piece);
        resolve(new Response(Buffer.concat(pieces), { status: answer.statusCode, headers: answer.headers }));
      });
      sent.on('error', reject);
      sent.end(body === undefined || body === null ? undefined : body.toString());
    });
