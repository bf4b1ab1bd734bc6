import { createPrivateKey, type KeyObject, X509Certificate } from "node:crypto";
import { formatTime } from "#lib/clock.ts";
import { readIfThere, writeWhole } from "#lib/whole-file.ts";
import { SkiffError } from "../errors.ts";
import type { Paths } from "../paths.ts";

/** Who signs the cluster's certificates. */
export interface Authority {
  readonly certificate: X509Certificate;
  readonly key: KeyObject;
  /** The certificate as its file has it. */
  readonly pem: string;
}

const NAME = "skiff-ca";

/** The cluster's authority as its files have it; undefined unless both are whole and belong together. */
export function readAuthority({ serverTls }: Paths): Authority | undefined {
  return authorityOf(serverTls.ca, serverTls.caKey);
}

/** Undefined unless both files are whole and belong together. */
export function authorityOf(certificateFile: string, keyFile: string): Authority | undefined {
  const pem = readIfThere(certificateFile);
  const certificate = parseCertificate(pem);
  const key = parseKey(readIfThere(keyFile));
  if (pem === undefined || certificate === undefined || key === undefined) return undefined;
  return certificate.checkPrivateKey(key) ? { certificate, key, pem } : undefined;
}

/**
 * The cluster's authority: the one that is there, or a new one for a new cluster. A certificate that is lost or damaged
 * is made again from its key, and everything that was issued stays good; a key cannot be, and is never replaced.
 *
 * @throws {SkiffError} SKF-1105 naming the file that is damaged
 */
export async function ensureAuthority(paths: Paths, nowMs: number): Promise<{ readonly authority: Authority; readonly written: readonly string[] }> {
  const found = readAuthority(paths);
  if (found !== undefined) return { authority: found, written: [] };
  const { ca, caKey } = paths.serverTls;
  const [caText, keyText] = [readIfThere(ca), readIfThere(caKey)];
  const { issueCa, newKey } = await import("./issue.ts");
  const isNew = caText === undefined && keyText === undefined;
  const keyPem = isNew ? await newKey() : (keyText ?? "");
  const key = parseKey(keyPem);
  if (key === undefined)
    throw damaged(caKey, keyText, `restore it from a backup; or, for a new authority and new kubeconfigs: rm ${ca} ${caKey}, then ./skiff up`);
  if (parseCertificate(caText) !== undefined) throw damaged(caKey, keyText, `restore it from a backup: it is not the key of ${ca}`, "does not fit");
  // The key comes first: a certificate can be made from it when we are cut off here.
  if (isNew) writeWhole(caKey, keyPem);
  const pem = copyFor(key, paths) ?? (await issueCa(NAME, keyPem, nowMs));
  writeWhole(ca, pem);
  return { authority: { certificate: new X509Certificate(pem), key, pem }, written: isNew ? [caKey, ca] : [ca] };
}

/** @throws {SkiffError} SKF-1004 when nobody would believe the authority's certificate now */
export function requireValid({ certificate }: Authority, nowMs: number): void {
  const [from, to] = [certificate.validFromDate.getTime(), certificate.validToDate.getTime()];
  if (nowMs >= from && nowMs < to) return;
  const said = `this machine's clock says ${formatTime(nowMs)}`;
  if (nowMs < from) throw new SkiffError("SKF-1004", `${said}, but the cluster was made on ${formatTime(from)}`, { remedy: "set the clock: date --set=…" });
  throw new SkiffError("SKF-1004", `${said}, but the cluster's authority ended on ${formatTime(to)}`, {
    reason: "either the clock is wrong, or the authority has to be replaced",
    remedy: "if the clock is right, stop the cluster, remove server/tls and agent/tls from its data dir, and ./skiff up",
  });
}

export function damaged(file: string, text: string | undefined, remedy: string, how = text === undefined ? "is missing" : "is damaged"): SkiffError {
  return new SkiffError("SKF-1105", `${file} ${how}`, { reason: "it cannot be made again without loss", remedy });
}

/** The agent has a copy of the certificate. */
function copyFor(key: KeyObject, { agentTls }: Paths): string | undefined {
  const pem = readIfThere(agentTls.ca);
  return parseCertificate(pem)?.checkPrivateKey(key) ? pem : undefined;
}

export function parseCertificate(pem: string | undefined): X509Certificate | undefined {
  try {
    return new X509Certificate(pem ?? "");
  } catch {
    return undefined;
  }
}

export function parseKey(pem: string | undefined): KeyObject | undefined {
  try {
    return createPrivateKey(pem ?? "");
  } catch {
    return undefined;
  }
}
