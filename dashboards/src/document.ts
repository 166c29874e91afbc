// Reading ECS documents: nested objects, whose keys may themselves hold dots (`{"fortinet":{"firewall":{"a.b":1}}}`).
import type { Document, Json } from './api/model';

type Leaf = string | number | boolean;
/** Deeper than this a document is shown only as JSON. */
const DEPTH_MAX = 32;

export interface Field {
  path: string;
  values: Leaf[];
}

/** The field's values, empty if it is not there. */
export function values(doc: Document, path: string): Leaf[] {
  return flatten(doc).find((field) => field.path === path)?.values ?? [];
}

/** Every field with its values, in the document's order. */
export function flatten(doc: Document): Field[] {
  const found = new Map<string, Leaf[]>();
  const walk = (value: Json | undefined, path: string, depth: number) => {
    if (value === null || value === undefined || depth > DEPTH_MAX) return;
    if (Array.isArray(value)) for (const each of value) walk(each, path, depth + 1);
    else if (typeof value === 'object') for (const [key, each] of Object.entries(value)) walk(each, path ? `${path}.${key}` : key, depth + 1);
    else found.set(path, [...(found.get(path) ?? []), value]);
  };
  walk(doc, '', 0);
  return [...found].map(([path, leaves]) => ({ path, values: leaves }));
}

export const id = (doc: Document) => String(values(doc, 'event.id')[0] ?? '');
export const time = (doc: Document) => String(values(doc, '@timestamp')[0] ?? '');

/** The columns of a results table unless the person chooses others. */
export const COLUMNS = ['event.module', 'source.ip', 'user.name', 'host.name', 'event.action', 'event.original'];
/** More columns than this no screen can show. */
export const COLUMNS_MAX = 12;

/** Columns as the page's address has them; names are what a field can be called, nothing else. */
export function readColumns(text: string | null): string[] {
  const names = (text ?? '').split(',').filter((name) => /^[\w@.-]{1,120}$/.test(name));
  return names.length ? [...new Set(names)].slice(0, COLUMNS_MAX) : COLUMNS;
}
