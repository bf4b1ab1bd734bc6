import { join } from "node:path";
import { pathsOf, type ServerTlsPaths } from "#cli/paths.ts";
import type { AuditSettings, DatastoreSettings, PortRange, Settings } from "#cli/settings.ts";
import type { LogLevel } from "#lib/logger.ts";

/** All that a server process needs to know. `src/cli/settings.ts` has the defaults and the checks. */
export interface ServerConfig {
  readonly dataDir: string;
  /** Of this machine, in the cluster. */
  readonly nodeName: string;
  /** The embedded store's file. */
  readonly database: string;
  /** Used instead of it. */
  readonly datastore: DatastoreSettings | undefined;
  /** The file of keys for Secrets. */
  readonly encryptionKeys: string;
  readonly secretsEncryption: boolean;
  readonly bindAddress: string;
  readonly httpsPort: number;
  /** The endpoint of the `kubernetes` service. */
  readonly advertiseAddress: string;
  readonly tls: ServerTlsPaths;
  readonly serviceCidr: string;
  readonly clusterCidr: string;
  readonly clusterDns: string;
  readonly clusterDomain: string;
  readonly nodePortRange: PortRange;
  /** The API alone, without controllers and scheduler. */
  readonly withoutControllers: boolean;
  /** Whether versions that upstream has dropped are served, too. */
  readonly legacyApis: boolean;
  readonly logLevel: LogLevel;
  /** Versions of the API that are served besides upstream's own choice. */
  readonly runtimeConfig: readonly string[];
  readonly audit: (AuditSettings & { readonly logFile: string }) | undefined;
}

export function serverConfig(settings: Settings): ServerConfig {
  const paths = pathsOf(settings.dataDir);
  return {
    dataDir: settings.dataDir,
    nodeName: settings.nodeName,
    database: paths.database,
    datastore: settings.datastore,
    encryptionKeys: paths.encryptionKeys,
    secretsEncryption: settings.secretsEncryption,
    bindAddress: settings.bindAddress,
    httpsPort: settings.httpsPort,
    advertiseAddress: settings.advertiseAddress,
    tls: paths.serverTls,
    serviceCidr: settings.serviceCidr,
    clusterCidr: settings.clusterCidr,
    clusterDns: settings.clusterDns,
    clusterDomain: settings.clusterDomain,
    nodePortRange: settings.nodePortRange,
    withoutControllers: !settings.controllers,
    legacyApis: settings.legacyApis,
    logLevel: settings.logLevel,
    runtimeConfig: settings.runtimeConfig,
    audit: settings.audit && { ...settings.audit, logFile: settings.audit.logFile ?? join(paths.logsDir, "audit.log") },
  };
}
