import { readFileSync } from "node:fs";

import { pathsOf } from "#cli/paths.ts";
import { KubectlUser } from "#test/conformance/kubectl-user.ts";

import type { TestCluster } from "./cluster.ts";
import type { KubectlMinor } from "./kubectl.ts";

/** Somebody with one version of kubectl who may do everything in a cluster. */
export function userOf({ dataDir, httpsPort }: TestCluster, minor: KubectlMinor, namespace?: string): KubectlUser {
  const { ca, admin, adminKey } = pathsOf(dataDir).serverTls;
  const read = (file: string) => readFileSync(file, "utf8");
  return new KubectlUser({ url: `https://127.0.0.1:${httpsPort}`, ca: read(ca), admin: { cert: read(admin), key: read(adminKey) } }, minor, namespace);
}
