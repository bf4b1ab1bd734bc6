/**
 * Runs upstream's conformance tests against a cluster of `./skiff up`:
 *
 *     node test/upstream/run.ts [--sig api-machinery,cli] [--focus PATTERN] [--procs 2] [-- --service-cidr 10.9.0.0/16 …]
 *
 * What stands behind `--` goes to `./skiff up`. Reports and logs lie below `dist/upstream/`. The exit code is 1 when a test fails that
 * `known-failures.json` does not name.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { startTestCluster, type TestCluster } from "#test/e2e/support/cluster.ts";
import { testImages } from "./images.ts";
import { buildPrograms, type Programs } from "./programs.ts";
import { readReport, tell } from "./report.ts";

/** The special interest groups whose tests are about the API and its clients. */
const SIGS = ["api-machinery", "auth", "cli", "instrumentation", "architecture"];
const folder = fileURLToPath(new URL("../../dist/upstream", import.meta.url));

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { sig: { type: "string", default: SIGS.join(",") }, focus: { type: "string" }, procs: { type: "string", default: "2" } },
});
const focus = values.focus ?? `\\[sig-(${values.sig.replaceAll(",", "|")})\\].*\\[Conformance\\]`;

say("building upstream's programs");
const programs = buildPrograms(join(folder, "bin"));
say("starting a cluster");
const cluster = await startTestCluster(positionals);
try {
  await pushImages(cluster, programs);
  say(`running ${focus}`);
  const report = join(folder, "report.json");
  await runTests(cluster, programs, report);
  const known = JSON.parse(readFileSync(join(import.meta.dirname, "known-failures.json"), "utf8")) as Readonly<Record<string, string>>;
  const { text, isGood } = tell(readReport(report), known);
  process.stdout.write(text);
  process.exitCode = isGood ? 0 : 1;
} finally {
  await cluster.destroy();
}

async function pushImages({ registry }: TestCluster, built: Programs): Promise<void> {
  for (const { names, image } of testImages(built)) {
    for (const name of names) {
      const [, repository = "", tag = ""] = /^[^/]+\/(.*):([^:]+)$/.exec(name) ?? [];
      await registry.push(repository, tag, image);
    }
  }
}

/** A test that fails fails the program, too; the report says which. */
async function runTests({ kubeconfig, kubectlPath }: TestCluster, { ginkgo, suite }: Programs, report: string): Promise<void> {
  const logs = join(folder, "logs");
  rmSync(report, { force: true });
  mkdirSync(logs, { recursive: true });
  const runner = [`--procs=${values.procs}`, `--focus=${focus}`, `--json-report=${report}`, "--timeout=4h", "--no-color", suite];
  const flags = [`--kubeconfig=${kubeconfig}`, `--kubectl-path=${kubectlPath}`, "--provider=skeleton", `--report-dir=${logs}`];
  const child = spawn(ginkgo, [...runner, "--", ...flags], { stdio: ["ignore", 2, 2] });
  await once(child, "exit");
}

function say(text: string): void {
  process.stderr.write(`${text}\n`);
}
