import { X509Certificate } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import type { Clock } from "#lib/clock.ts";
import { SkiffError } from "../errors.ts";
import { type Paths, pathsOf } from "../paths.ts";
import { addressAt, type Settings } from "../settings.ts";
import type { Issued, LeafRequest } from "./issue.ts";

/** A leaf is issued again when it ends within this time, at the next start. */
const RENEW_MS = 30 * 86_400_000;

interface Leaf extends LeafRequest {
  readonly certificateFile: string;
  readonly keyFile: string;
}

/**
 * Makes what is missing of the cluster's keys and certificates, and issues anew what ends soon, names other addresses
 * or was signed by another CA. Files of an existing cluster that are still right are not touched.
 *
 * @returns the files that were written
 */
export async function ensurePki(settings: Settings, hostname: string, clock: Clock): Promise<readonly string[]> {
  const paths = pathsOf(settings.dataDir);
  const written: string[] = [];
  const write = (file: string, text: string): void => {
    writePrivate(file, text);
    written.push(file);
  };
  const { ca, caKey, serviceAccountKey } = paths.serverTls;
  if (!existsSync(ca) || !existsSync(caKey)) {
    const { issueCa } = await import("./issue.ts");
    const issued = await issueCa("skiff-ca", clock.now());
    write(caKey, issued.key);
    write(ca, issued.certificate);
  }
  const authority: Issued = { certificate: readFileSync(ca, "utf8"), key: readFileSync(caKey, "utf8") };
  if (!existsSync(serviceAccountKey)) write(serviceAccountKey, await (await import("./issue.ts")).newKey());
  if (!existsSync(paths.agentTls.ca) || readFileSync(paths.agentTls.ca, "utf8") !== authority.certificate) write(paths.agentTls.ca, authority.certificate);
  const parsed = new X509Certificate(authority.certificate);
  for (const leaf of leavesOf(settings, paths, hostname)) {
    if (isGood(leaf, parsed, clock.now())) continue;
    const { issueLeaf } = await import("./issue.ts");
    const issued = await issueLeaf(leaf, authority, clock.now());
    write(leaf.keyFile, issued.key);
    write(leaf.certificateFile, issued.certificate);
  }
  return written;
}

/**
 * For an agent that starts alone: its files must be there, as only the server's machine can issue them.
 *
 * @throws {SkiffError} SKF-1401 naming the first file that is missing
 */
export function requireAgentPki(settings: Settings): void {
  const { ca, client, clientKey, serving, servingKey } = pathsOf(settings.dataDir).agentTls;
  const missing = [ca, client, clientKey, serving, servingKey].find((file) => !existsSync(file));
  if (missing !== undefined)
    throw new SkiffError("SKF-1401", `${missing} does not exist`, { remedy: "./skiff up, or copy agent/tls from the server's machine" });
}

function leavesOf(settings: Settings, { serverTls, agentTls }: Paths, hostname: string): readonly Leaf[] {
  const { nodeName, nodeIp } = settings;
  const masters = { organization: "system:masters", usage: "client", names: [] } as const;
  return [
    {
      commonName: "kube-apiserver",
      usage: "server",
      names: servingNames(settings, hostname),
      certificateFile: serverTls.serving,
      keyFile: serverTls.servingKey,
    },
    { commonName: "kubernetes-admin", ...masters, certificateFile: serverTls.admin, keyFile: serverTls.adminKey },
    { commonName: "kube-apiserver-kubelet-client", ...masters, certificateFile: serverTls.kubeletClient, keyFile: serverTls.kubeletClientKey },
    {
      commonName: `system:node:${nodeName}`,
      organization: "system:nodes",
      usage: "client",
      names: [],
      certificateFile: agentTls.client,
      keyFile: agentTls.clientKey,
    },
    {
      commonName: `system:node:${nodeName}`,
      organization: "system:nodes",
      usage: "server",
      names: unique([nodeName, nodeIp, "127.0.0.1", "localhost"]),
      certificateFile: agentTls.serving,
      keyFile: agentTls.servingKey,
    },
  ];
}

/** Every name and address under which a client may reach the API. */
function servingNames(settings: Settings, hostname: string): readonly string[] {
  const services = ["kubernetes", "kubernetes.default", "kubernetes.default.svc", `kubernetes.default.svc.${settings.clusterDomain}`];
  const addresses = ["127.0.0.1", settings.nodeIp, settings.advertiseAddress, addressAt(settings.serviceCidr, 1)];
  return unique([...services, "localhost", hostname.toLowerCase(), ...addresses, ...settings.tlsSans]);
}

function isGood(leaf: Leaf, ca: X509Certificate, nowMs: number): boolean {
  if (!existsSync(leaf.certificateFile) || !existsSync(leaf.keyFile)) return false;
  const certificate = new X509Certificate(readFileSync(leaf.certificateFile));
  const sans = new Set((certificate.subjectAltName ?? "").split(", ").map((san) => san.replace(/^(DNS|IP Address):/, "")));
  const wanted = new Set(leaf.names);
  const sameNames = wanted.size === 0 || (wanted.size === sans.size && leaf.names.every((name) => sans.has(name)));
  const sameSubject = certificate.subject.split("\n").includes(`CN=${leaf.commonName}`);
  return sameNames && sameSubject && certificate.validToDate.getTime() - nowMs > RENEW_MS && certificate.verify(ca.publicKey);
}

function unique(names: readonly string[]): readonly string[] {
  return [...new Set(names)];
}

/** Readable by root alone, and whole or not there at all. */
function writePrivate(file: string, text: string): void {
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  writeFileSync(`${file}.new`, text, { mode: 0o600 });
  renameSync(`${file}.new`, file);
}
