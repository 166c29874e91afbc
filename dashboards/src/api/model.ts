// The API's words and shapes, as /api/v1 sends them.

export const SEVERITIES = ['critical', 'high', 'medium', 'low', 'informational'] as const;
export type Severity = (typeof SEVERITIES)[number];

export const STATUSES = ['new', 'acknowledged', 'contained', 'closed'] as const;
export type Status = (typeof STATUSES)[number];

export const VERDICTS = ['true_positive', 'false_positive', 'benign'] as const;
export type Verdict = (typeof VERDICTS)[number];

export type Stage = 'reconnaissance' | 'access' | 'foothold' | 'control' | 'impact';
export type Role = 'admin' | 'responder' | 'auditor' | 'partner';
export type Language = 'vi' | 'en';

export interface User {
  id: string | number;
  username: string;
  display_name: string;
  role: Role;
  language?: Language;
  disabled?: boolean;
}

export interface Session {
  user: User;
  csrf: string;
  must_change_password: boolean;
}

/** One page of a list; `next` asks for the following one. */
export interface Page<T> {
  items: T[];
  next?: string | null;
}

export interface Entity {
  kind: 'user' | 'host' | 'address' | 'unit';
  name: string;
}

export interface IncidentSummary {
  id: string;
  number: number;
  title: string;
  title_vi: string;
  severity: Severity;
  stage: Stage;
  status: Status;
  verdict: Verdict | null;
  assignee: string | null;
  unit: string;
  system: string;
  system_level: number;
  first: string;
  last: string;
  created: string;
  updated: string;
  alerts_count: number;
  events_count: number;
  entities: Entity[];
  comments_count: number;
  version: number;
  authorised?: Authorised | null;
}

/** Who allowed a scan, on which word, why, and until when. */
export interface Authorised {
  id: string;
  title: string;
  by: string;
  document: string;
  reason: string;
  until: string;
}

/** Why an item of a rule held. */
export interface Because {
  field: string;
  value: string;
  pattern: string;
}

export interface Alert {
  id: string;
  rule: string;
  title: string;
  title_vi: string;
  level: Severity;
  first: string;
  last: string;
  count: number;
  group: [string, string][];
  entities: Entity[];
  unit: string;
  system: string;
  system_level: number;
  tags: string[];
  events: string[];
  because: Because[];
  /** Further alerts that were held back. */
  suppressed?: { count: number; until: string };
  authorised?: Authorised;
}

export interface Comment {
  id: string | number;
  author: string;
  text: string;
  created: string;
}

export interface Change {
  time: string;
  actor: string;
  change: string;
  from: string | null;
  to: string | null;
}

/** What happened, in a sentence. */
export interface Sentence {
  first: string;
  last: string;
  stage: Stage;
  level: Severity;
  count: number;
  text: string;
  text_vi: string;
}

/** How much alerts say against an entity. */
export interface Risk extends Entity {
  score: number;
}

export interface IncidentDetail extends IncidentSummary {
  story: Sentence[];
  risk: Risk[];
  alerts: Alert[];
  comments: Comment[];
  history: Change[];
}

/** What a person may change of an incident. */
export interface IncidentChange {
  status?: Status;
  verdict?: Verdict | null;
  assignee?: string | null;
  severity?: Severity;
}

export interface Bucket {
  time: string;
  count: number;
}

export interface Histogram {
  step_s: number;
  items: Bucket[];
}

export interface Overview {
  events_total: number;
  events_per_minute: Bucket[];
  incidents_open: number;
  incidents_by_severity: Partial<Record<Severity, number>>;
  top_sources: { address: string; count: number; country?: string | null }[];
  silent_sources: { source: string; last_seen: string; silent_s: number }[];
  sources_total: number;
  by_category: { category: string; count: number }[];
}

/** One line of the loss ledger: received = stored + rejected + spooled. */
export interface SourceHealth {
  source: string;
  transport: string;
  last_seen: string | null;
  received: number;
  stored: number;
  rejected: number;
  spooled: number;
  silent: boolean;
}

export interface Rule {
  id: string;
  title: string;
  title_vi: string;
  level: Severity;
  layer: string;
  status: string;
  kind: 'detection' | 'correlation';
  tags: string[];
  matches_24h?: number | null;
}

export type Json = string | number | boolean | null | Json[] | { [key: string]: Json };
/** An ECS document. */
export type Document = { [key: string]: Json };
