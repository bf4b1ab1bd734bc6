import { existsSync, readFileSync } from "node:fs";
import { networkInterfaces } from "node:os";

/** This machine's IPv4 address: that of the default route's device, else any that others can reach, else 127.0.0.1. */
export function nodeAddress(): string {
  const routes = existsSync("/proc/net/route") ? readFileSync("/proc/net/route", "utf8") : "";
  const all = networkInterfaces();
  const addresses = (device: string) => (all[device] ?? []).filter(({ family, internal }) => family === "IPv4" && !internal).map(({ address }) => address);
  const device = defaultDevice(routes);
  const others = Object.keys(all).filter((name) => !/^(skiff|skf|veth|docker|cni|br-)/.test(name));
  return [...(device === undefined ? [] : addresses(device)), ...others.flatMap(addresses)][0] ?? "127.0.0.1";
}

/** Of /proc/net/route: the device of the default route with the lowest metric. */
export function defaultDevice(routes: string): string | undefined {
  const defaults = routes
    .split("\n")
    .slice(1)
    .map((line) => line.split(/\s+/))
    .filter(([, destination, , , , , , mask]) => destination === "00000000" && mask === "00000000");
  return defaults.sort((a, b) => Number(a[6]) - Number(b[6]))[0]?.[0];
}
