// The language in use, and the words, times and numbers in it.
import type { Language } from '../api/model';
import * as format from '../format';
import { fill, pieces, type Catalogue, type Key, type Values } from './catalogue';

export type { Key };
import { en } from './en';
import { vi } from './vi';

const CATALOGUES: Record<Language, Catalogue> = { vi, en };
const REMEMBERED = 'haidang.language';

const state = $state<{ language: Language }>({ language: localStorage.getItem(REMEMBERED) === 'en' ? 'en' : 'vi' });

export function language(): Language {
  return state.language;
}

export function setLanguage(next: Language): void {
  state.language = next;
  localStorage.setItem(REMEMBERED, next);
  document.documentElement.lang = next;
}

export function t(key: Key, values?: Values): string {
  return fill(CATALOGUES[state.language][key], values);
}

/** The text of a key, cut at its places. */
export const tPieces = (key: Key) => pieces(CATALOGUES[state.language][key]);

/** The word for one of the server's words, or that word itself if the catalogue does not know it. */
export function word(group: string, name: string | null | undefined): string {
  if (!name) return t('app.none');
  const key = `${group}.${name}`;
  return Object.hasOwn(CATALOGUES[state.language], key) ? t(key as Key) : name;
}

export const number = (value: number) => format.number(value, state.language);
export const age = (ms: number) => {
  const { key, n } = format.age(ms);
  return t(key, { n: number(n) });
};
/** The title in the language in use. */
export const textOf = (it: { text: string; text_vi: string }) =>
  (state.language === 'vi' && it.text_vi) || it.text;

export const titleOf = (it: { title: string; title_vi: string }) =>
  (state.language === 'vi' && it.title_vi) || it.title;
