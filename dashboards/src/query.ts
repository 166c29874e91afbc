// Building queries for the API's query language (see the help on the events page).

/** A value as the query language reads it back: bare if nothing in it has a meaning there, else in quotes. */
export function quote(value: string): string {
  if (/^[\p{L}\p{N}_.@][\p{L}\p{N}_.@-]*$/u.test(value)) return value;
  return `"${value.replace(/[\\"]/g, '\\$&')}"`;
}

/** One term: the field has this value, or has not. */
export function term(field: string, value: string | number | boolean, negate = false): string {
  return `${negate ? '-' : ''}${field}:${quote(String(value))}`;
}

/** Adds a term unless it is there already; its opposite, if there, makes way. */
export function withTerm(query: string, field: string, value: string | number | boolean, negate = false): string {
  const wanted = term(field, value, negate);
  const opposite = term(field, value, !negate);
  const kept = split(query).filter((each) => each !== opposite);
  return kept.includes(wanted) ? kept.join(' ') : [...kept, wanted].join(' ');
}

/** Cuts a query at the spaces that are outside of quotes. */
export function split(query: string): string[] {
  return query.match(/(?:"(?:\\.|[^"\\])*"?|[^\s"])+/g) ?? [];
}
