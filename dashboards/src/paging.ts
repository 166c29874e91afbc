// Cursor paging: what a list knows so far, and how a page or a refresh changes it. Pure; the pages do the asking.
import type { Page } from './api/model';

export interface Listing<T> {
  items: T[];
  /** Asks for the page after the last item; null at the end. */
  next: string | null;
  /** How many pages were asked for so far. */
  pages: number;
}

export const empty = <T>(): Listing<T> => ({ items: [], next: null, pages: 0 });

/** The first page replaces all. */
export function first<T>(page: Page<T>): Listing<T> {
  return { items: page.items, next: page.next || null, pages: 1 };
}

/** A further page adds what is not there yet: between two pages an item may have moved up in the order. */
export function append<T>(so_far: Listing<T>, page: Page<T>, id: (item: T) => string): Listing<T> {
  const known = new Set(so_far.items.map(id));
  const fresh = page.items.filter((item) => !known.has(id(item)));
  const next = page.next || null;
  // A server that gives the same cursor again would be asked for ever.
  return { items: [...so_far.items, ...fresh], next: next === so_far.next ? null : next, pages: so_far.pages + 1 };
}
