import { type ChildProcess, execFile, execFileSync, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { KERNEL_SWITCHES } from "#lib/kernel-switches.ts";
import type { Output } from "./cluster.ts";
import { mortal } from "./mortal.ts";

/**
 * A network namespace that looks like a machine which has never seen a cluster: one device with an address and a default
 * route, the kernel's own switches, no tables. Whatever else goes on on this machine does not show in it.
 */
export class PrivateNetwork {
  readonly name: string;
  readonly address = "192.0.2.2";

  constructor(name: string) {
    this.name = name;
    this.remove();
    const ip = (...words: string[]) => execFileSync("ip", words);
    ip("netns", "add", name);
    ip("-n", name, "link", "set", "lo", "up");
    // A namespace begins with the switches that the machine has now.
    for (const path of Object.keys(KERNEL_SWITCHES)) this.text("sh", "-c", `echo 0 >${path}`);
    // Any device will do; a bridge needs no other end.
    ip("-n", name, "link", "add", "up0", "type", "bridge");
    // An address that the kernel gives and then tries for a while would be a difference.
    ip("-n", name, "link", "set", "up0", "addrgenmode", "none");
    ip("-n", name, "address", "add", `${this.address}/24`, "dev", "up0");
    ip("-n", name, "link", "set", "up0", "up");
    ip("-n", name, "route", "add", "default", "via", "192.0.2.1");
  }

  /** What makes a command see this network, and nothing else differ. */
  words(...command: string[]): string[] {
    return ["nsenter", `--net=/run/netns/${this.name}`, ...command];
  }

  /** Never throws; look at `code`. */
  run(command: readonly string[], env: NodeJS.ProcessEnv = process.env, input: string | Uint8Array = ""): Promise<Output> {
    const [file = "", ...words] = this.words(...command);
    return new Promise((resolve) => {
      const child = execFile(file, words, { env, maxBuffer: 64 << 20 }, (error, stdout, stderr) => {
        resolve({ code: error === null ? 0 : typeof error.code === "number" ? error.code : 1, stdout, stderr });
      });
      child.stdin?.on("error", () => {}); // one that does not read it says why by its exit
      child.stdin?.end(input);
    });
  }

  /** What the command printed. @throws when it fails */
  text(...command: string[]): string {
    const [file = "", ...words] = this.words(...command);
    return execFileSync(file, words, { encoding: "utf8", maxBuffer: 64 << 20, stdio: ["ignore", "pipe", "ignore"] });
  }

  start(...command: string[]): ChildProcess {
    return spawn(...mortal(...this.words(...command)), { stdio: ["ignore", "pipe", "inherit"] });
  }

  remove(): void {
    if (existsSync(`/run/netns/${this.name}`)) execFileSync("ip", ["netns", "delete", this.name]);
  }
}
