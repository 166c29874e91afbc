// Two people, one incident: what changed between the version that one of them saw and the one that is there now.
import type { IncidentSummary } from './api/model';

export const WATCHED = ['status', 'verdict', 'assignee', 'severity', 'alerts_count'] as const;
export type Watched = (typeof WATCHED)[number];

export interface Difference {
  field: Watched;
  from: string | null;
  to: string | null;
}

const text = (value: string | number | null) => (value === null ? null : String(value));

/** The fields that a person decides by, where the two versions differ. */
export function differences(seen: IncidentSummary, now: IncidentSummary): Difference[] {
  return WATCHED.filter((field) => seen[field] !== now[field]).map((field) => ({ field, from: text(seen[field]), to: text(now[field]) }));
}
