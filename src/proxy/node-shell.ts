import { writeFile } from "node:fs/promises";
import { connect } from "node:net";

import type { Clock } from "#lib/clock.ts";
import { KERNEL_SWITCHES } from "#lib/kernel-switches.ts";
import { CommandError, runCommand } from "#lib/run-command.ts";

import type { ProxierDeps } from "./proxier.ts";

/** conntrack's exit code when it found nothing to delete. */
const NOTHING_DELETED = 1;

export async function prepareKernel(): Promise<void> {
  await Promise.all(Object.entries(KERNEL_SWITCHES).map(([path, value]) => writeFile(path, value)));
}

/** The proxy's effects on this machine: nft, conntrack, connection attempts. */
export function nodeShell(clock: Clock): Pick<ProxierDeps, "nft" | "forgetUdpFlows" | "probe"> {
  return {
    nft: async (script) => void (await runCommand(clock, "nft", ["-f", "-"], { stdin: script })),
    forgetUdpFlows: (ip, port) => forgetUdpFlows(clock, ip, port),
    probe: (ip, port, timeoutMs) => accepts(clock, ip, port, timeoutMs),
  };
}

async function forgetUdpFlows(clock: Clock, ip: string | undefined, port: string): Promise<void> {
  const address = ip === undefined ? [] : ["--orig-dst", ip];
  try {
    await runCommand(clock, "conntrack", ["-D", "-p", "udp", ...address, "--orig-port-dst", port]);
  } catch (error) {
    if (!(error instanceof CommandError && error.exitCode === NOTHING_DELETED)) throw error;
  }
}

function accepts(clock: Clock, ip: string, port: number, timeoutMs: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, ip);
    const finish = (result: boolean) => {
      timer.cancel();
      socket.destroy();
      resolve(result);
    };
    const timer = clock.after(timeoutMs, () => finish(false));
    socket.on("connect", () => finish(true));
    socket.on("error", () => finish(false));
  });
}
