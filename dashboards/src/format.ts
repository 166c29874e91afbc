// Times and numbers as people here read them: Vietnam's time zone (UTC+7 all year), day before month.
import type { Language } from './api/model';

const ZONE_MS = 7 * 3_600_000;
const two = (value: number) => String(value).padStart(2, '0');

function local(time: string | number): Date | null {
  const ms = typeof time === 'number' ? time : Date.parse(time);
  return Number.isFinite(ms) ? new Date(ms + ZONE_MS) : null;
}

/** `23/11/2026 20:15:09`; a text that is no time comes back as it is. */
export function dateTime(time: string | number | null | undefined): string {
  if (time === null || time === undefined || time === '') return '';
  const at = local(time);
  if (!at) return String(time);
  return `${date(at)} ${two(at.getUTCHours())}:${two(at.getUTCMinutes())}:${two(at.getUTCSeconds())}`;
}

/** `dateTime` with milliseconds, for telling the order of events. */
export function dateTimeMs(time: string | number): string {
  const at = local(time);
  return at ? `${dateTime(time)}.${String(at.getUTCMilliseconds()).padStart(3, '0')}` : String(time);
}

/** `20:15`, or `20:15:09` where seconds matter. */
export function clock(time: string | number, seconds = false): string {
  const at = local(time);
  if (!at) return String(time);
  const minutes = `${two(at.getUTCHours())}:${two(at.getUTCMinutes())}`;
  return seconds ? `${minutes}:${two(at.getUTCSeconds())}` : minutes;
}

/** `23/11`. */
export function day(time: string | number): string {
  const at = local(time);
  return at ? `${two(at.getUTCDate())}/${two(at.getUTCMonth() + 1)}` : String(time);
}

/** `23/11/2026` of `2026-11-23`; a text that is no day comes back as it is. */
export function civil(day: string): string {
  return /^\d{4}-\d{2}-\d{2}$/.test(day) ? day.split('-').reverse().join('/') : day;
}

/** Reads `dd/MM/yyyy` as `yyyy-MM-dd`; null if it is no such day. */
export function parseDay(text: string): string | null {
  const ms = /^\s*\S+\s*$/.test(text) ? parseDateTime(text) : null;
  return ms === null ? null : new Date(ms + ZONE_MS).toISOString().slice(0, 10);
}

function date(at: Date): string {
  return `${two(at.getUTCDate())}/${two(at.getUTCMonth() + 1)}/${at.getUTCFullYear()}`;
}

/** Reads `dd/MM/yyyy HH:mm[:ss]` in Vietnam's time zone; null if it is no such time. */
export function parseDateTime(text: string): number | null {
  const found = /^\s*(\d{1,2})\/(\d{1,2})\/(\d{4})(?:\s+(\d{1,2}):(\d{2})(?::(\d{2}))?)?\s*$/.exec(text);
  if (!found) return null;
  const [days, months, years, hours, minutes, seconds] = found.slice(1).map((part) => Number(part ?? 0)) as [
    number, number, number, number, number, number,
  ];
  const ms = Date.UTC(years, months - 1, days, hours, minutes, seconds);
  const back = new Date(ms);
  const same =
    back.getUTCDate() === days && back.getUTCMonth() === months - 1 && back.getUTCFullYear() === years &&
    back.getUTCHours() === hours && back.getUTCMinutes() === minutes && back.getUTCSeconds() === seconds;
  return same ? ms - ZONE_MS : null;
}

const NUMBERS: Record<Language, Intl.NumberFormat> = {
  vi: new Intl.NumberFormat('vi-VN'),
  en: new Intl.NumberFormat('en-GB'),
};

export const number = (value: number, language: Language) => NUMBERS[language].format(value);

/** How long something lasted or lies back, in its largest whole unit. */
export function age(ms: number): { key: 'age.seconds' | 'age.minutes' | 'age.hours' | 'age.days'; n: number } {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  if (seconds < 60) return { key: 'age.seconds', n: seconds };
  if (seconds < 3600) return { key: 'age.minutes', n: Math.floor(seconds / 60) };
  if (seconds < 2 * 86_400) return { key: 'age.hours', n: Math.floor(seconds / 3600) };
  return { key: 'age.days', n: Math.floor(seconds / 86_400) };
}
