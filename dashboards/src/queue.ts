// The incident queue's filters, and their way into the page's address and the API's parameters.
import { SEVERITIES, STATUSES, type Severity, type Status } from './api/model';
import type { Params } from './api/client';

export const SORTS = ['-last', '-severity', '-first', 'due'] as const;
export type Sort = (typeof SORTS)[number];

/** Authorised scans: left out, alone, or among the others. */
export const AUTHORISED = ['false', 'true', 'any'] as const;
export type AuthorisedShown = (typeof AUTHORISED)[number];

/** By the reports that incidents owe: all, those that owe one, those whose report is late. */
export const DUE = ['', 'owed', 'overdue'] as const;
export type DueShown = (typeof DUE)[number];

export interface Filters {
  statuses: Status[];
  severities: Severity[];
  unit: string;
  assignee: string;
  q: string;
  authorised: AuthorisedShown;
  due: DueShown;
  /** Active between these moments, as a proof of a period asks; empty without. */
  from: string;
  to: string;
  sort: Sort;
}

/** What waits for somebody: everything that is not closed. */
export const OPEN: Status[] = ['new', 'acknowledged', 'contained'];

/** What is no moment would only be refused. */
const moment = (text: string | null) => (text && Number.isFinite(Date.parse(text)) ? text : '');

export function read(query: URLSearchParams): Filters {
  const pick = <T extends string>(name: string, known: readonly T[]) =>
    known.filter((value) => (query.get(name) ?? '').split(',').includes(value));
  const sort = SORTS.find((known) => known === query.get('sort'));
  return {
    statuses: query.has('status') ? pick('status', STATUSES) : OPEN,
    severities: pick('severity', SEVERITIES),
    unit: query.get('unit') ?? '',
    assignee: query.get('assignee') ?? '',
    q: query.get('q') ?? '',
    authorised: AUTHORISED.find((known) => known === query.get('authorised')) ?? 'false',
    due: DUE.find((known) => known === query.get('due')) ?? '',
    from: moment(query.get('from')),
    to: moment(query.get('to')),
    sort: sort ?? '-last',
  };
}

/** The page's address for these filters; what is usual is left out. */
export function address(filters: Filters): string {
  const query = new URLSearchParams();
  if (filters.statuses.join() !== OPEN.join()) query.set('status', filters.statuses.join());
  if (filters.severities.length) query.set('severity', filters.severities.join());
  if (filters.unit) query.set('unit', filters.unit);
  if (filters.assignee) query.set('assignee', filters.assignee);
  if (filters.q) query.set('q', filters.q);
  if (filters.authorised !== 'false') query.set('authorised', filters.authorised);
  if (filters.due) query.set('due', filters.due);
  if (filters.from) query.set('from', filters.from);
  if (filters.to) query.set('to', filters.to);
  if (filters.sort !== '-last') query.set('sort', filters.sort);
  const text = query.toString();
  return text ? `/incidents?${text}` : '/incidents';
}

/** The API's parameters; no status ticked means all of them. */
export function params(filters: Filters): Params {
  return {
    status: filters.statuses.join(),
    severity: filters.severities.join(),
    unit: filters.unit,
    assignee: filters.assignee,
    q: filters.q,
    authorised: filters.authorised,
    due: filters.due,
    from: filters.from,
    to: filters.to,
    sort: filters.sort,
  };
}

/** Which row `j` (down) or `k` (up) goes to, or null if the key means something else. */
export function step(key: string, at: number, rows: number): number | null {
  if (rows === 0) return null;
  if (key === 'j') return Math.min(at + 1, rows - 1);
  if (key === 'k') return at < 0 ? rows - 1 : Math.max(at - 1, 0);
  return null;
}
