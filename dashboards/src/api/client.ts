// The one way to the server: same-origin fetch with the CSRF header, RFC 9457 problems as `ApiError`.
import type { Assessment, Attestation, NewAttestation } from './compliance';
import type {
  Board, Comment, Delivery, Document, Exchange, Histogram, Imported, IncidentChange, IncidentDetail, IncidentSummary, Indicator,
  IndicatorSource, Language, NewWarning, Overview, Page, Particulars, RegistryKind, RegistryRow, Release, Released, RowProblem, Rule,
  Session, SourceHealth, TakenIn, User, Warning, Warnings,
} from './model';

/** A refusal by the server, or `status` 0 when it could not be reached. */
export class ApiError extends Error {
  constructor(
    readonly status: number,
    readonly title: string,
    readonly detail: string,
    readonly retryAfterS: number | null = null,
    /** What is wrong, row by row, where a document was sent. */
    readonly problems: RowProblem[] = [],
  ) {
    super(detail || title || `HTTP ${status}`);
  }
}

/** Query parameters; an empty, null or absent value is left out. */
export type Params = Record<string, string | number | null | undefined>;

export function withParams(path: string, params: Params): string {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(params)) {
    if (value !== null && value !== undefined && value !== '') query.set(name, String(value));
  }
  const text = query.toString();
  return text ? `${path}?${text}` : path;
}

interface Options {
  params?: Params;
  body?: unknown;
  /** A document instead, sent as it is. */
  file?: Blob;
  headers?: Record<string, string>;
  signal?: AbortSignal | undefined;
}

export class Client {
  /** Given at sign-in; every request that changes something carries it. */
  csrf = '';
  /** Called when the server no longer knows us. */
  onSignedOut: () => void = () => {};

  constructor(
    private readonly base = '/api/v1',
    private readonly send: typeof fetch = (input, init) => fetch(input, init),
  ) {}

  async signIn(username: string, password: string): Promise<Session> {
    const session = await this.call<Session>('POST', '/session', { body: { username, password } });
    this.csrf = session.csrf;
    return session;
  }

  async session(): Promise<Session> {
    const session = await this.call<Session>('GET', '/session');
    this.csrf = session.csrf;
    return session;
  }

  signOut = () => this.call<void>('DELETE', '/session');
  changePassword = (current: string, next: string) =>
    this.call<void>('PUT', '/session/password', { body: { current, new: next } });
  setLanguage = (language: Language) => this.call<void>('PATCH', '/session', { body: { language } });
  users = () => this.call<Page<User>>('GET', '/users');

  overview = (params: Params, signal?: AbortSignal) => this.call<Overview>('GET', '/overview', { params, signal });
  sources = (signal?: AbortSignal) => this.call<Page<SourceHealth>>('GET', '/sources', { signal });
  rules = (signal?: AbortSignal) => this.call<Page<Rule>>('GET', '/rules', { signal });

  events = (params: Params, signal?: AbortSignal) => this.call<Page<Document>>('GET', '/events', { params, signal });
  eventCount = (params: Params, signal?: AbortSignal) =>
    this.call<{ count: number }>('GET', '/events/count', { params, signal });
  histogram = (params: Params, signal?: AbortSignal) =>
    this.call<Histogram>('GET', '/events/histogram', { params, signal });

  incidents = (params: Params, signal?: AbortSignal) =>
    this.call<Page<IncidentSummary>>('GET', '/incidents', { params, signal });
  incident = (id: string, signal?: AbortSignal) =>
    this.call<IncidentDetail>('GET', `/incidents/${encodeURIComponent(id)}`, { signal });
  evidence = (id: string, params: Params, signal?: AbortSignal) =>
    this.call<Page<Document>>('GET', `/incidents/${encodeURIComponent(id)}/events`, { params, signal });
  comment = (id: string, text: string) =>
    this.call<Comment>('POST', `/incidents/${encodeURIComponent(id)}/comments`, { body: { text } });
  particulars = (id: string) => this.call<Particulars>('GET', `/incidents/${encodeURIComponent(id)}/particulars`);
  setParticulars = (id: string, body: Particulars) =>
    this.call<Particulars>('PUT', `/incidents/${encodeURIComponent(id)}/particulars`, { body });
  /** Changes an incident only if it is still the version that the person saw; else 412. */
  changeIncident = (id: string, version: number, change: IncidentChange) =>
    this.call<IncidentDetail>('PATCH', `/incidents/${encodeURIComponent(id)}`, {
      body: change,
      headers: { 'If-Match': `"${version}"` },
    });

  release = (id: string, collection: string, tlp: string) =>
    this.call<Released>('POST', `/incidents/${encodeURIComponent(id)}/release`, { body: { collection, tlp } });

  releases = (id: string, signal?: AbortSignal) =>
    this.call<Page<Release>>('GET', `/incidents/${encodeURIComponent(id)}/releases`, { signal });

  exchange = (signal?: AbortSignal) => this.call<Exchange>('GET', '/exchange', { signal });
  deliveries = (params: Params, signal?: AbortSignal) =>
    this.call<Page<Delivery>>('GET', '/exchange/deliveries', { params, signal });
  retryDelivery = (id: string) =>
    this.call<Delivery>('POST', `/exchange/deliveries/${encodeURIComponent(id)}/retry`);
  indicators = (params: Params, signal?: AbortSignal) =>
    this.call<Page<Indicator>>('GET', '/indicators', { params, signal });
  indicatorSources = (signal?: AbortSignal) => this.call<Page<IndicatorSource>>('GET', '/indicators/sources', { signal });

  warnings = (params: Params, signal?: AbortSignal) => this.call<Warnings>('GET', '/warnings', { params, signal });
  addWarning = (warning: NewWarning) => this.call<TakenIn>('POST', '/warnings', { body: warning });
  actOnTask = (incident: string, unit: string, act: 'read' | 'done', note: string) =>
    this.call<Warning>('POST', `/warnings/${encodeURIComponent(incident)}/tasks/${encodeURIComponent(unit)}`, {
      body: { act, note },
    });
  units = () => this.call<Page<{ id: string; name: string }>>('GET', '/registry/units', { params: { limit: 1000 } });

  /** Says which class an incident is of, and why. */
  classifyIncident = (id: string, body: { rule_set: string; class: string; reason: string }) =>
    this.call<IncidentDetail>('PUT', `/incidents/${encodeURIComponent(id)}/class`, { body });
  /** Notes that a report was made. */
  reportIncident = (id: string, body: { deadline: string; recipient: string; reported: string; document: string }) =>
    this.call<IncidentDetail>('POST', `/incidents/${encodeURIComponent(id)}/reports`, { body });

  board = (params: Params, signal?: AbortSignal) => this.call<Board>('GET', '/compliance/board', { params, signal });
  assessment = (params: Params, signal?: AbortSignal) =>
    this.call<Assessment>('GET', '/compliance/assessment', { params, signal });
  attestations = (params: Params, signal?: AbortSignal) =>
    this.call<Page<Attestation>>('GET', '/compliance/attestations', { params, signal });
  attestation = (id: string, signal?: AbortSignal) =>
    this.call<Attestation>('GET', `/compliance/attestations/${encodeURIComponent(id)}`, { signal });
  attest = (body: NewAttestation) => this.call<Attestation>('POST', '/compliance/attestations', { body });
  withdrawAttestation = (id: string) =>
    this.call<void>('DELETE', `/compliance/attestations/${encodeURIComponent(id)}`);
  registry = (kind: RegistryKind, params: Params, signal?: AbortSignal) =>
    this.call<Page<RegistryRow>>('GET', `/registry/${kind}`, { params, signal });
  registryRow = (kind: RegistryKind, id: string, signal?: AbortSignal) =>
    this.call<RegistryRow>('GET', `/registry/${kind}/${encodeURIComponent(id)}`, { signal });

  importRegistry = (file: Blob, params: Params) =>
    this.call<Imported>('POST', '/registry/import', { params, file });

  private async call<T>(method: string, path: string, options: Options = {}): Promise<T> {
    const headers: Record<string, string> = { Accept: 'application/json', ...options.headers };
    if (options.body !== undefined) headers['Content-Type'] = 'application/json';
    else if (options.file) headers['Content-Type'] = 'application/octet-stream';
    if (method !== 'GET' && this.csrf) headers['X-CSRF-Token'] = this.csrf;
    const init: RequestInit = { method, headers, credentials: 'same-origin', cache: 'no-store' };
    if (options.body !== undefined) init.body = JSON.stringify(options.body);
    else if (options.file) init.body = options.file;
    if (options.signal) init.signal = options.signal;
    let response: Response;
    try {
      response = await this.send(this.base + withParams(path, options.params ?? {}), init);
    } catch (cause) {
      if (cause instanceof DOMException && cause.name === 'AbortError') throw cause;
      throw new ApiError(0, '', '');
    }
    if (!response.ok) throw await this.refusal(response, method, path);
    if (response.status === 204) return undefined as T;
    return (await response.json()) as T;
  }

  private async refusal(response: Response, method: string, path: string): Promise<ApiError> {
    // A wrong password is also a 401, and is no sign that a session ended.
    if (response.status === 401 && !(path === '/session' && method === 'POST')) this.onSignedOut();
    const seconds = Number(response.headers.get('Retry-After'));
    let problem: { title?: unknown; detail?: unknown; problems?: unknown } = {};
    try {
      problem = (await response.json()) as typeof problem;
    } catch {
      // Not a problem document: the status alone has to do.
    }
    const text = (value: unknown) => (typeof value === 'string' ? value : '');
    return new ApiError(
      response.status, text(problem.title), text(problem.detail), Number.isFinite(seconds) && seconds > 0 ? seconds : null,
      Array.isArray(problem.problems) ? (problem.problems as RowProblem[]) : [],
    );
  }
}

/** A request that was given up because nobody waits for it any more. */
export function isAbort(error: unknown): boolean {
  return error instanceof DOMException && error.name === 'AbortError';
}

export const api = new Client();
