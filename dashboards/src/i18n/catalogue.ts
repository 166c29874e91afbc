// Looking a word up: pure, so that it can be tested without a page.
import type { vi } from './vi';

export type Key = keyof typeof vi;
export type Catalogue = Readonly<Record<Key, string>>;
export type Values = Readonly<Record<string, string | number>>;

/** Puts values into a catalogue text's `{name}` places; a place without a value stays as it is. */
export function fill(text: string, values: Values = {}): string {
  return text.replace(/\{(\w+)\}/g, (place, name: string) => String(values[name] ?? place));
}

/** Splits a text at its places, so that a component can put elements there. */
export function pieces(text: string): { text: string; place: boolean }[] {
  return text
    .split(/(\{\w+\})/)
    .filter((piece) => piece !== '')
    .map((piece) => (/^\{\w+\}$/.test(piece) ? { text: piece.slice(1, -1), place: true } : { text: piece, place: false }));
}
