import { appendFileSync, chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { killProcess } from "#kubelet/leftovers/processes.ts";

/** Who is killed: the agent, its containerd, the shim for which runc works just then. */
export type Victim = "agent" | "containerd" | "shim";

/**
 * The steps that an agent, the network's plugins and runc take, counted together in a file; before the step that is asked
 * for is done, or after it, whoever takes it kills the victims. All state is in files: steps are taken in many processes.
 */
export class Steps {
  readonly dir: string;

  constructor(dir: string) {
    this.dir = dir;
    mkdirSync(dir, { recursive: true });
  }

  /** From now on steps are counted, from 1; the one of that number, or the first of that name, kills. Pid files: see `pidFile()`. */
  arm(fatal: number | string, victims: readonly Victim[]): void {
    this.disarm();
    writeFileSync(this.#file("trace"), "");
    const pids = victims.map((victim) => (victim === "shim" ? "$PPID" : readFileSync(this.pidFile(victim), "utf8")));
    writeFileSync(this.#file("kill"), pids.join(" "));
    writeFileSync(this.#file("armed"), String(fatal));
  }

  disarm(): void {
    for (const name of ["armed", "fired"]) rmSync(this.#file(name), { force: true });
  }

  /** What killed. */
  get fired(): string | undefined {
    return existsSync(this.#file("fired")) ? readFileSync(this.#file("fired"), "utf8") : undefined;
  }

  /** The steps since `arm()`. */
  get trace(): readonly string[] {
    return readFileSync(this.#file("trace"), "utf8").split("\n").filter(Boolean);
  }

  /** The pids of those that are killed, a shim's excepted. */
  get victims(): readonly number[] {
    return readFileSync(this.#file("kill"), "utf8")
      .split(" ")
      .map(Number)
      .filter((pid) => pid > 0);
  }

  pidFile(victim: "agent" | "containerd"): string {
    return this.#file(`${victim}.pid`);
  }

  /** Takes a step in this process. */
  take(step: string): void {
    if (!existsSync(this.#file("armed")) || this.fired !== undefined) return;
    appendFileSync(this.#file("trace"), `${step}\n`);
    // The agent works for no shim.
    const armed = readFileSync(this.#file("armed"), "utf8");
    if ((this.trace.length !== Number(armed) && step !== armed) || this.victims.length === 0) return;
    this.fire(step);
  }

  /** Kills now. */
  fire(step: string): void {
    writeFileSync(this.#file("fired"), step);
    // Ourselves last.
    for (const pid of this.victims.toSorted((a, b) => Number(a === process.pid) - Number(b === process.pid))) killProcess(pid);
  }

  /**
   * Puts programs in front of those in `from`, which take a step before and after each run.
   *
   * @returns the folder of these programs
   */
  wrap(from: string, names = readdirSync(from)): string {
    const folder = this.#file(`bin-${from.replaceAll("/", "-")}`);
    mkdirSync(folder, { recursive: true });
    for (const name of names) {
      writeFileSync(join(folder, name), wrapper(this.dir, name, join(from, name)));
      chmodSync(join(folder, name), 0o755);
    }
    return folder;
  }

  #file(name: string): string {
    return join(this.dir, name);
  }
}

/** As the real one, it goes with its parent where that has asked for it: runc's shim does. */
function wrapper(dir: string, name: string, real: string): string {
  const verb =
    name === "runc"
      ? 'for word in "$@"; do case $word in create|start|kill|delete|exec|state|update|pause|resume) verb=$word; break;; esac; done'
      : "verb=$CNI_COMMAND";
  const go = name === "runc" ? `/usr/bin/setpriv --pdeathsig KILL ${real}` : real;
  return `#!/bin/sh
${verb}
step() {
  [ -e ${dir}/armed ] && [ ! -e ${dir}/fired ] || return
  echo "$1 ${name} $verb" >> ${dir}/trace
  [ "$(wc -l < ${dir}/trace)" = "$(cat ${dir}/armed)" ] || [ "$1 ${name} $verb" = "$(cat ${dir}/armed)" ] || return
  ${name === "runc" ? "" : `grep -q PPID ${dir}/kill && return`}
  echo "$1 ${name} $verb" > ${dir}/fired
  eval kill -9 "$(cat ${dir}/kill)"
} </dev/null >/dev/null 2>&1
step before
${go} "$@"
code=$?
step after
exit $code
`;
}
