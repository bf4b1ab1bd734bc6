import { existsSync } from "node:fs";

import type { ServerTlsPaths } from "#cli/paths.ts";
import { authorityOf } from "#cli/pki/authority.ts";
import type { SignCertificate } from "#controllers/certificates/controller.ts";

/** Signs with the cluster's authority; `undefined` where its key is not on this machine. */
export function certificateSigner(serverTls: ServerTlsPaths): SignCertificate | undefined {
  if (!existsSync(serverTls.caKey)) return undefined;
  return async (certified) => {
    const authority = authorityOf(serverTls.ca, serverTls.caKey);
    if (authority === undefined) throw new Error(`${serverTls.caKey} is missing or damaged, or is not the key of ${serverTls.ca}`);
    const { issueRequested } = await import("#cli/pki/issue-requested.ts");
    return issueRequested(certified, authority);
  };
}
