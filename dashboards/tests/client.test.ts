import { afterAll, beforeAll, expect, it } from 'vitest';
import { ApiError, Client, withParams } from '../src/api/client';
import { start } from './stub.mjs';

let stub: Awaited<ReturnType<typeof start>>;
beforeAll(async () => {
  stub = await start();
});
afterAll(() => stub.close());

/** A browser's cookie jar, as small as it can be. */
function browser(): Client {
  let cookie = '';
  return new Client(`http://127.0.0.1:${stub.port}/api/v1`, async (input, init) => {
    const response = await fetch(input, { ...init, headers: { ...(init?.headers as Record<string, string>), Cookie: cookie } });
    cookie = response.headers.get('Set-Cookie')?.split(';')[0] ?? cookie;
    return response;
  });
}
const refused = (promise: Promise<unknown>) => promise.then(() => null, (error: unknown) => (error instanceof ApiError ? error : null));

it('a wrong password is told apart from a session that has ended', async () => {
  const client = browser();
  let ended = 0;
  client.onSignedOut = () => (ended += 1);
  expect((await refused(client.signIn('can.bo', 'wrong')))?.status).toBe(401);
  expect(ended).toBe(0);
  expect((await refused(client.incidents({})))?.status).toBe(401);
  expect(ended).toBe(1);
});

it('a change carries the CSRF token and the version that was seen', async () => {
  const client = browser();
  await client.signIn('can.bo', 'hai-dang-2026');
  const [seen] = (await client.incidents({ limit: 1 })).items;
  if (!seen) throw new Error('the stub has incidents');
  const changed = await client.changeIncident(seen.id, seen.version, { status: 'acknowledged' });
  expect(changed).toMatchObject({ status: 'acknowledged', version: seen.version + 1 });
  expect((await refused(client.changeIncident(seen.id, seen.version, { status: 'contained' })))?.status).toBe(412);
  expect((await refused(client.changeIncident(seen.id, changed.version, { status: 'closed' })))?.status).toBe(422);
  client.csrf = '';
  expect((await refused(client.comment(seen.id, 'x')))?.status).toBe(403);
});

it('cursors lead through the whole list', async () => {
  const client = browser();
  await client.signIn('can.bo', 'hai-dang-2026');
  const ids = new Set<string>();
  let next: string | null | undefined = '';
  do {
    const page: Awaited<ReturnType<Client['incidents']>> = await client.incidents({ limit: 25, cursor: next });
    for (const item of page.items) ids.add(item.id);
    next = page.next;
  } while (next);
  expect(ids.size).toBe(64);
});

it('a problem document is told, and a server out of reach too', async () => {
  const client = browser();
  await client.signIn('can.bo', 'hai-dang-2026');
  expect(await refused(client.events({ q: '(' }))).toMatchObject({ status: 400, detail: 'unexpected character at position 1' });
  const nowhere = new Client('http://127.0.0.1:9/api/v1', () => Promise.reject(new TypeError('refused')));
  expect((await refused(nowhere.session()))?.status).toBe(0);
});

it('empty parameters are left out', () => {
  expect(withParams('/x', { a: '', b: null, c: undefined, d: 0, e: 'ô&' })).toBe('/x?d=0&e=%C3%B4%26');
});
