import { describe, expect, it } from 'vitest';
import { age, clock, dateTime, dateTimeMs, day, number, parseDateTime, parseDay } from '../src/format';
import { bounds, read, write } from '../src/range';

describe('times', () => {
  it('are shown in Vietnam time, day before month', () => {
    expect(dateTime('2026-11-23T13:15:09.120Z')).toBe('23/11/2026 20:15:09');
    expect(dateTimeMs('2026-11-23T13:15:09.020Z')).toBe('23/11/2026 20:15:09.020');
  });
  it('cross midnight and the year where Vietnam does', () => {
    expect(dateTime('2026-12-31T17:00:00Z')).toBe('01/01/2027 00:00:00');
    expect(day('2026-12-31T17:00:00Z')).toBe('01/01');
    expect(clock('2026-12-31T16:59:59Z', true)).toBe('23:59:59');
  });
  it('that are no times come back as they are', () => {
    expect(dateTime('yesterday')).toBe('yesterday');
    expect(dateTime(null)).toBe('');
  });
  it('typed are read back to the same moment', () => {
    expect(parseDateTime('23/11/2026 20:15:09')).toBe(Date.parse('2026-11-23T13:15:09Z'));
    expect(parseDateTime(' 1/2/2026 7:00 ')).toBe(Date.parse('2026-02-01T00:00:00Z'));
    expect(parseDateTime('01/02/2026')).toBe(Date.parse('2026-01-31T17:00:00Z'));
    expect(parseDay(' 1/12/2026')).toBe('2026-12-01');
  });
  it('that do not exist are refused', () => {
    for (const text of ['31/02/2026 10:00', '11/23/2026 10:00', '01/01/2026 24:00', '2026-01-01', '', '01/01/2026 10:61']) {
      expect(parseDateTime(text), text).toBeNull();
      expect(parseDay(text), text).toBeNull();
    }
  });
});

describe('numbers and ages', () => {
  it('group thousands as the language does', () => {
    expect(number(1_234_567, 'vi')).toBe('1.234.567');
    expect(number(1_234_567, 'en')).toBe('1,234,567');
  });
  it('tell an age in its largest whole unit', () => {
    expect(age(-5)).toEqual({ key: 'age.seconds', n: 0 });
    expect(age(59_999)).toEqual({ key: 'age.seconds', n: 59 });
    expect(age(60_000)).toEqual({ key: 'age.minutes', n: 1 });
    expect(age(47 * 3_600_000)).toEqual({ key: 'age.hours', n: 47 });
    expect(age(48 * 3_600_000)).toEqual({ key: 'age.days', n: 2 });
  });
});

describe('a range', () => {
  it('moves with the clock if it is a preset', () => {
    expect(bounds({ preset: '1h' }, 7_200_000)).toEqual({ from: 3_600_000, to: 7_200_000 });
  });
  it('survives its way through the address', () => {
    for (const range of [{ preset: '7d' as const }, { from: 1_700_000_000_000, to: 1_700_000_100_000 }]) {
      const query = new URLSearchParams();
      write(range, query);
      expect(read(query)).toEqual(range);
    }
  });
  it('is the usual one if the address makes no sense', () => {
    expect(read(new URLSearchParams('from=x&to=y'))).toEqual({ preset: '24h' });
    expect(read(new URLSearchParams('from=2026-02-01T00:00:00Z&to=2026-01-01T00:00:00Z'))).toEqual({ preset: '24h' });
    expect(read(new URLSearchParams('range=9y'))).toEqual({ preset: '24h' });
  });
});
