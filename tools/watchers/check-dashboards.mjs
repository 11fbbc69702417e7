#!/usr/bin/env node
// Judges dashboards by the types of Grafana's own package: check-dashboards FILE.json...
// Says what is wrong, one line each, and ends with 1; with 0 where nothing is.
// A dashboard is written down as a literal of TypeScript and compiled, with the options of each
// panel against the type of its own, so unknown fields and wrong values are errors.
// The types' enums of texts become unions of texts first: JSON has no enums.
import fs from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import ts from "typescript";

const here = path.dirname(fs.realpathSync(fileURLToPath(import.meta.url)));
const types = path.join(here, "node_modules/@grafana/schema/dist/types");
const raw = path.join(types, "raw");
const composable = (name) => path.join(raw, "composable", name);

// Type of a panel -> folder, type of its options, and of its fields' custom part.
const PANELS = {
  timeseries: ["timeseries", "Options", "FieldConfig"],
  stat: ["stat", "Options", null],
  bargauge: ["bargauge", "Options", null],
  table: ["table", "Options", "FieldConfig"],
};

function typesOf(folder) {
  const name = fs.readdirSync(path.join(composable(folder), "panelcfg/x")).find((n) => n.endsWith(".d.ts"));
  return path.join(composable(folder), "panelcfg/x", name).replace(/\.d\.ts$/, "");
}

const partial = "type Deep<T> = T extends object ? { [K in keyof T]?: Deep<T[K]> } : T;\n";

function program(dashboard) {
  const lines = [
    `import * as dash from ${JSON.stringify(path.join(raw, "dashboard/x/types.gen"))};`,
    partial,
  ];
  const { panels, ...head } = dashboard;
  lines.push(`export const head: dash.Dashboard = ${JSON.stringify(head)};`);
  const imported = new Set();
  panels.forEach((panel, index) => {
    if (panel.type === "row") {
      lines.push(`export const row${index}: dash.RowPanel = ${JSON.stringify(panel)};`);
      return;
    }
    const known = PANELS[panel.type];
    if (!known) {
      lines.push(`export const panel${index}: never = ${JSON.stringify(panel.type)};`);
      return;
    }
    const [folder, options, custom] = known;
    if (!imported.has(folder)) lines.push(`import * as ${folder} from ${JSON.stringify(typesOf(folder))};`);
    imported.add(folder);
    lines.push(`export const panel${index}: dash.Panel = ${JSON.stringify(panel)};`);
    lines.push(`export const options${index}: Deep<${folder}.${options}> = ${JSON.stringify(panel.options ?? {})};`);
    const fields = panel.fieldConfig?.defaults?.custom;
    if (custom && fields) {
      lines.push(`export const fields${index}: Deep<${folder}.${custom}> = ${JSON.stringify(fields)};`);
    }
  });
  return lines.join("\n");
}

const files = process.argv.slice(2);
const sources = new Map(
  files.map((file) => [path.join(here, `${path.resolve(file).replace(/\W/g, "_")}.ts`),
    [file, program(JSON.parse(fs.readFileSync(file, "utf8")))]]),
);
const options = { strict: true, noEmit: true, skipLibCheck: true, module: ts.ModuleKind.ESNext,
  moduleResolution: ts.ModuleResolutionKind.Bundler, target: ts.ScriptTarget.ES2022, types: [] };
const host = ts.createCompilerHost(options);
const read = host.getSourceFile.bind(host);
host.getSourceFile = (name, version, ...rest) => {
  const made = sources.get(name);
  if (made) return ts.createSourceFile(name, made[1], version);
  if (name.startsWith(types) || name.includes("@grafana/schema")) {
    const text = fs.readFileSync(name, "utf8").replace(
      /(export )?(declare )?enum (\w+) \{([^}]*)\}/g,
      (_, out, __, title, body) => {
        const values = [...body.matchAll(/=\s*("[^"]*"|-?\d+)/g)].map((found) => found[1]);
        return `${out ?? ""}type ${title} = ${values.join(" | ") || "string"};`;
      },
    );
    return ts.createSourceFile(name, text, version);
  }
  return read(name, version, ...rest);
};
const exists = host.fileExists.bind(host);
host.fileExists = (name) => sources.has(name) || exists(name);
const built = ts.createProgram([...sources.keys()], options, host);
let wrong = 0;
for (const [name, [file]] of sources) {
  const source = built.getSourceFile(name);
  for (const said of [...built.getSyntacticDiagnostics(source), ...built.getSemanticDiagnostics(source)]) {
    wrong += 1;
    const line = source.getLineAndCharacterOfPosition(said.start ?? 0).line;
    const start = source.text.split("\n")[line].slice(0, 60);
    console.log(`${file}: ${start}: ${ts.flattenDiagnosticMessageText(said.messageText, " ")}`);
  }
}
process.exit(wrong ? 1 : 0);
