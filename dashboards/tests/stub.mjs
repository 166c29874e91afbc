// A small stand-in for the server: the API contract over invented data, and the built pages under the real content
// security policy. The unit tests run the client against it; `npm run stub` serves it for looking at the pages.
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { extname, join, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';
import { data } from './stub-data.mjs';

export const CSP =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; font-src 'self'; " +
  "base-uri 'none'; form-action 'self'; frame-ancestors 'none'";
const DIST = fileURLToPath(new URL('../dist', import.meta.url));
const KINDS = { '.html': 'text/html; charset=utf-8', '.js': 'text/javascript', '.css': 'text/css', '.svg': 'image/svg+xml' };
const CSRF = 'stub-csrf';

/** Starts the stand-in; port 0 takes a free one. */
export function start(port = 0) {
  const state = { ...data(Date.now()), signedIn: null };
  const server = createServer((request, response) => {
    answer(state, request).then(
      ({ status = 200, body, headers = {} }) => {
        response.writeHead(status, { 'Content-Security-Policy': CSP, 'X-Content-Type-Options': 'nosniff', ...headers });
        response.end(body);
      },
      (error) => response.writeHead(500).end(String(error)),
    );
  });
  return new Promise((resolve) =>
    server.listen(port, '127.0.0.1', () => resolve({ state, port: server.address().port, close: () => server.close() })),
  );
}

const json = (value, status = 200, headers = {}) => ({
  status, body: JSON.stringify(value), headers: { 'Content-Type': 'application/json', ...headers },
});
const problem = (status, title, detail, extra = {}) =>
  json({ type: 'about:blank', title, status, detail, ...extra }, status, { 'Content-Type': 'application/problem+json' });

async function answer(state, request) {
  const url = new URL(request.url, 'http://stub');
  if (!url.pathname.startsWith('/api/v1/')) return file(url.pathname);
  const chunks = [];
  for await (const chunk of request) chunks.push(chunk);
  const body = chunks.length ? JSON.parse(Buffer.concat(chunks).toString()) : {};
  const path = url.pathname.slice('/api/v1'.length);
  const signedIn = /haidang_session=stub/.test(request.headers.cookie ?? '') && state.signedIn;
  if (request.method === 'POST' && path === '/session') return signIn(state, body);
  if (!signedIn) return problem(401, 'Unauthorized', 'sign in first');
  if (request.method !== 'GET' && request.headers['x-csrf-token'] !== CSRF) return problem(403, 'Forbidden', 'CSRF token missing');
  if (path.startsWith('/session')) return session(state, request.method, path, body);
  if (path.startsWith('/incidents')) return incidents(state, request, path, url.searchParams, body);
  return lists(state, path, url.searchParams);
}

async function file(path) {
  const name = extname(path) ? normalize(path) : '/index.html';
  try {
    return { body: await readFile(join(DIST, name)), headers: { 'Content-Type': KINDS[extname(name)] ?? 'application/octet-stream' } };
  } catch {
    return { status: 404, body: 'not found' };
  }
}

const shown = (state) => ({ user: state.signedIn, csrf: CSRF, must_change_password: state.signedIn.must ?? false });

function signIn(state, { username, password }) {
  const user = state.users.find((known) => known.username === username);
  if (!user || password !== 'hai-dang-2026') return problem(401, 'Unauthorized', 'wrong user name or password');
  state.signedIn = user;
  return json(shown(state), 200, { 'Set-Cookie': 'haidang_session=stub; Path=/; HttpOnly; SameSite=Strict' });
}

function session(state, method, path, body) {
  if (path === '/session/password') {
    if (body.current !== 'hai-dang-2026') return problem(403, 'Forbidden', 'the current password is wrong');
    state.signedIn.must = false;
    return { status: 204 };
  }
  if (method === 'GET') return json(shown(state));
  if (method === 'PATCH') state.signedIn.language = body.language;
  else state.signedIn = null;
  return { status: 204 };
}

/** Cursor paging: the cursor is the next offset. */
function paged(items, query) {
  const from = Number(query.get('cursor') ?? 0);
  const limit = Number(query.get('limit') ?? 100);
  return json({ items: items.slice(from, from + limit), next: from + limit < items.length ? String(from + limit) : null });
}

const summary = ({ alerts, comments, history, ...rest }) => ({ ...rest, comments_count: comments.length, alerts_count: alerts.length });
const sentence = ({ first, last, level, count, title, title_vi }, stage) => ({ first, last, stage, level, count, text: `${title}: ${count} times.`, text_vi: `${title_vi}: ${count} lần.` });
const told = (it) => ({ story: it.alerts.map((alert) => sentence(alert, it.stage)), risk: it.entities.map((entity, nth) => ({ ...entity, score: 50 >> nth })) });
const detail = (it) => ({ ...summary(it), ...told(it), reporting: { detected: it.first, due: null, classes: [], deadlines: [] }, alerts: it.alerts, comments: it.comments, history: it.history });

function incidents(state, request, path, query, body) {
  const [, , id, part] = path.split('/');
  if (!id) {
    const among = (name, value) => !query.get(name) || query.get(name).split(',').includes(value ?? '');
    const q = (query.get('q') ?? '').toLowerCase();
    const found = state.incidents.filter((it) =>
      among('status', it.status) && among('severity', it.severity) && among('unit', it.unit) && among('assignee', it.assignee) &&
      (it.title + it.title_vi + JSON.stringify(it.entities)).toLowerCase().includes(q));
    return paged(found.map(summary), query);
  }
  const it = state.incidents.find((known) => known.id === id);
  if (!it) return problem(404, 'Not Found', 'no such incident');
  if (part === 'events') return paged(state.events.slice(0, 130).reverse(), query);
  if (part === 'particulars') {
    if (request.method === 'PUT') it.particulars = body;
    const none = { notified: [], cause: '', scope: '', remedy: '', result: '', request: '' };
    return json(it.particulars ?? none);
  }
  const time = new Date().toISOString();
  if (part === 'comments') {
    const comment = { id: String(it.comments.length + 1), author: state.signedIn.username, text: body.text, created: time };
    it.comments.push(comment);
    return json(comment, 201);
  }
  if (request.method === 'GET') return json(detail(it), 200, { ETag: `"${it.version}"` });
  if (!request.headers['if-match']) return problem(428, 'Precondition Required', 'send If-Match');
  if (request.headers['if-match'] !== `"${it.version}"`) return problem(412, 'Precondition Failed', 'stale version', { version: it.version });
  if (body.status === 'closed' && !body.verdict && !it.verdict) return problem(422, 'Unprocessable Content', 'closing needs a verdict');
  for (const [name, to] of Object.entries(body)) {
    it.history.push({ time, actor: state.signedIn.username, change: name, from: it[name], to });
    it[name] = to;
  }
  it.version += 1;
  it.updated = time;
  return json(detail(it), 200, { ETag: `"${it.version}"` });
}

function lists(state, path, query) {
  const q = query.get('q') ?? '';
  if (/[()]/.test(q)) return problem(400, 'Bad Request', 'unexpected character at position 1');
  const events = state.events.filter((event) => !q || event.event.original.includes(q) || q.includes(':'));
  switch (path) {
    case '/users': return json({ items: state.users });
    case '/overview': return json(state.overview);
    case '/sources': return json({ items: state.sources });
    case '/rules': return json({ items: state.rules });
    case '/events': return paged(events, query);
    case '/events/count': return json({ count: 48_213 });
    case '/events/histogram': return json(histogram(query));
    default: return problem(404, 'Not Found', 'no such page');
  }
}

function histogram(query) {
  const [from, to, buckets] = [Date.parse(query.get('from')), Date.parse(query.get('to')), Number(query.get('buckets') ?? 60)];
  const step_s = Math.max(1, Math.ceil((to - from) / 1000 / buckets));
  const items = [];
  for (let at = from; at < to; at += step_s * 1000) {
    items.push({ time: new Date(at).toISOString(), count: Math.round(900 + 500 * Math.sin(at / 3e6) + 200 * Math.sin(at / 7e5)) });
  }
  return { step_s, items };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { port } = await start(Number(process.env.PORT ?? 8080));
  console.log(`http://127.0.0.1:${port}/ (can.bo / hai-dang-2026)`);
}
