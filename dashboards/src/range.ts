// Time ranges: a preset that moves with the clock, or two fixed ends; and their way into the page's address.

export const PRESETS = ['15m', '1h', '4h', '24h', '7d', '30d'] as const;
export type Preset = (typeof PRESETS)[number];
export type Range = { preset: Preset } | { from: number; to: number };

const MINUTES: Record<Preset, number> = { '15m': 15, '1h': 60, '4h': 240, '24h': 1440, '7d': 10_080, '30d': 43_200 };
export const DEFAULT: Range = { preset: '24h' };

/** The range's two ends in milliseconds. */
export function bounds(range: Range, now: number): { from: number; to: number } {
  return 'preset' in range ? { from: now - MINUTES[range.preset] * 60_000, to: now } : range;
}

export function read(query: URLSearchParams): Range {
  const [from, to] = [Date.parse(query.get('from') ?? ''), Date.parse(query.get('to') ?? '')];
  if (Number.isFinite(from) && Number.isFinite(to) && from < to) return { from, to };
  const preset = PRESETS.find((known) => known === query.get('range'));
  return preset ? { preset } : DEFAULT;
}

export function write(range: Range, query: URLSearchParams): void {
  if ('preset' in range) query.set('range', range.preset);
  else {
    query.set('from', new Date(range.from).toISOString());
    query.set('to', new Date(range.to).toISOString());
  }
}
