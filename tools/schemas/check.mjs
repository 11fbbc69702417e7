#!/usr/bin/env node
// Check custom resources by the validators of their packages: one JSON object a line comes in, one
// JSON list of what is wrong with it goes out. These know patterns, lengths and alternatives, which
// the schemas of make.mjs do not; unknown fields are those schemas' business.
import fs from "node:fs";
import readline from "node:readline";

const versions = {};
for (const [name, found] of Object.entries(JSON.parse(fs.readFileSync(new URL("kinds.json", import.meta.url), "utf8")))) {
  for (const [version, kinds] of Object.entries(found)) {
    for (const kind of kinds) versions[`${version}/${kind}`] = `@kubernetes-models/${name}/${version}/${kind}`;
  }
}

for await (const line of readline.createInterface({ input: process.stdin })) {
  const item = JSON.parse(line);
  const model = (await import(versions[`${item.apiVersion}/${item.kind}`]))[item.kind];
  const said = [];
  try {
    new model(item).validate();
  } catch (error) {
    said.push(...String(error.message).split("\n").filter(Boolean));
  }
  process.stdout.write(JSON.stringify(said) + "\n");
}
