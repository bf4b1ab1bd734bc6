/**
 * Holds the imports of the repository against the layer table: `node tools/layers.ts`.
 *
 * lib ← apimachinery ← api ← { storage ← apiserver, client ← components } ← cmd ← bin
 */
import { globSync, readFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";

/** A layer and those it may import, besides itself. Components know neither one another nor the server's side. */
export const LAYERS: Readonly<Record<string, readonly string[]>> = {
  lib: [],
  apimachinery: ["lib"],
  api: ["lib", "apimachinery"],
  storage: ["lib", "apimachinery", "api"],
  apiserver: ["lib", "apimachinery", "api", "storage"],
  client: ["lib", "apimachinery", "api"],
  ...Object.fromEntries(
    ["controllers", "scheduler", "kubelet", "proxy", "dns", "ingress", "dashboard", "cli"].map((component) => [
      component,
      ["lib", "apimachinery", "api", "client"],
    ]),
  ),
};

/** These compose or check, and may import every layer. */
const COMPOSERS: readonly string[] = ["cmd", "bin", "test", "tools", "bench"];

/** Fewer modules than this means that the check read nothing. */
export const MINIMUM_MODULES = 60;

/** Packages that only these folders may import: they load slowly, or stand for a decision taken there. */
const PACKAGES: Readonly<Record<string, readonly string[]>> = {
  "@peculiar/x509": ["src/cli/pki", "test"],
  "reflect-metadata": ["src/cli/pki", "test"],
  "dns-packet": ["src/dns", "test"],
  esbuild: ["tools"],
};

export interface Violation {
  readonly file: string;
  readonly imports: string;
  readonly why: string;
}

export interface LayerReport {
  readonly modules: number;
  readonly violations: readonly Violation[];
}

/** @param root the repository's folder */
export function checkLayers(root: string): LayerReport {
  const files = globSync("{bin,src,test,tools,bench}/**/*.{ts,mts,js,mjs}", { cwd: root });
  const violations = files.flatMap((file) => checkModule(file, readFileSync(join(root, file), "utf8")));
  return { modules: files.length, violations };
}

/** @param file relative to the repository */
export function checkModule(file: string, source: string): Violation[] {
  const from = layerOf(file);
  return importsOf(source).flatMap((specifier) => {
    const why = refusal(file, from, specifier);
    return why === undefined ? [] : [{ file, imports: specifier, why }];
  });
}

/** Every specifier of a static or dynamic import or re-export. */
export function importsOf(source: string): string[] {
  const code = source.replace(/^\s*(\/\/|\*|\/\*).*$/gm, "");
  const statics = code.matchAll(/^\s*(?:import|export)\b(?:[^"'`;]*?\bfrom)?\s*["']([^"']+)["']/gm);
  const dynamics = code.matchAll(/\bimport\(\s*["']([^"']+)["']\s*\)/g);
  return [...statics, ...dynamics].map(([, specifier = ""]) => specifier);
}

function refusal(file: string, from: string, specifier: string): string | undefined {
  if (!specifier.startsWith(".") && !specifier.startsWith("#")) return refusedPackage(file, specifier);
  const target = specifier.startsWith("#") ? `src/${specifier.slice(1)}` : join(dirname(file), specifier);
  const to = layerOf(specifier.startsWith("#test/") ? specifier.slice(1) : target);
  if (target.endsWith(".test.ts")) return "a test is no module to import";
  if (COMPOSERS.includes(from)) return from === "cmd" && to === "bin" ? "cmd does not know bin" : undefined;
  const isTest = file.endsWith(".test.ts") || file.includes("/testing/");
  if (to === from || (isTest && to === "test")) return undefined;
  const allowed = LAYERS[from];
  if (allowed === undefined) return `src/${from} is not in the layer table`;
  return allowed.includes(to) ? undefined : `${from} may import ${["itself", ...allowed].join(", ")}`;
}

function refusedPackage(file: string, specifier: string): string | undefined {
  const name = specifier
    .split("/")
    .slice(0, specifier.startsWith("@") ? 2 : 1)
    .join("/");
  const folders = PACKAGES[name];
  if (folders === undefined || folders.some((folder) => file.startsWith(`${folder}/`)) || /\.test\.ts$|\/testing\//.test(file)) return undefined;
  return `only ${folders.join(", ")} may import ${name}`;
}

/** `src/api/x.ts` is of layer api, `test/e2e/y.ts` of layer test. */
function layerOf(file: string): string {
  const [top = "", second = ""] = relative(".", file).split("/");
  return top === "src" ? second : top;
}

if (import.meta.main) {
  const { modules, violations } = checkLayers(new URL("..", import.meta.url).pathname);
  for (const { file, imports, why } of violations) process.stderr.write(`${file}: imports ${imports}: ${why}\n`);
  if (modules < MINIMUM_MODULES) process.stderr.write(`only ${modules} modules found, at least ${MINIMUM_MODULES} expected\n`);
  process.stdout.write(`${modules} modules, ${violations.length} imports against the layer table\n`);
  process.exitCode = violations.length > 0 || modules < MINIMUM_MODULES ? 1 : 0;
}
