import { spawnSync } from "node:child_process";
import { mkdirSync } from "node:fs";
import { join } from "node:path";

const source = join(import.meta.dirname, "go");

/** Paths of what is built of upstream's modules. */
export interface Programs {
  /** The tests. */
  readonly suite: string;
  /** Runs them, several at a time. */
  readonly ginkgo: string;
  /** What runs in most tests' containers. */
  readonly agnhost: string;
  /** An extension server. */
  readonly sampleApiserver: string;
  /** A folder of upstream's that has the files of the nautilus image. */
  readonly nautilus: string;
}

/**
 * Builds upstream's programs below `folder` with the machine's Go, which loads the modules of `go/go.mod` by itself. The first time takes a
 * quarter of an hour on two cores, later ones seconds.
 */
export function buildPrograms(folder: string): Programs {
  mkdirSync(folder, { recursive: true });
  const suite = join(folder, "suite.test");
  go("test", "-c", "-o", suite, "./suite");
  return {
    suite,
    ginkgo: tool(folder, "ginkgo", "github.com/onsi/ginkgo/v2/ginkgo"),
    agnhost: tool(folder, "agnhost", "k8s.io/kubernetes/test/images/agnhost"),
    sampleApiserver: tool(folder, "sample-apiserver", "k8s.io/sample-apiserver"),
    nautilus: join(go("list", "-m", "-f", "{{.Dir}}", "k8s.io/kubernetes").trim(), "test/images/nautilus/html"),
  };
}

function tool(folder: string, name: string, packagePath: string): string {
  const path = join(folder, name);
  go("build", "-o", path, packagePath);
  return path;
}

/** Static programs: images have no libraries. */
function go(...words: readonly string[]): string {
  const env = { ...process.env, CGO_ENABLED: "0", GOFLAGS: "-mod=readonly -buildvcs=false" };
  const { error, status, stdout } = spawnSync("go", words, { cwd: source, env, encoding: "utf8", stdio: ["ignore", "pipe", "inherit"] });
  if (error !== undefined) throw new Error("Go is missing: apt-get install golang-go, 1.25 or later", { cause: error });
  if (status !== 0) throw new Error(`go ${words.join(" ")}: exit code ${status}`);
  return stdout;
}
