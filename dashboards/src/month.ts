// Months as periods of an assessment, Vietnam's.
const ZONE_MS = 7 * 3_600_000;
const two = (value: number) => String(value).padStart(2, '0');

export interface Month {
  /** `2026-11`. */
  name: string;
  /** `11/2026`. */
  label: string;
  /** The first day. */
  from: string;
  /** The last day. */
  to: string;
}

/** The day in Vietnam at that moment, `2026-11-28`. */
export const today = (now: number) => new Date(now + ZONE_MS).toISOString().slice(0, 10);

/** This month and the ones before, the newest first. */
export function months(now: number, count: number): Month[] {
  const at = new Date(now + ZONE_MS);
  return Array.from({ length: count }, (_, back) => {
    const first = new Date(Date.UTC(at.getUTCFullYear(), at.getUTCMonth() - back, 1));
    const last = new Date(Date.UTC(at.getUTCFullYear(), at.getUTCMonth() - back + 1, 0));
    const name = `${first.getUTCFullYear()}-${two(first.getUTCMonth() + 1)}`;
    return { name, label: `${two(first.getUTCMonth() + 1)}/${first.getUTCFullYear()}`, from: `${name}-01`, to: `${name}-${two(last.getUTCDate())}` };
  });
}
