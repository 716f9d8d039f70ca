// Reads bytes of one connection a line, in hex, and says in a line of JSON how node's HTTP parser (llhttp, strict) reads them:
// its requests with method, target and bytes of body, and why it gave up, if it did.
import http from 'node:http';
import { createInterface } from 'node:readline';
import { Duplex } from 'node:stream';

const turn = () => new Promise((resolve) => setImmediate(resolve));
let seen = [];
let error = null;

const server = http.createServer({ insecureHTTPParser: false, requireHostHeader: false, maxHeaderSize: 1 << 20 });
server.maxHeadersCount = 0;
// Behind a request to go over to another protocol llhttp reads nothing, whoever answers it how: the rest is no HTTP to it.
const goesOver = ({ headers }) => headers.upgrade !== undefined && /(^|,)\s*upgrade\s*(,|$)/i.test(headers.connection ?? '');
const take = (request, response) => {
    const last = !response.shouldKeepAlive || goesOver(request);
    const one = { method: request.method, target: request.url, body: 0, request, last };
    seen.push(one);
    request.on('data', (piece) => { one.body += piece.length; });
    request.on('error', () => {});
};
for (const event of ['request', 'checkContinue', 'checkExpectation']) server.on(event, take);
server.on('clientError', (fault, socket) => { error = fault.code; socket.destroy(); });

const connection = () => new Duplex({ read() {}, write(_piece, _encoding, done) { done(); } });

for await (const line of createInterface({ input: process.stdin })) {
    [seen, error] = [[], null];
    const socket = connection();
    server.emit('connection', socket);
    socket.push(Buffer.from(line, 'hex'));
    await turn();
    await turn();
    // What has come by now is what there is; the end only says whether the parser waits for more.
    const told = seen.map(({ method, target, body, request, last }) => ({ method, target, body, whole: request.complete, last }));
    socket.push(null);
    await turn();
    await turn();
    socket.destroy();
    process.stdout.write(`${JSON.stringify({ seen: told, error })}\n`);
}
