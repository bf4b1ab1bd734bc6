import { readdirSync, readFileSync } from "node:fs";

import { metric } from "./exposition.ts";

/** What Prometheus' clients tell of every process. */
export function processMetrics(nowMs: number): string {
  const { user, system } = process.cpuUsage();
  const gauge = (name: string, help: string, value: number) => metric(`process_${name}`, "gauge", help, [[{}, value]]);
  const bytes = (field: string) => Number(new RegExp(`^${field}:\\s+(\\d+) kB$`, "m").exec(readFileSync("/proc/self/status", "utf8"))?.[1] ?? 0) * 1024;
  const maximum = /^Max open files\s+(\d+)/m.exec(readFileSync("/proc/self/limits", "utf8"))?.[1] ?? "0";
  return [
    metric("process_cpu_seconds_total", "counter", "Processor time used, in seconds.", [[{}, (user + system) / 1e6]]),
    gauge("max_fds", "File descriptors that may be open.", Number(maximum)),
    gauge("open_fds", "File descriptors that are open.", readdirSync("/proc/self/fd").length),
    gauge("resident_memory_bytes", "Memory in use.", bytes("VmRSS")),
    gauge("start_time_seconds", "When the process started, in seconds since 1970.", nowMs / 1000 - process.uptime()),
    gauge("virtual_memory_bytes", "Addresses in use.", bytes("VmSize")),
  ].join("");
}
