import { execFileSync } from "node:child_process";
import { existsSync, rmSync } from "node:fs";
import { join } from "node:path";
import { writeIfChanged } from "#lib/whole-file.ts";
import { SkiffError } from "./errors.ts";
import { DEFAULT_DATA_DIR, pathsOf } from "./paths.ts";
import { sharesNetwork } from "./processes.ts";

const UNIT_DIR = "/etc/systemd/system";
const BOTH = ["server", "agent"] as const;

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
RestartPreventExitStatus=2 10 11 12 13 14 15 16 17
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
  if (writeIfChanged(join(UNIT_DIR, name), unitText(options), { mode: 0o644 })) systemctl("daemon-reload");
  systemctl("start", "--no-block", name);
  // It has no bearing on what runs, and a reload takes longer than all the rest.
  systemctl("enable", "--quiet", "--no-reload", name);
}

/** Ends what systemd would start again. Does nothing where no unit of the cluster is. */
export function stopUnits(dataDir: string): void {
  const names = existingUnits(dataDir);
  if (names.length > 0 && hasSystemd()) systemctl("stop", ...names);
}

/** As if they had never been; after `down`, a machine that starts again starts no cluster. */
export function disableUnits(dataDir: string): void {
  const names = existingUnits(dataDir);
  if (names.length > 0 && hasSystemd()) systemctl("disable", "--quiet", "--no-reload", ...names);
}

export function removeUnits(dataDir: string): void {
  const names = existingUnits(dataDir);
  if (names.length === 0) return;
  for (const name of names) rmSync(join(UNIT_DIR, name), { force: true });
  if (!hasSystemd()) return;
  systemctl("daemon-reload");
  // There is nothing to reset when none has failed.
  systemctl("reset-failed", "--quiet", "skiff-*");
}

function existingUnits(dataDir: string): readonly string[] {
  return BOTH.map((program) => unitName(program, dataDir)).filter((name) => existsSync(join(UNIT_DIR, name)));
}

function systemctl(...words: string[]): void {
  try {
    execFileSync("systemctl", words, { encoding: "utf8", stdio: ["ignore", "ignore", "pipe"], timeout: 10_000 });
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
