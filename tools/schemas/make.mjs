// Make a strict JSON schema of each custom resource that tests check: what is not in its types is
// an error. What is required, and in which combination, check.mjs knows better than types say it. Run once, by tools/install-test-tools.sh, in a folder in which `npm ci` was run.
// Usage: node make.mjs OUT     writes OUT/GROUP/VERSION/KIND.json
import { createGenerator } from "ts-json-schema-generator";
import fs from "node:fs";
import path from "node:path";

const out = process.argv[2];
const root = "node_modules/@kubernetes-models";

// An object type without a field stands for anything: Go's RawExtension, Kubernetes' JSON.
function opened(schema) {
  if (Array.isArray(schema)) return schema.map(opened);
  if (schema === null || typeof schema !== "object") return schema;
  if (schema.type === "object" && !schema.properties && schema.additionalProperties === false) return {};
  const kept = Object.entries(schema).filter(([key, value]) => !(key === "required" && Array.isArray(value)));
  return Object.fromEntries(kept.map(([key, value]) => [key, opened(value)]));
}

for (const [name, versions] of Object.entries(JSON.parse(fs.readFileSync("kinds.json", "utf8")))) {
  for (const [version, kinds] of Object.entries(versions)) {
    for (const kind of kinds) {
      const generator = createGenerator({
        path: `${root}/${name}/${version}/${kind}.d.ts`,
        tsconfig: "tsconfig.json",
        type: `I${kind}`,
        skipTypeCheck: true,
        additionalProperties: false,
        expose: "none",
        jsDoc: "none",
      });
      const file = path.join(out, version, `${kind}.json`);
      fs.mkdirSync(path.dirname(file), { recursive: true });
      fs.writeFileSync(file, JSON.stringify(opened(generator.createSchema(`I${kind}`))));
    }
  }
}
