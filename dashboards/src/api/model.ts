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
  /** When the next report that is owed is late. */
  due?: string | null;
  authorised?: Authorised | null;
  kind?: 'attack' | 'warning';
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

/** What a person adds to an incident for its reports. */
export interface Particulars {
  number: string;
  description: string;
  discovery: string[];
  told_by: string;
  discovery_other: string;
  notified: string[];
  cause: string;
  scope: string;
  remedy: string;
  result: string;
  documents: string;
  os: string;
  services: string[];
  measures: string[];
  purpose: string;
  attached: string[];
  secret: boolean | null;
  request: string;
  initial_number: string;
  initial_day: string;
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
  reporting: Reporting;
  story: Sentence[];
  risk: Risk[];
  alerts: Alert[];
  comments: Comment[];
  history: Change[];
}

export type Certainty = 'confirmed' | 'to-verify';

/** What is to be reported to one recipient. */
export interface Deadline {
  deadline: string;
  title: string;
  title_vi: string;
  recipient: string;
  recipient_name: string;
  recipient_name_vi: string;
  within: string;
  due: string;
  late_after: string;
  stand: 'pending' | 'overdue' | 'reported' | 'reported_late';
  report: { reported: string; document: string; actor: string; time: string } | null;
  citation: string;
  certainty: Certainty;
}

/** An incident's class in a rule set, and which it could have. */
export interface ReportingClass {
  rule_set: string;
  title: string;
  title_vi: string;
  class: string;
  options: { id: string; title: string; title_vi: string }[];
  actor: string | null;
  reason: string | null;
}

export interface Reporting {
  detected: string;
  due: string | null;
  classes: ReportingClass[];
  deadlines: Deadline[];
}

export interface Tally {
  met: number;
  not_met: number;
  unknown: number;
}

export interface LayerStand {
  layer: number;
  state: 'met' | 'partly' | 'not_met' | 'unknown' | 'not_required';
  tally: Tally;
  before: Tally;
  trend: number | null;
  missing: { measure: string; title: string; title_vi: string; subject: string; not_met: number; unknown: number; of: string[] }[];
}

export interface BoardRow {
  id: string;
  name: string;
  systems: number;
  layers: LayerStand[];
}

export interface Board {
  period: { first: string; last: string };
  before: { first: string; last: string };
  computed: string;
  province: BoardRow;
  units: BoardRow[];
  targets: { id: string; title: string; title_vi: string; target: number; now: number | null; gap: number | null; of: number; fit: number; citation: string; certainty: Certainty }[];
}

export const REGISTRY_KINDS = ['systems', 'assets', 'endpoints', 'units'] as const;
export type RegistryKind = (typeof REGISTRY_KINDS)[number];

/** A row of any kind; what is usual is left out of it. */
export interface RegistryRow {
  id: string;
  name?: string;
  parent?: string;
  official_code?: string;
  until?: string;
  contact_name?: string;
  contact_telephone?: string;
  unit?: string;
  system?: string;
  level?: number;
  level_since?: string;
  earlier_levels?: string[];
  dossier?: string;
  decision?: string;
  plan?: string;
  registered?: boolean;
  addresses?: string[];
  hosts?: string[];
  logs?: boolean;
  os?: string;
  antivirus?: string;
}

/** What an import of the registry changed, or would. */
export interface Imported {
  dry_run: boolean;
  added: number;
  changed: number;
  removed: number;
  same: number;
  rows: { change: 'removed' | 'changed' | 'added'; kind: RegistryKind; id: string }[];
}

/** What is wrong in one row of a document. */
export interface RowProblem {
  row: number | null;
  kind: RegistryKind | null;
  id: string;
  reason: string;
  reason_vi: string;
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
  reports_owed: number;
  reports_overdue: number;
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

export const TLPS = ['clear', 'green', 'amber', 'amber+strict', 'red'] as const;
/** To whom something may be shown, from the most open. */
export type Tlp = (typeof TLPS)[number];

export interface Partner {
  name: string;
  url: string;
  tlp: Tlp;
  every_s: number;
  succeeded: string | null;
  succeeded_age_s: number | null;
  waiting: number;
  waiting_since: string | null;
  refused: number;
  problem: string;
  next: string | null;
}

export interface Feed {
  name: string;
  collection: string;
  every_s: number;
  succeeded: string | null;
  succeeded_age_s: number | null;
  reached: string;
  objects: number;
  failures: number;
  problem: string;
}

/** What others may fetch from us. */
export interface Collection {
  name: string;
  title: string;
  description: string;
  tlp: Tlp;
  readers: Record<string, Tlp>;
}

export interface Exchange {
  partners: Partner[];
  feeds: Feed[];
  collections: Collection[];
}

export interface Delivery {
  id: string;
  partner: string;
  kind: string;
  tlp: Tlp;
  from: string;
  to: string;
  made: string;
  bytes: number;
  sha256: string;
  state: 'waiting' | 'delivered' | 'refused';
  attempts: number;
  next: string | null;
  problem: string;
  delivered: string | null;
}

export interface Released {
  id: string;
  objects: number;
  new: number;
}

/** To whom an incident was let out, the last time for each. */
export interface Release {
  audience: string;
  tlp: Tlp;
  time: string;
  actor: string;
}

export const INDICATOR_KINDS = ['address', 'domain', 'url', 'md5', 'sha1', 'sha256', 'sha512'] as const;

export interface Indicator {
  id: string;
  kind: (typeof INDICATOR_KINDS)[number];
  value: string;
  name: string;
  source: string;
  confidence?: number;
  tlp: Tlp;
  valid_from: string;
  valid_until?: string;
}

export interface IndicatorSource {
  source: string;
  count: number;
  expired: number;
}

/** What a unit has to do about a warning. */
export interface Task {
  unit: string;
  name: string;
  events: number;
  made: string;
  read_by: string | null;
  read: string | null;
  done_by: string | null;
  done: string | null;
  note: string;
}

export interface Warning {
  incident: string;
  number: number;
  source: string;
  title: string;
  text: string;
  severity: Severity;
  tlp: Tlp;
  made: string;
  indicators: number;
  tasks: Task[];
}

export interface Warnings {
  items: Warning[];
  unread: number;
  unread_age_s: number | null;
  open: number;
}

export interface NewWarning {
  source: string;
  title: string;
  text: string;
  severity: string;
  tlp: string | null;
  document: string;
  units: string[];
}

export interface TakenIn {
  incident: string;
  indicators: number;
  new: number;
  refused: string[];
  units: string[];
}

export type Json = string | number | boolean | null | Json[] | { [key: string]: Json };
/** An ECS document. */
export type Document = { [key: string]: Json };
