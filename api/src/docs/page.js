// Shows /api/openapi.json. Everything is set as text, never as markup.
"use strict";

function add(parent, tag, text, className) {
  const node = document.createElement(tag);
  if (text) node.textContent = text;
  if (className) node.className = className;
  parent.append(node);
  return node;
}

function nameOf(schema) {
  if (!schema) return "";
  if (schema.$ref) return schema.$ref.split("/").pop();
  if (schema.oneOf) return schema.oneOf.map(nameOf).join(" | ");
  if (schema.type === "array") return `${nameOf(schema.items)}[]`;
  return [].concat(schema.type ?? "object").join(" | ") + (schema.format ? ` (${schema.format})` : "");
}

function linked(cell, schema) {
  const name = nameOf(schema);
  const target = name.replace("[]", "");
  if (document.getElementById(`schema-${target}`)) {
    const link = add(cell, "a", name);
    link.href = `#schema-${target}`;
  } else {
    add(cell, "code", name);
  }
}

function row(table, name, schema, text) {
  const line = add(table, "tr");
  add(add(line, "td"), "code", name);
  linked(add(line, "td"), schema);
  add(line, "td", text ?? "");
}

function showOperation(parent, path, method, operation) {
  const box = add(parent, "details");
  const head = add(box, "summary");
  add(head, "span", method.toUpperCase(), "method");
  add(head, "code", path);
  add(head, "span", ` ${operation.summary ?? ""}`);
  if (operation.description) add(box, "p", operation.description);
  const table = add(box, "table");
  for (const one of operation.parameters ?? []) row(table, `${one.name} (${one.in})`, one.schema, one.description);
  for (const [kind, body] of Object.entries(operation.requestBody?.content ?? {})) row(table, "body", body.schema, kind);
  for (const [status, answer] of Object.entries(operation.responses ?? {})) {
    const body = Object.values(answer.content ?? {})[0];
    row(table, `→ ${status}`, body?.schema, answer.description);
  }
}

function showSchema(parent, name, schema) {
  const box = add(parent, "details");
  box.id = `schema-${name}`;
  add(add(box, "summary"), "code", name);
  if (schema.description) add(box, "p", schema.description);
  if (schema.enum) add(box, "p", schema.enum.join(", "));
  const table = add(box, "table");
  for (const part of [schema, ...(schema.allOf ?? [])]) {
    if (part.$ref) row(table, "…", part, "its fields too");
    for (const [field, type] of Object.entries(part.properties ?? {})) row(table, field, type, type.description);
  }
}

async function main() {
  const answer = await fetch("/api/openapi.json");
  const api = await answer.json();
  document.getElementById("about").textContent = `${api.info.version}: ${api.info.description}`;
  const schemas = document.getElementById("schemas");
  add(schemas, "h2", "Schemas");
  for (const [name, schema] of Object.entries(api.components?.schemas ?? {})) showSchema(schemas, name, schema);
  const paths = document.getElementById("paths");
  for (const [path, item] of Object.entries(api.paths)) {
    for (const [method, operation] of Object.entries(item)) showOperation(paths, path, method, operation);
  }
}

main().catch((cause) => { document.getElementById("about").textContent = String(cause); });
