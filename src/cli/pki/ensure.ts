import type { X509Certificate } from "node:crypto";
import { existsSync } from "node:fs";
import { addressAt } from "#lib/cidr.ts";
import type { Clock } from "#lib/clock.ts";
import { readIfThere, writeWhole } from "#lib/whole-file.ts";
import { SkiffError } from "../errors.ts";
import { type Paths, pathsOf } from "../paths.ts";
import type { Settings } from "../settings.ts";
import { type Authority, authorityOf, damaged, ensureAuthority, parseCertificate, parseKey, readAuthority, requireValid } from "./authority.ts";
import type { LeafRequest } from "./issue.ts";

/** The one name that extension API servers are told to believe. */
const FRONT_PROXY_NAME = "front-proxy";

/** A leaf is issued again when it ends within this time: at a start, or by the server while it runs. */
const RENEW_MS = 30 * 86_400_000;

interface Leaf extends LeafRequest {
  readonly certificateFile: string;
  readonly keyFile: string;
}

/** Whether `ensurePki()` would find nothing to do. */
export function isPkiGood(settings: Settings, hostname: string, clock: Clock): boolean {
  const paths = pathsOf(settings.dataDir);
  const authority = readAuthority(paths);
  if (authority === undefined || readIfThere(paths.agentTls.ca) !== authority.pem) return false;
  requireValid(authority, clock.now());
  if (parseKey(readIfThere(paths.serverTls.serviceAccountKey)) === undefined) return false;
  return leavesOf(settings, paths, hostname).every((leaf) => isGood(leaf, authority, clock.now())) && isFrontProxyGood(paths, clock.now());
}

/**
 * Makes what is missing of the cluster's keys and certificates, and issues anew what ends soon, is damaged, names other
 * addresses or was signed by another CA. Files of an existing cluster that are still right are not touched. To be called
 * under the data dir's lock: two that issue the same certificate would mix their files.
 *
 * @returns the files that were written
 * @throws {SkiffError} SKF-1105 for a damaged file that cannot be made again without loss, SKF-1004 when the clock is
 * outside the authority's time
 */
export async function ensurePki(settings: Settings, hostname: string, clock: Clock): Promise<readonly string[]> {
  if (isPkiGood(settings, hostname, clock)) return [];
  const paths = pathsOf(settings.dataDir);
  const { authority, written: found } = await ensureAuthority(paths, clock.now());
  requireValid(authority, clock.now());
  const written = [...found];
  const write = (file: string, text: string): void => {
    writeWhole(file, text);
    written.push(file);
  };
  const { issueLeaf, newKey } = await import("./issue.ts");
  const { serviceAccountKey } = paths.serverTls;
  const accountKey = readIfThere(serviceAccountKey);
  if (accountKey === undefined) write(serviceAccountKey, await newKey());
  else if (parseKey(accountKey) === undefined) {
    throw damaged(
      serviceAccountKey,
      accountKey,
      `restore it from a backup; or, for a new one that makes pods' tokens void: rm ${serviceAccountKey}, then ./skiff up`,
    );
  }
  if (readIfThere(paths.agentTls.ca) !== authority.pem) write(paths.agentTls.ca, authority.pem);
  for (const leaf of leavesOf(settings, paths, hostname)) {
    if (isGood(leaf, authority, clock.now())) continue;
    const issued = await issueLeaf(leaf, authority, clock.now());
    write(leaf.keyFile, issued.key);
    write(leaf.certificateFile, issued.certificate);
  }
  if (!isFrontProxyGood(paths, clock.now())) await makeFrontProxy(paths, clock.now(), write);
  return written;
}

/**
 * The front proxy's authority is told to those who trust it, by the API itself, at each start: it can be made anew at any
 * time, where the cluster's own cannot.
 */
function frontProxyAuthority({ serverTls }: Paths, nowMs: number): Authority | undefined {
  const found = authorityOf(serverTls.frontProxyCa, serverTls.frontProxyCaKey);
  return found !== undefined && isWithin(found.certificate, nowMs) ? found : undefined;
}

const isWithin = ({ validFromDate, validToDate }: X509Certificate, nowMs: number) => validFromDate.getTime() <= nowMs && nowMs < validToDate.getTime();

function isFrontProxyGood(paths: Paths, nowMs: number): boolean {
  const authority = frontProxyAuthority(paths, nowMs);
  return authority !== undefined && isGood(frontProxyLeaf(paths), authority, nowMs);
}

async function makeFrontProxy(paths: Paths, nowMs: number, write: (file: string, text: string) => void): Promise<void> {
  const { issueCa, issueLeaf, newKey } = await import("./issue.ts");
  const { frontProxyCa, frontProxyCaKey } = paths.serverTls;
  if (frontProxyAuthority(paths, nowMs) === undefined) {
    const key = await newKey();
    write(frontProxyCaKey, key);
    write(frontProxyCa, await issueCa("skiff-front-proxy-ca", key, nowMs));
  }
  const leaf = frontProxyLeaf(paths);
  const issued = await issueLeaf(leaf, frontProxyAuthority(paths, nowMs)!, nowMs);
  write(leaf.keyFile, issued.key);
  write(leaf.certificateFile, issued.certificate);
}

const frontProxyLeaf = ({ serverTls }: Paths): Leaf => ({
  commonName: FRONT_PROXY_NAME,
  usage: "client",
  names: [],
  certificateFile: serverTls.frontProxyClient,
  keyFile: serverTls.frontProxyClientKey,
});

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

function isGood(leaf: Leaf, ca: Authority, nowMs: number): boolean {
  const certificate = parseCertificate(readIfThere(leaf.certificateFile));
  const key = parseKey(readIfThere(leaf.keyFile));
  if (certificate === undefined || key === undefined) return false;
  return (
    names(certificate, leaf) && lasts(certificate, ca.certificate, nowMs) && certificate.verify(ca.certificate.publicKey) && certificate.checkPrivateKey(key)
  );
}

function names(certificate: X509Certificate, leaf: Leaf): boolean {
  const sans = new Set((certificate.subjectAltName ?? "").split(", ").map((san) => san.replace(/^(DNS|IP Address):/, "")));
  const wanted = new Set(leaf.names);
  const sameNames = wanted.size === 0 || (wanted.size === sans.size && leaf.names.every((name) => sans.has(name)));
  return sameNames && certificate.subject.split("\n").includes(`CN=${leaf.commonName}`);
}

/** One that ends with its authority cannot be had for longer. */
function lasts({ validFromDate, validToDate }: X509Certificate, ca: X509Certificate, nowMs: number): boolean {
  const endMs = validToDate.getTime();
  const isLongest = endMs >= ca.validToDate.getTime() && endMs > nowMs;
  return validFromDate.getTime() <= nowMs && (isLongest || endMs - nowMs > RENEW_MS);
}

function unique(names: readonly string[]): readonly string[] {
  return [...new Set(names)];
}
