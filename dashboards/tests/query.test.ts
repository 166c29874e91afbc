import { describe, expect, it } from 'vitest';
import { differences } from '../src/conflict';
import { COLUMNS, COLUMNS_MAX, flatten, readColumns, values } from '../src/document';
import { missing, total } from '../src/ledger';
import { append, empty, first } from '../src/paging';
import { quote, split, term, withTerm } from '../src/query';
import { address, params, read, step } from '../src/queue';
import { segments, visible } from '../src/visible';
import type { IncidentSummary } from '../src/api/model';

describe('a query term', () => {
  it('leaves plain values bare and quotes the rest', () => {
    expect(term('source.ip', '203.0.113.9')).toBe('source.ip:203.0.113.9');
    expect(term('destination.port', 443)).toBe('destination.port:443');
    expect(term('user.name', 'nguyễn văn a')).toBe('user.name:"nguyễn văn a"');
    expect(term('source.ip', '2001:db8::1')).toBe('source.ip:"2001:db8::1"');
  });
  it('takes the meaning from what would have one', () => {
    for (const value of ['*', '>5', '-x', 'a*', '10.0.0.0/8', '(a)', '']) expect(quote(value), value).toBe(`"${value}"`);
    expect(quote('C:\\a "b"')).toBe('"C:\\\\a \\"b\\""');
  });
  it('is added once, and its opposite makes way', () => {
    expect(withTerm('', 'a', 'b')).toBe('a:b');
    expect(withTerm('x a:b', 'a', 'b')).toBe('x a:b');
    expect(withTerm('a:b x', 'a', 'b', true)).toBe('x -a:b');
    expect(withTerm('-a:"b c" x', 'a', 'b c')).toBe('x a:"b c"');
  });
  it('keeps quoted spaces together', () => {
    expect(split('a:"b \\" c" -"d e"  f "open end')).toEqual(['a:"b \\" c"', '-"d e"', 'f', '"open end']);
  });
});

describe('the queue', () => {
  it('shows what is not closed unless the address says otherwise', () => {
    expect(params(read(new URLSearchParams('')))['status']).toBe('new,acknowledged,contained');
    expect(params(read(new URLSearchParams('status=')))['status']).toBe('');
    expect(params(read(new URLSearchParams('authorised=perhaps')))['authorised']).toBe('false');
    expect(params(read(new URLSearchParams('from=yesterday')))['from']).toBe('');
  });
  it('writes an address that reads back the same', () => {
    for (const text of ['', 'status=closed&severity=critical,high&unit=so-y-te&assignee=a&q=web+shell&authorised=any&sort=-severity', 'status=', 'from=2026-11-01T00%3A00%3A00Z&to=2026-12-01T00%3A00%3A00Z']) {
      const filters = read(new URLSearchParams(text));
      expect(read(new URL(address(filters), 'http://x').searchParams)).toEqual(filters);
    }
  });
  it('ignores words it does not know', () => {
    expect(read(new URLSearchParams('status=bogus,new&severity=9&sort=drop'))).toMatchObject({ statuses: ['new'], severities: [], sort: '-last' });
  });
  it('moves by j and k and stops at the ends', () => {
    expect([step('j', -1, 3), step('j', 2, 3), step('k', 0, 3), step('k', -1, 3), step('x', 1, 3), step('j', 0, 0)]).toEqual([0, 2, 0, 2, null, null]);
  });
});

describe('paging', () => {
  const id = (item: { id: string }) => item.id;
  const items = (...ids: string[]) => ids.map((each) => ({ id: each }));
  it('adds pages and never shows an item twice', () => {
    const one = first({ items: items('a', 'b'), next: '2' });
    const two = append(one, { items: items('b', 'c'), next: null }, id);
    expect(two.items.map(id)).toEqual(['a', 'b', 'c']);
    expect(two).toMatchObject({ next: null, pages: 2 });
    expect(empty().next).toBeNull();
  });
  it('ends when the server repeats its cursor', () => {
    expect(append(first({ items: items('a'), next: 'x' }), { items: [], next: 'x' }, id).next).toBeNull();
  });
});

describe('a document', () => {
  const doc = { '@timestamp': 't', event: { category: ['a', 'b'], id: '1' }, fortinet: { firewall: { 'a.b': 1 } }, empty: null };
  it('gives every field by its dotted name', () => {
    expect(flatten(doc).map((field) => field.path)).toEqual(['@timestamp', 'event.category', 'event.id', 'fortinet.firewall.a.b']);
    expect(values(doc, 'event.category')).toEqual(['a', 'b']);
    expect(values(doc, 'fortinet.firewall.a.b')).toEqual([1]);
    expect(values(doc, 'no.such')).toEqual([]);
  });
  it('may be nested without end', () => {
    let deep: Record<string, never> | object = { end: 1 };
    for (let n = 0; n < 5000; n += 1) deep = { d: deep };
    expect(flatten(deep as never)).toEqual([]);
  });
  it('takes columns from the address only if they can be names', () => {
    expect(readColumns('a.b,<script>,a.b,@timestamp')).toEqual(['a.b', '@timestamp']);
    expect(readColumns('')).toEqual(COLUMNS);
    expect(readColumns(Array.from({ length: 50 }, (_, n) => `f${n}`).join())).toHaveLength(COLUMNS_MAX);
  });
});

describe('hostile text', () => {
  it('shows what hides text or turns it round', () => {
    expect(visible('bao\u202Egpj.exe')).toBe('bao\\u{202E}gpj.exe');
    expect(visible('a\u0000\u001B[31m\u200B\uFEFF\u2066\u{E0041}')).toBe('a\\u{0000}\\u{001B}[31m\\u{200B}\\u{FEFF}\\u{2066}\\u{E0041}');
    expect(visible('a\nb\tc\rd')).toBe('a\\nb\\tc\\rd');
  });
  it('leaves Vietnamese alone, composed or not', () => {
    for (const text of ['Sự cố nghiêm trọng: Đặng Thị Hưởng', 'Sự cố'.normalize('NFD')]) expect(visible(text)).toBe(text);
  });
  it('is cut into segments that make up the whole', () => {
    expect(segments('a\u202Eb')).toEqual([{ text: 'a', escaped: false }, { text: '\\u{202E}', escaped: true }, { text: 'b', escaped: false }]);
    expect(segments('')).toEqual([]);
    expect(visible('x\uD800y')).toBe('x\\u{D800}y');
  });
});

describe('the loss ledger', () => {
  it('balances or says by how much it does not', () => {
    const lines = [{ received: 10, stored: 7, rejected: 1, spooled: 2 }, { received: 5, stored: 4, rejected: 0, spooled: 0 }];
    expect(lines.map(missing)).toEqual([0, 1]);
    expect(total(lines)).toEqual({ received: 15, stored: 11, rejected: 1, spooled: 2 });
  });
});

describe('a conflict', () => {
  it('names what the other person changed', () => {
    const seen = { status: 'new', verdict: null, assignee: null, severity: 'high', alerts_count: 2, version: 1 } as IncidentSummary;
    const now = { ...seen, status: 'acknowledged', assignee: 'truc.ban', version: 2 } as IncidentSummary;
    expect(differences(seen, now)).toEqual([{ field: 'status', from: 'new', to: 'acknowledged' }, { field: 'assignee', from: null, to: 'truc.ban' }]);
    expect(differences(seen, { ...seen, version: 9 })).toEqual([]);
  });
});
