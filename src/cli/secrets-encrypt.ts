import { existsSync } from "node:fs";
import { type ApiAnswer, apiCaller } from "./api-call.ts";
import { API_VERSION, type Arguments, type Context } from "./context.ts";
import { SkiffError } from "./errors.ts";
import { pathsOf } from "./paths.ts";

/** Where the server tells of its encryption (GET), and rotates its key (POST). */
export const SECRETS_ENCRYPTION_PATH = "/skiff/v1/secrets-encryption";
/** Every Secret is written anew, and then the database. */
const ROTATION_TIMEOUT_MS = 600_000;

interface Status {
  readonly enabled: boolean;
  readonly activeKey?: string;
  readonly keys: readonly string[];
  readonly values: { readonly current: number; readonly stale: number; readonly plain: number; readonly unreadable: number };
}

interface Rotation {
  readonly activeKey: string;
  readonly resumed: boolean;
  readonly rewritten: number;
  readonly unreadable: number;
}

/** `skiff secrets-encrypt status|rotate-keys`: both by the server that runs, which holds the keys. */
export async function secretsEncrypt(args: Arguments, context: Context): Promise<number> {
  const [action] = args.positionals;
  if (action !== "status" && action !== "rotate-keys")
    throw new SkiffError("SKF-0201", "secrets-encrypt: status or rotate-keys is missing", { remedy: "./skiff secrets-encrypt --help" });
  const isJson = args.flags["output"] === "json";
  if (action === "status") {
    const status = await ask<Status>("GET", context);
    context.out(isJson ? json("SecretsEncryptionStatus", status) : formatStatus(status));
    return 0;
  }
  const rotation = await ask<Rotation>("POST", context);
  context.out(isJson ? json("SecretsEncryptionRotation", rotation) : formatRotation(rotation));
  return rotation.unreadable === 0 ? 0 : 4;
}

async function ask<T>(method: "GET" | "POST", { settings }: Context): Promise<T> {
  if (!existsSync(pathsOf(settings.dataDir).serverTls.admin)) throw notRunning();
  const api = apiCaller(settings);
  let answer: ApiAnswer | undefined;
  try {
    answer = method === "GET" ? await api.get(SECRETS_ENCRYPTION_PATH) : await api.post(SECRETS_ENCRYPTION_PATH, ROTATION_TIMEOUT_MS);
  } finally {
    api.close();
  }
  if (answer === undefined) throw notRunning();
  if (answer.status !== 200) throw new SkiffError("SKF-0101", "the server could not do it", { reason: messageOf(answer.body), remedy: "./skiff logs server" });
  return JSON.parse(answer.body) as T;
}

function notRunning(): SkiffError {
  return new SkiffError("SKF-0301", "no server answers", { reason: "the keys are changed by the server that runs" });
}

function messageOf(body: string): string {
  try {
    return (JSON.parse(body) as { message?: string }).message ?? body;
  } catch {
    return body;
  }
}

function json(kind: string, value: object): string {
  return `${JSON.stringify({ apiVersion: API_VERSION, kind, ...value }, undefined, 2)}\n`;
}

export function formatStatus({ enabled, activeKey, keys, values }: Status): string {
  const { current, stale, plain, unreadable } = values;
  const lines = [
    `Encryption:  ${enabled ? "enabled" : "disabled"}`,
    `Active key:  ${activeKey ?? "none"}`,
    `Other keys:  ${keys.filter((name) => name !== activeKey).join(", ") || "none"}`,
    `Secrets:     ${current} under the first key, ${stale} under another, ${plain} plain, ${unreadable} unreadable`,
  ];
  if (enabled && keys.length > 1) lines.push("A rotation was not finished: ./skiff secrets-encrypt rotate-keys goes on with it.");
  return `${lines.join("\n")}\n`;
}

function formatRotation({ activeKey, resumed, rewritten, unreadable }: Rotation): string {
  const what = resumed ? `the rotation to ${activeKey} that was interrupted is finished` : `secrets are encrypted by a new key, ${activeKey}`;
  const rest = unreadable === 0 ? "" : `${unreadable} secrets cannot be read under any key; the old keys stay\n`;
  return `${what}: ${rewritten} written\n${rest}`;
}
