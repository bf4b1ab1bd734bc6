import { spawn } from "node:child_process";

/** Imports an OCI or Docker archive into containerd, where CRI sees it. */
export function importArchive(socket: string, archive: Uint8Array): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn("ctr", ["--address", socket, "--namespace", "k8s.io", "images", "import", "-"], { stdio: ["pipe", "ignore", "pipe"] });
    let stderr = "";
    child.stderr.setEncoding("utf8").on("data", (text: string) => void (stderr += text));
    child.on("error", reject);
    child.on("close", (code) => (code === 0 ? resolve() : reject(new Error(`ctr images import: ${stderr.trim()}`))));
    child.stdin.on("error", () => {});
    child.stdin.end(archive);
  });
}
