import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { fill, pieces } from '../src/i18n/catalogue';
import { en } from '../src/i18n/en';
import { vi } from '../src/i18n/vi';

const places = (text: string) => [...text.matchAll(/\{\w+\}/g)].map(String).sort();
const files = (readdirSync('src', { recursive: true }) as string[]).filter((name) => /\.(svelte|ts)$/.test(name));
const source = new Map(files.map((name) => [name, readFileSync(`src/${name}`, 'utf8')]));

describe('the catalogues', () => {
  it('have the same keys', () => {
    expect(Object.keys(en).sort()).toEqual(Object.keys(vi).sort());
  });
  it('have the same places in every text', () => {
    for (const [key, text] of Object.entries(vi)) expect(places(en[key as keyof typeof vi]), key).toEqual(places(text));
  });
  it('have no empty and no untrimmed text', () => {
    for (const catalogue of [vi, en]) for (const [key, text] of Object.entries(catalogue)) expect(text, key).toMatch(/^\S(.*\S)?$/s);
  });
  it('have no text that nobody uses', () => {
    const all = [...source].filter(([name]) => !name.startsWith('i18n/')).map(([, text]) => text).join('\n');
    // Groups whose keys are built from the server's words or from a list.
    const built =
      /^(severity|status|stage|verdict|entity|range|language|role|change|category|age|nav|tlp|rules\.kind|indicators\.kind|exchange\.(state|kind)|report\.(form|field|notified)|overview\.bulletin|layer|layerState|dossier|plan|registry|reporting|complianceReport|outcome|quantity|proof|attestationState|import)\./;
    expect(Object.keys(vi).filter((key) => !built.test(key) && !all.includes(`'${key}'`))).toEqual([]);
  });
  it('fill their places and leave unknown ones alone', () => {
    expect(fill('Cấp độ {level} của {unit}', { level: 3 })).toBe('Cấp độ 3 của {unit}');
    expect(pieces('a {b} c')).toEqual([{ text: 'a ', place: false }, { text: 'b', place: true }, { text: ' c', place: false }]);
  });
});

describe('the pages', () => {
  it('take every Vietnamese word from the catalogue', () => {
    const letters = /[ăâđêôơưĂÂĐÊÔƠƯ\u1EA0-\u1EF9]/;
    for (const [name, text] of source) {
      if (name.endsWith('.svelte')) expect(text.match(letters)?.[0], name).toBeUndefined();
    }
  });
  it('hold nothing that the content security policy forbids or that would run hostile text', () => {
    for (const [name, text] of source) expect(text.match(/\{@html|\sstyle="|\son\w+="|innerHTML|\beval\(|https?:\/\//)?.[0], name).toBeUndefined();
  });
  it('stay readable in length', () => {
    for (const [name, text] of source) expect(text.split('\n').length, name).toBeLessThanOrEqual(500);
  });
});
