// Verifies `Wardgate-Assertion`: what an upstream does before it believes a word of a request.
//
//   const verify = verifier('https://gate.example', 'http://ledger.internal:9000');
//   const claims = await verify(request.headersDistinct['wardgate-assertion'], 'GET', '/ledger/entries');
//
// `claims.sub` is the identity that called. Whatever is thrown means: answer 401 and say no more.

import { createRemoteJWKSet, jwtVerify } from 'jose';

const TOKEN_BYTES_MAX = 8 * 1024;

export function verifier(issuer, audience, keysUrl = `${issuer}/.well-known/jwks.json`) {
  // Remembered for five minutes. A name that nobody knows may be a new key, or junk: at most one fetch in ten seconds.
  const keys = createRemoteJWKSet(new URL(keysUrl), { cacheMaxAge: 300_000, cooldownDuration: 10_000, timeoutDuration: 3_000 });
  const expected = {
    issuer,
    audience,
    // Pinned: what a token says of itself decides nothing.
    algorithms: ['ES256'],
    typ: 'wardgate-assertion+jwt',
    requiredClaims: ['iss', 'aud', 'iat', 'exp', 'sub', 'operation'],
    // How far the two clocks may be apart, in seconds.
    clockTolerance: 30,
  };
  // `values` are all fields of the name, `path` is without a query.
  return async function verify(values, method, path) {
    if (values?.length !== 1 || values[0].length > TOKEN_BYTES_MAX) throw new Error('there is not one assertion');
    const { payload } = await jwtVerify(values[0], keys, expected);
    if (payload.aud !== audience) throw new Error('it is for others too');
    if (!operationIs(payload.operation, method, path)) throw new Error('it is for another operation');
    return payload;
  };
}

// Whether `API METHOD TEMPLATE` is this request. Where `upstream.path` replaces a prefix, replace it here too.
export function operationIs(operation, method, path) {
  const parts = typeof operation === 'string' ? operation.split(' ') : [];
  if (parts.length !== 3 || parts[1] !== method) return false;
  // Every second piece is the name of a parameter, which stands for one character or more of a segment.
  const pieces = parts[2].split(/\{([^{}]+)\}/);
  const literal = (text) => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
  const pattern = pieces.map((piece, at) => (at % 2 ? '[^/]+' : literal(piece))).join('');
  return new RegExp(`^(?:${pattern})$`, 'u').test(path);
}
