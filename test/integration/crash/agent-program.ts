/**
 * The agent of a crash test: a kubelet in a process of its own, which takes a step before and after each effect on a pod, and
 * may be killed there. Its argument is a JSON object; it prints a line when the kubelet is up.
 */
import childProcess from "node:child_process";
import fs from "node:fs";
import { syncBuiltinESMExports } from "node:module";

import type { KubeletConfig } from "#kubelet/config.ts";

import { Steps } from "./steps.ts";

export interface AgentArgument {
  readonly config: KubeletConfig;
  readonly stepsDir: string;
  readonly server: string;
  readonly tls: { readonly ca: string; readonly cert: string; readonly key: string };
  readonly logLevel: "debug" | "info" | "warn" | "error";
}

const argument = JSON.parse(process.argv[2] ?? "") as AgentArgument;
const { config } = argument;
const steps = new Steps(argument.stepsDir);
const EFFECTS = /(RunPodSandbox|StopPodSandbox|RemovePodSandbox|CreateContainer|StartContainer|StopContainer|RemoveContainer|PullImage)$/;
const WRITES = ["mkdir", "writeFile", "rm", "rename", "symlink", "chmod", "chown", "unlink", "rmdir", "appendFile"];

type Callable = (this: unknown, ...values: unknown[]) => unknown;

/** `original` between two steps, if its answer comes later; after another one comes the next step anyway. */
function between(name: (values: readonly unknown[]) => string | undefined, original: Callable): Callable {
  return function (this: unknown, ...values) {
    const step = name(values);
    if (step === undefined) return original.apply(this, values);
    steps.take(`before ${step}`);
    const result = original.apply(this, values);
    return result instanceof Promise ? result.finally(() => steps.take(`after ${step}`)) : result;
  };
}

/** A pod's folders, files and cgroups. */
function podPath(path: unknown): string | undefined {
  if (typeof path !== "string") return undefined;
  for (const root of [config.kubeletDir, config.podLogsDir, config.containerLogsDir]) if (path.startsWith(`${root}/`)) return path.slice(config.dataDir.length);
  return path.startsWith("/sys/fs/cgroup") && path.includes(config.cgroupRoot) ? path : undefined;
}

function replace(holder: object, name: string, how: (original: Callable) => Callable): void {
  const members = holder as Record<string, Callable>;
  members[name] = how(members[name] as Callable);
}

for (const name of WRITES) {
  const inPod = (values: readonly unknown[]) => {
    const path = podPath(values[0]) ?? podPath(values[1]);
    return path === undefined ? undefined : `${name} ${path}`;
  };
  replace(fs, `${name}Sync`, (original) => between(inPod, original));
  replace(fs.promises, name, (original) => between(inPod, original));
}
replace(
  childProcess,
  "spawn",
  (original) =>
    function (this: unknown, ...values) {
      const step = `${String(values[0])} ${String((values[1] as readonly string[])[0])}`;
      if (!["mount", "umount"].includes(String(values[0]))) return original.apply(this, values);
      steps.take(`before ${step}`);
      const child = original.apply(this, values) as childProcess.ChildProcess;
      child.once("exit", () => steps.take(`after ${step}`));
      return child;
    },
);
syncBuiltinESMExports();

const { GrpcClient } = await import("#lib/grpc/grpc-client.ts");
const { PODS } = await import("#api/builtin.ts");
const { Client } = await import("#client/client.ts");
const { HttpTransport } = await import("#client/http-transport.ts");
const { SharedInformerFactory } = await import("#client/informer-factory.ts");
const { startKubelet } = await import("#kubelet/kubelet.ts");
const { jsonLogger } = await import("#lib/logger.ts");
const { systemRng } = await import("#lib/rng.ts");
const { systemClock } = await import("#lib/system-clock.ts");

replace(GrpcClient.prototype, "unary", (original) => between(([path]) => EFFECTS.exec(path as string)?.[0], original));
replace(HttpTransport.prototype, "perform", (original) =>
  between((values) => {
    const { verb, resource, subresource = "" } = values[0] as Parameters<InstanceType<typeof HttpTransport>["perform"]>[0];
    return resource === PODS && verb !== "get" && verb !== "list" ? `${verb} pod ${subresource}` : undefined;
  }, original),
);

const log = jsonLogger((line) => process.stderr.write(line), systemClock, argument.logLevel);
const transport = new HttpTransport({ server: argument.server, ...argument.tls, clock: systemClock, userAgent: "kubelet" });
const client = new Client(transport, "kubelet");
const informers = new SharedInformerFactory({ client, clock: systemClock, rng: systemRng, logger: log });
await startKubelet(config, { client, informers, clock: systemClock, rng: systemRng, log, env: process.env, version: "v1.35.0", drained: async () => {} });
process.stdout.write("up\n");
process.stdin.resume().once("end", () => process.exit()); // the test is gone
