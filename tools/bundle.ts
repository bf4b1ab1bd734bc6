/**
 * Makes `dist/bundle/main.cjs` from `bin/skiff.ts`: `node tools/bundle.ts`.
 *
 * CommonJS with Node's compile cache starts fastest. What a module loads by `import("./x.ts")` becomes a file of its own:
 * an agent neither reads nor keeps the server's program. Files that modules name by `new URL("./x", import.meta.url)` are
 * copied beside it; a `.ts` named so (a worker) becomes a bundle, too.
 */
import { copyFileSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { build, type Plugin } from "esbuild";
import { generateDescriptions } from "./generate-descriptions.ts";

const root = resolve(new URL("..", import.meta.url).pathname);
/**
 * Each file of the bundle has its own copy of what it needs, but for classes that meet in `instanceof`: what one file throws and another
 * catches. A refusal that is not known as one would be answered as a fault of the server.
 */
const SHARED = new Set(["src/cli/errors.ts", "src/apimachinery/status-error.ts", "src/apimachinery/decode/decode-error.ts"].map((file) => join(root, file)));
const URL_EXPRESSION = /new URL\(\s*"(\.[^"]+)",\s*import\.meta\.url\s*\)/g;

/**
 * @param target the folder to fill; what stands there goes only after the new bundle is whole
 * @param stamp a file written when reading begins: sources that are newer are not in the bundle
 */
export async function bundle(target: string, stamp: string): Promise<void> {
  ensureDescriptions();
  writeFileSync(stamp, "");
  const next = `${target}.next`;
  rmSync(next, { recursive: true, force: true });
  const entries = new Map([[join(root, "bin/skiff.ts"), "main"]]);
  for (const [entry, name] of entries) await bundleOne(entry, join(next, `${name}.cjs`), next, entries);
  swap(next, target);
}

async function bundleOne(entry: string, outfile: string, target: string, entries: Map<string, string>): Promise<void> {
  const { outputFiles } = await build({
    entryPoints: [entry],
    outfile,
    bundle: true,
    platform: "node",
    target: "node26",
    format: "cjs",
    // By require(): the loader of ES modules would have to be started first.
    supported: { "dynamic-import": false },
    write: false,
    minifySyntax: true,
    // Without comments; lines stay short enough to be named in a stack.
    minifyWhitespace: true,
    lineLimit: 160,
    legalComments: "none",
    logLevel: "error",
    define: { "import.meta.url": "bundleUrl", "import.meta.main": "false", "import.meta.dirname": "__dirname" },
    banner: { js: 'const bundleUrl = require("node:url").pathToFileURL(__filename).href;' },
    plugins: [assets(target, entries), files(entry, entries)],
  });
  for (const { path, text } of outputFiles) {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, ascii(text));
  }
}

/** One character beyond Latin-1 would make the engine keep two bytes for each of a file's. */
function ascii(text: string): string {
  return text.replace(/[^\0-\x7f]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`);
}

/** Leaves out what is loaded on demand, or shared, and adds it to `entries`. */
function files(entry: string, entries: Map<string, string>): Plugin {
  return {
    name: "files",
    setup(esbuild) {
      esbuild.onResolve({ filter: /./ }, async ({ path, kind, resolveDir, pluginData }) => {
        if (pluginData === "resolved" || (kind !== "dynamic-import" && kind !== "import-statement")) return undefined;
        const { path: file, external } = await esbuild.resolve(path, { kind, resolveDir, pluginData: "resolved" });
        const apart = kind === "dynamic-import" ? !external && !file.endsWith(".json") : SHARED.has(file);
        if (!apart || file === "" || file === entry) return undefined;
        const name = file.startsWith(join(root, "src")) ? nameOf(file) : path.replace(/\W+/g, "-");
        entries.set(file, name);
        return { path: `./${name}.cjs`, external: true };
      });
    },
  };
}

/** Rewrites the URLs of files, copies the files, and adds workers to `entries`. */
function assets(target: string, entries: Map<string, string>): Plugin {
  return {
    name: "assets",
    setup(esbuild) {
      esbuild.onLoad({ filter: /\/(src|bin)\/.*\.ts$/ }, ({ path }) => {
        const contents = readFileSync(path, "utf8").replace(URL_EXPRESSION, (expression, name: string) => {
          const file = resolve(dirname(path), name);
          if (!existsSync(file) || statSync(file).isDirectory()) return expression;
          return `new URL("./${file.endsWith(".ts") ? worker(file, entries) : copy(file, target)}", import.meta.url)`;
        });
        return { contents, loader: "ts" };
      });
    },
  };
}

function worker(file: string, entries: Map<string, string>): string {
  entries.set(file, nameOf(file));
  return `${nameOf(file)}.cjs`;
}

function nameOf(file: string): string {
  return relative(join(root, "src"), file)
    .replace(/\.\w+$/, "")
    .replaceAll("/", "-");
}

function copy(file: string, target: string): string {
  const name = `assets/${relative(join(root, "src"), file).replaceAll("/", "-")}`;
  mkdirSync(dirname(join(target, name)), { recursive: true });
  copyFileSync(file, join(target, name));
  return name;
}

/** The old bundle's compile cache stays: V8 looks at the source's hash. */
function swap(next: string, target: string): void {
  const old = `${target}.old`;
  rmSync(old, { recursive: true, force: true });
  if (existsSync(target)) renameSync(target, old);
  renameSync(next, target);
  rmSync(old, { recursive: true, force: true });
}

/** Writes `descriptions.json` when it is missing or older than what it is made from. */
export function ensureDescriptions(): void {
  const file = join(root, "src/api/schema/descriptions.json");
  const sources = ["node_modules/@kubernetes/client-node/package.json", "src/api/schema/types.json", "tools/generate-descriptions.ts"];
  const changedMs = Math.max(...sources.map((source) => statSync(join(root, source)).ctimeMs));
  if (existsSync(file) && statSync(file).mtimeMs >= changedMs) return;
  writeFileSync(`${file}.new`, `${JSON.stringify(generateDescriptions())}\n`);
  renameSync(`${file}.new`, file);
}

if (import.meta.main) {
  const dist = join(root, "dist");
  mkdirSync(dist, { recursive: true });
  await bundle(join(dist, "bundle"), join(dist, "stamp.new"));
  renameSync(join(dist, "stamp.new"), join(dist, "stamp"));
}
