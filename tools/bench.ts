/** `./skiff bench [NAME…]`: runs the programs of `bench/`, one after the other, all by default. */
import { spawnSync } from "node:child_process";
import { globSync } from "node:fs";
import { basename } from "node:path";

const root = new URL("..", import.meta.url).pathname;
const programs = globSync("bench/*.ts", { cwd: root })
  .filter((file) => !file.endsWith(".test.ts"))
  .sort();
const names = programs.map((file) => basename(file, ".ts"));
const wanted = process.argv.slice(2);
const unknown = wanted.filter((name) => !names.includes(name));

if (unknown.length > 0) {
  process.stderr.write(
    `error[SKF-0201]: there is no benchmark ${unknown.join(", ")}\ncause: there are ${names.join(", ")}\ntry: ./skiff bench\nmore: skiff explain SKF-0201\n`,
  );
  process.exit(2);
}
for (const [index, name] of names.entries()) {
  if (wanted.length > 0 && !wanted.includes(name)) continue;
  process.stdout.write(`── ${name}\n`);
  const { status } = spawnSync(process.execPath, ["--expose-gc", programs[index] ?? ""], { cwd: root, stdio: "inherit" });
  if (status !== 0) process.exitCode = 1;
}
