/**
 * Keeps `src/` free of hidden inputs and of clutter: `node tools/tidy.ts`.
 *
 * - the machine's clock, randomness, console and environment come in as parameters;
 * - a file over 400 lines says why, in its first lines: `// Long because …`;
 * - every file is imported by another, or started by one;
 * - what a file exports is named by another.
 */
import { globSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { importsOf } from "./layers.ts";

const MAXIMUM_LINES = 400;

/** What may not be used, and the files that give it to the others. */
const BANNED: readonly { readonly what: string; readonly pattern: RegExp; readonly except: readonly string[] }[] = [
  { what: "Date.now", pattern: /\bDate\.now\b/, except: ["src/lib/system-clock.ts"] },
  { what: "new Date()", pattern: /\bnew Date\(\)/, except: ["src/lib/system-clock.ts"] },
  { what: "performance.now", pattern: /\bperformance\.now\b/, except: ["src/lib/system-clock.ts"] },
  { what: "Math.random", pattern: /\bMath\.random\b/, except: ["src/lib/rng.ts"] },
  { what: "a bare timer", pattern: /(?<![.\w])(setTimeout|setInterval)\(/, except: ["src/lib/system-clock.ts"] },
  { what: "console", pattern: /(?<![.\w"'`#/-])console\.\w/, except: [] },
  { what: "process.env", pattern: /\bprocess\.env\b/, except: [] },
];

export interface Untidy {
  readonly file: string;
  readonly line: number;
  readonly what: string;
}

/** @param root the repository's folder */
export function checkTidy(root: string): { readonly files: number; readonly findings: readonly Untidy[] } {
  const read = (pattern: string) => new Map(globSync(pattern, { cwd: root }).map((file) => [file, readFileSync(join(root, file), "utf8")]));
  const all = read("{bin,src,test,tools,bench}/**/*.{ts,mts,mjs,js}");
  const readmes = read("src/**/README.md");
  const sources = [...all].filter(([file]) => file.startsWith("src/"));
  const findings = [...sources.flatMap(([file, source]) => checkFile(file, source)), ...unusedFiles(all), ...unusedExports(new Map([...all, ...readmes]))];
  return { files: sources.length, findings };
}

export function checkFile(file: string, source: string): Untidy[] {
  const lines = source.split("\n");
  const findings = file.endsWith(".test.ts") ? [] : lines.flatMap((line, index) => checkLine(file, line, index + 1));
  const generated = file.endsWith("/types.ts");
  if (lines.length > MAXIMUM_LINES + 1 && !generated && !lines.slice(0, 5).some((line) => line.startsWith("// Long because "))) {
    findings.push({ file, line: lines.length - 1, what: `${lines.length - 1} lines and no "// Long because …" in the first five` });
  }
  return findings;
}

function checkLine(file: string, line: string, number: number): Untidy[] {
  if (/^\s*(\/\/|\*|\/\*)/.test(line)) return [];
  const code = line.replace(/\s\/\/ .*$/, "");
  const hits = BANNED.filter(({ pattern, except }) => pattern.test(code) && !except.includes(file));
  const unfinished = /\b(TODO|FIXME|XXX)\b/.test(line) ? [{ file, line: number, what: "an unfinished place" }] : [];
  return [...hits.map(({ what }) => ({ file, line: number, what })), ...unfinished];
}

/** Files of src/ that nobody but their own test imports or names as a worker or program to start. */
function unusedFiles(all: ReadonlyMap<string, string>): Untidy[] {
  const used = new Set<string>();
  for (const [file, source] of all) {
    const ownTestOf = file.endsWith(".test.ts") ? file.replace(/\.test\.ts$/, ".ts") : undefined;
    for (const target of references(file, source)) if (target !== ownTestOf) used.add(target);
  }
  const isRoot = (file: string) => !file.startsWith("src/") || /\.test\.ts$|\/testing\/|\/types\.ts$/.test(file);
  return [...all.keys()].filter((file) => !isRoot(file) && !used.has(file)).map((file) => ({ file, line: 1, what: "nothing uses this file" }));
}

/** Functions, classes and constants of src/ that no other file names, be it a test or the example of a README. Types may be exported for who reads them. */
export function unusedExports(all: ReadonlyMap<string, string>): Untidy[] {
  const filesOf = new Map<string, Set<string>>();
  for (const [file, source] of all) {
    for (const word of new Set(source.match(/[A-Za-z_$][\w$]*/g))) (filesOf.get(word) ?? filesOf.set(word, new Set()).get(word)!).add(file);
  }
  return [...all].flatMap(([file, source]) => {
    if (!/^src\/.*\.ts$/.test(file) || file.endsWith("/types.ts")) return [];
    const exported = [...source.matchAll(/^export (?:async )?(?:function\*?|const|(?:abstract )?class) (\w+)/gm)];
    return exported
      .filter(([, name = ""]) => filesOf.get(name)?.size === 1)
      .map(({ 1: name, index }) => ({ file, line: source.slice(0, index).split("\n").length, what: `nothing else uses ${name}, which it exports` }));
  });
}

function references(file: string, source: string): string[] {
  const started = [...source.matchAll(/new URL\(\s*"(\.[^"]+)",\s*import\.meta\.url/g)].map(([, path = ""]) => path);
  return [...importsOf(source), ...started].flatMap((specifier) => {
    if (specifier.startsWith("#")) return [specifier.startsWith("#test/") ? specifier.slice(1) : `src/${specifier.slice(1)}`];
    return specifier.startsWith(".") ? [join(dirname(file), specifier)] : [];
  });
}

if (import.meta.main) {
  const { files, findings } = checkTidy(new URL("..", import.meta.url).pathname);
  for (const { file, line, what } of findings) process.stderr.write(`${file}:${line}: ${what}\n`);
  process.stdout.write(`${files} files, ${findings.length} untidy places\n`);
  process.exitCode = findings.length > 0 ? 1 : 0;
}
