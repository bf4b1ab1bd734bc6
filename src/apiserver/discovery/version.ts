import { failure } from "#apimachinery/status-error.ts";
import { methodNotAllowed } from "#apiserver/discovery/handler.ts";
import { listed, type PlainHandler } from "#apiserver/http/plain.ts";

/** What `/version` says of this build. */
export interface BuildInfo {
  /** The upstream release whose API this is: `v1.35.6`, with our own version behind a plus sign. */
  readonly gitVersion: string;
  readonly gitCommit: string;
  /** RFC 3339. */
  readonly buildDate: string;
  /** The run time, as upstream tells its Go version. */
  readonly runtime: string;
  /** `linux/amd64` */
  readonly platform: string;
}

export function versionHandler({ gitVersion, gitCommit, buildDate, runtime, platform }: BuildInfo): PlainHandler {
  const [major = "", minor = ""] = gitVersion.replace(/^v/, "").split(".");
  const info = {
    major,
    minor,
    emulationMajor: major,
    emulationMinor: minor,
    minCompatibilityMajor: major,
    minCompatibilityMinor: String(Number(minor) - 1),
    gitVersion,
    gitCommit,
    gitTreeState: "clean",
    buildDate,
    goVersion: runtime,
    compiler: "v8",
    platform,
  };
  const body = JSON.stringify(info, null, 2);
  const handler: PlainHandler = ({ path, method, headers }) => {
    if (path !== "/version" && path !== "/version/") return undefined;
    if (method !== "GET") throw methodNotAllowed();
    const accept = String(headers["accept"] ?? "");
    if (accept !== "" && !/application\/json|application\/\*|\*\/\*/.test(accept)) {
      throw failure(406, "NotAcceptable", "406: Not Acceptable\n\nAvailable representations: application/json", {});
    }
    return { status: 200, headers: { "content-type": "application/json", "cache-control": "no-cache, private" }, body };
  };
  return listed(handler, () => ["/version"]);
}
