// What the law asks, measured: as `/api/v1/compliance` answers it.
import type { Certainty } from './model';

export type Outcome = 'met' | 'not_met' | 'unknown' | 'not_required';
export const SUBJECTS = ['system', 'unit', 'province'] as const;
export type Subject = (typeof SUBJECTS)[number];

export interface Said {
  text: string;
  text_vi: string;
}

export interface Proof {
  kind: string;
  page: string;
  api: string;
}

export interface Measured {
  id: string;
  title: string;
  title_vi: string;
  kind: string;
  layer: number;
  value: number | null;
  required: number | null;
  wanted: 'at-least' | 'at-most';
  quantity: 'percent' | 'hours' | 'days' | 'months' | 'seconds' | 'count';
  count?: { of: number; fit: number };
  outcome: Outcome;
  missing: Said[];
  proof: Proof[];
  citation: string;
  certainty: Certainty;
  /** Rules that held on earlier days of the period. */
  earlier?: { from: string; until: string; required: number | null; citation: string; certainty: Certainty }[];
}

/** What was measured of a system, a unit or the province. */
export interface Assessed {
  subject: Subject;
  id: string;
  name: string;
  unit: string;
  unit_name: string;
  level: number;
  measures: Measured[];
  tally: { met: number; not_met: number; unknown: number };
}

export interface Assessment {
  period: { first: string; last: string };
  computed: string;
  regime: { id: string; title: string; title_vi: string; citation: string };
  systems: Assessed[];
  units: Assessed[];
  province: Assessed;
}

/** A person's word that something was done, with its document. */
export interface Attestation {
  id: string;
  measure: string;
  subject: Subject;
  of: string;
  document: string;
  organisation: string;
  on: string;
  until: string | null;
  note: string;
  person: string;
  recorded: string;
  state: 'held' | 'expired' | 'withdrawn';
  withdrawn: string | null;
  /** Who took it back. */
  withdrawn_by: string | null;
}

export interface NewAttestation {
  measure: string;
  of: string;
  document: string;
  organisation: string;
  on: string;
  until: string | null;
  note: string;
}
