/**
 * Makes `src/api/schema/descriptions.json` (what `kubectl explain` and OpenAPI say of types and fields) from the
 * declarations in the `@kubernetes/client-node` package. The file is not committed; the bundle step and the tests
 * make it when it is older than the package: `node tools/generate-descriptions.ts`.
 *
 * A field whose type is another object has no text of its own in that package; it gets that type's text.
 */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Descriptions, TypeDescription } from "../src/api/schema/descriptions.ts";

const root = new URL("..", import.meta.url).pathname;
const models = join(root, "node_modules/@kubernetes/client-node/dist/gen/models");

interface SchemaType {
  readonly fields?: readonly { readonly name: string; readonly type: string }[];
}

export function generateDescriptions(): Descriptions {
  const { types, packages } = JSON.parse(readFileSync(join(root, "src/api/schema/types.json"), "utf8")) as {
    types: Record<string, SchemaType>;
    packages: Record<string, { role: string }>;
  };
  const described: Record<string, TypeDescription> = {};
  for (const key of Object.keys(types)) {
    const legacy = packages[key.slice(0, key.lastIndexOf("."))]?.role === "legacy";
    const file = classNames(key, legacy)
      .map((name) => join(models, `${name}.d.ts`))
      .find(existsSync);
    if (file !== undefined) described[key] = parseDeclaration(readFileSync(file, "utf8"));
  }
  for (const [key, { fields = [] }] of Object.entries(types)) borrowFromTypes(described, key, fields);
  return described;
}

/** The package's class names for a type such as `core/v1.Event`, likeliest first; old versions borrow from v1. */
function classNames(key: string, legacy: boolean): string[] {
  const [pkg = "", version = "", name = ""] = key.split(/[/.]/);
  const versioned = [`${capital(pkg)}${capital(version)}${name}`, `${capital(version)}${name}`];
  return legacy ? [...versioned, `V1${name}`] : versioned;
}

/** Reads one generated `.d.ts`: the comment above the class, and those above its properties. */
export function parseDeclaration(source: string): TypeDescription {
  const fields: Record<string, string> = {};
  for (const [, comment = "", property = ""] of source.matchAll(/\n {4}\/\*\*\n((?: {4}\*.*\n)+?) {4}\*\/\n {4}'([^']+)'\??:/g)) {
    fields[wireName(property)] = plainText(comment);
  }
  const header = /\n\/\*\*\n((?:\*.*\n)+?)\*\/\nexport declare class/.exec(source);
  return { description: plainText(header?.[1] ?? ""), fields };
}

/** Fields that hold an object borrow that type's text. */
function borrowFromTypes(described: Record<string, TypeDescription>, key: string, fields: NonNullable<SchemaType["fields"]>): void {
  const own = described[key];
  if (own === undefined) return;
  const borrowed: Record<string, string> = {};
  for (const { name, type } of fields) {
    const text = described[type.replace(/^array<(.*)>$/, "$1")]?.description;
    if (own.fields[name] === undefined && text) borrowed[name] = text;
  }
  described[key] = { description: own.description, fields: { ...own.fields, ...borrowed } };
}

/** The package prefixes words that JavaScript reserves and has no dashes. */
function wireName(property: string): string {
  return property
    .replace(/^_/, "")
    .replace(/^x_kubernetes_/, "x-kubernetes-")
    .replace(/(?<=^x-.*)_/g, "-");
}

function plainText(comment: string): string {
  const text = comment
    .split("\n")
    .map((line) => line.replace(/^\s*\* ?/, ""))
    .join("\n");
  return text.replace(/\\(["'`\\])/g, "$1").trim();
}

function capital(word: string): string {
  return word.charAt(0).toUpperCase() + word.slice(1);
}

if (import.meta.main) writeFileSync(join(root, "src/api/schema/descriptions.json"), `${JSON.stringify(generateDescriptions())}\n`);
