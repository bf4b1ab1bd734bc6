import { execFileSync } from "node:child_process";
import { existsSync, rmSync } from "node:fs";
import { join } from "node:path";
import { writeIfChanged } from "#lib/whole-file.ts";
import { SkiffError } from "./errors.ts";
import { DEFAULT_DATA_DIR, pathsOf } from "./paths.ts";
import { sharesNetwork } from "./processes.ts";

const UNIT_DIR = "/etc/systemd/system";
const WANTED_BY = "multi-user.target.wants";
const START_TIMEOUT_MS = 10_000;
/** `down` promises an end within 15 s, also when systemd hangs. */
const STOP_TIMEOUT_MS = 2000;

export type Program = "server" | "agent";
export const BOTH: readonly Program[] = ["server", "agent"];

export interface UnitOptions {
  readonly program: "server" | "agent";
  readonly dataDir: string;
  /** The supervisor and what it runs. */
  readonly command: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly log: string;
}

/** Whether systemd keeps this machine's services; a network namespace of its own is another machine to it. */
export function hasSystemd(): boolean {
  return existsSync("/run/systemd/system") && sharesNetwork(1);
}

/** `skiff-server.service`, or `skiff-server@skf0a1b2c.service` for another data dir. */
export function unitName(program: "server" | "agent", dataDir: string): string {
  const instance = dataDir === DEFAULT_DATA_DIR ? "" : `@${pathsOf(dataDir).instance}`;
  return `skiff-${program}${instance}.service`;
}

/** Starts a program outside of the unit that asks for it, so that it lives on when that ends; without systemd, nothing is needed. */
export function scopeCommand(): readonly string[] {
  return hasSystemd() ? ["systemd-run", "--scope", "--quiet", "--collect", "--property=Delegate=yes"] : [];
}

/** What of the caller's environment a program needs: where to find tools, proxies, and whose kubeconfig it is. */
const VARIABLES = /^(PATH|HOME|LANG|TZ|SUDO_USER|KUBECONFIG|NODE_COMPILE_CACHE|SKIFF_\w+|(HTTPS?|NO|ALL)_PROXY|(https?|no|all)_proxy)$/;

/**
 * A unit that runs the supervisor, which knows how to start a program again; systemd starts the supervisor with the
 * machine, and again if it is killed. containerd and containers live in a scope of their own, and stay when a unit is stopped.
 */
export function unitText({ program, dataDir, command, env, log }: UnitOptions): string {
  const variables = Object.entries(env).filter(([name, value]) => VARIABLES.test(name) && value !== undefined);
  return `[Unit]
Description=Skiff ${program} (${escapePercent(dataDir)})
Wants=network-online.target
After=network-online.target
StartLimitIntervalSec=0

[Service]
Type=notify
NotifyAccess=all
Delegate=yes
${variables.map(([name, value]) => `Environment=${quoted(`${name}=${value}`, false)}\n`).join("")}ExecStart=${command.map((word) => quoted(word, true)).join(" ")}
Restart=always
RestartSec=1
KillMode=mixed
TimeoutStartSec=infinity
TimeoutStopSec=5
LimitNOFILE=1048576
TasksMax=infinity
StandardOutput=append:${escapePercent(log)}
StandardError=append:${escapePercent(log)}

[Install]
WantedBy=multi-user.target
`;
}

/** Writes a program's unit and starts it, now and with the machine. */
export function startUnit(options: UnitOptions): void {
  const name = unitName(options.program, options.dataDir);
  if (writeIfChanged(join(UNIT_DIR, name), unitText(options), { mode: 0o644 })) systemctl(START_TIMEOUT_MS, "daemon-reload");
  systemctl(START_TIMEOUT_MS, "start", "--no-block", name);
  // It has no bearing on what runs, and a reload takes longer than all the rest.
  systemctl(START_TIMEOUT_MS, "enable", "--quiet", "--no-reload", name);
}

/**
 * Tells systemd to end what it would start again, and not to wait for it: a supervisor gets TERM, and nothing comes back.
 *
 * @returns whether there was anything to be told
 * @throws {SkiffError} SKF-0101 when systemd does not take it
 */
export function stopUnits(dataDir: string, programs: readonly Program[] = BOTH): boolean {
  const names = existingUnits(dataDir, programs);
  if (names.length === 0 || !hasSystemd()) return false;
  systemctl(STOP_TIMEOUT_MS, "stop", "--no-block", ...names);
  return true;
}

/** After `down`, a machine that starts again starts no cluster. What says so is a link, for which systemd has not to be asked. */
export function disableUnits(dataDir: string): void {
  for (const name of existingUnits(dataDir)) rmSync(join(UNIT_DIR, WANTED_BY, name), { force: true });
}

/** @throws {SkiffError} SKF-0101 when they are gone, and systemd does not hear of it */
export function removeUnits(dataDir: string): void {
  const names = existingUnits(dataDir);
  if (names.length === 0) return;
  disableUnits(dataDir);
  for (const name of names) rmSync(join(UNIT_DIR, name), { force: true });
  if (!hasSystemd()) return;
  systemctl(STOP_TIMEOUT_MS, "daemon-reload");
  // There is nothing to reset when none has failed.
  systemctl(STOP_TIMEOUT_MS, "reset-failed", "--quiet", "skiff-*");
}

function existingUnits(dataDir: string, programs: readonly Program[] = BOTH): readonly string[] {
  return programs.map((program) => unitName(program, dataDir)).filter((name) => existsSync(join(UNIT_DIR, name)));
}

function systemctl(timeoutMs: number, ...words: string[]): void {
  try {
    execFileSync("systemctl", words, { encoding: "utf8", stdio: ["ignore", "ignore", "pipe"], timeout: timeoutMs, killSignal: "SIGKILL" });
  } catch (error) {
    const { stderr = "" } = error as { readonly stderr?: string };
    throw new SkiffError("SKF-0101", `systemctl ${words.join(" ")} failed`, { reason: stderr.trim() || (error as Error).message });
  }
}

/** In quotes, with specifiers escaped, and in command lines variables too. @see systemd.syntax(7), systemd.service(5) */
function quoted(word: string, isCommand: boolean): string {
  const text = escapePercent(word.replace(/[\\"]/g, "\\$&").replaceAll("\n", "\\n"));
  return `"${isCommand ? text.replaceAll("$", "$$$$") : text}"`;
}

function escapePercent(text: string): string {
  return text.replaceAll("%", "%%");
}
