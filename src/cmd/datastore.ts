import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { dirname } from "node:path";
import type { ErrorId } from "#cli/error-table.ts";
import { SkiffError } from "#cli/errors.ts";
import type { DatastoreSettings } from "#cli/settings.ts";
import { type Clock, sleep } from "#lib/clock.ts";
import type { Logger } from "#lib/logger.ts";
import type { EtcdConnectionOptions } from "#storage/etcd/connection.ts";
import { UnfinishedMigrationError } from "#storage/etcd/errors.ts";
// Imported on demand it would be a bundle of its own, with error classes that the server's code does not know.
import { type EtcdStoreOptions, openEtcdStore } from "#storage/etcd/etcd-store.ts";
import { CorruptStoreError } from "#storage/sqlite/schema.ts";
import { openSqliteStore } from "#storage/sqlite/sqlite-store.ts";
import { unfinishedCopyOf } from "#storage/sqlite/sqlite-target.ts";
import { type Store, StoreUnreachableError } from "#storage/store.ts";
import type { ServerConfig } from "./server-config.ts";

interface Deps {
  readonly clock: Clock;
  readonly logger: Logger;
}

const CHECK_TIMEOUT_MS = 2000;
const RETRY_MS = 2000;

/**
 * Opens the store that the settings name. An etcd that is not there yet is waited for until `signal` aborts.
 *
 * @throws {SkiffError} for what waiting does not mend
 */
export async function openDatastore(
  { database, datastore }: Pick<ServerConfig, "database" | "datastore">,
  { clock, logger, signal, ...rest }: Deps & Pick<EtcdStoreOptions, "onLost" | "openTimeoutMs"> & { readonly signal: AbortSignal },
): Promise<Store> {
  if (datastore === undefined) {
    refuseUnfinished(database);
    mkdirSync(dirname(database), { recursive: true, mode: 0o700 });
    return told(() => openSqliteStore({ path: database }));
  }
  const options = { ...etcdOptions(datastore, { clock, logger }), ...rest };
  for (;;) {
    try {
      return await told(() => openEtcdStore(options));
    } catch (error) {
      if (!(error instanceof SkiffError) || error.id !== "SKF-1601") throw error;
      logger.error("waiting for the datastore", { error: error.reason });
    }
    await sleep(clock, RETRY_MS, signal);
  }
}

/** An empty store must not be made where a copy was to be. */
function refuseUnfinished(database: string): void {
  const draft = unfinishedCopyOf(database);
  if (existsSync(database) || !existsSync(draft)) return;
  throw new SkiffError("SKF-1109", `${draft} is an unfinished copy`, { reason: `${database} does not exist yet` });
}

/** Opens etcd once, so that `up` can say at once what is wrong. @throws {SkiffError} */
export async function checkDatastore(datastore: DatastoreSettings, deps: Deps): Promise<void> {
  const store = await told(() => openEtcdStore({ ...etcdOptions(datastore, deps), onLost: () => {}, openTimeoutMs: CHECK_TIMEOUT_MS }));
  await store.close();
}

export function etcdOptions({ endpoints, caFile, certFile, keyFile }: DatastoreSettings, { clock, logger }: Deps): EtcdConnectionOptions {
  const tls = {
    ...(caFile !== undefined && { ca: readPem("datastore-cafile", caFile) }),
    ...(certFile !== undefined && { cert: readPem("datastore-certfile", certFile) }),
    ...(keyFile !== undefined && { key: readPem("datastore-keyfile", keyFile) }),
  };
  return { endpoints, tls, clock, logger };
}

function readPem(flag: string, file: string): Buffer {
  try {
    const pem = readFileSync(file);
    if (pem.includes("-----BEGIN ")) return pem;
  } catch (error) {
    throw new SkiffError("SKF-1701", `--${flag}: ${file} cannot be read`, { reason: (error as Error).message });
  }
  throw new SkiffError("SKF-1701", `--${flag}: ${file} is not a PEM file`);
}

/** Does `work`; what a user can mend is told in the user's words. */
export async function told<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw inUsersWords(error);
  }
}

function inUsersWords(error: unknown): unknown {
  if (error instanceof CorruptStoreError) {
    return new SkiffError("SKF-1103", `the database ${error.path} is damaged, or not ours; it was left untouched`, { reason: error.what });
  }
  if (error instanceof UnfinishedMigrationError) return new SkiffError("SKF-1109", error.message);
  if (!(error instanceof StoreUnreachableError)) return error;
  const id: ErrorId = error.failures.every(({ certificate }) => certificate) ? "SKF-1602" : "SKF-1601";
  const what = id === "SKF-1602" ? "no endpoint of the datastore can be trusted, or none trusts us" : "no endpoint of the datastore answers";
  return new SkiffError(id, what, { reason: error.failures.map(({ endpoint, reason }) => `${endpoint}: ${reason}`).join("; ") });
}
