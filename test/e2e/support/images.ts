import { readFileSync } from "node:fs";
import { type ImageBlobs, imageBlobs } from "#lib/oci-image.ts";
import { busyboxEntries, type Entry, layerOf, programEntries, requireProgram } from "./file-system.ts";

const PATH = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/**
 * An image of Debian's nginx with a shell. Its number is what the walkthrough calls it by; the file `/etc/nginx/release`
 * and the index page say it, while the program says its own.
 */
export function nginxImage(release: string): ImageBlobs {
  const nginx = requireProgram(["/usr/sbin/nginx"], "nginx");
  const files: Entry[] = [
    { path: "/etc/nginx/release", data: `${release}\n` },
    { path: "/etc/nginx/nginx.conf", data: NGINX_CONF },
    { path: "/etc/nginx/mime.types", data: readFileSync("/etc/nginx/mime.types") },
    { path: "/usr/share/nginx/html/index.html", data: indexPage(release) },
    { path: "/var/lib/nginx", folder: true, mode: 0o755 },
    { path: "/var/log/nginx", folder: true, mode: 0o755 },
    { path: "/run", folder: true, mode: 0o755 },
  ];
  const layer = layerOf([...busyboxEntries(), ...programEntries(nginx), ...files]);
  const config = { Cmd: ["nginx", "-g", "daemon off;"], Env: [PATH, `NGINX_VERSION=${release}`], ExposedPorts: { "80/tcp": {} }, StopSignal: "SIGQUIT" };
  return imageBlobs({ layer, arch: "amd64", config });
}

export function busyboxImage(): ImageBlobs {
  const layer = layerOf(busyboxEntries());
  return imageBlobs({ layer, arch: "amd64", config: { Cmd: ["sh"], Env: [PATH] } });
}

const NGINX_CONF = `user nginx;
worker_processes 1;
pid /run/nginx.pid;
error_log /dev/stderr notice;
events { worker_connections 512; }
http {
  include /etc/nginx/mime.types;
  default_type application/octet-stream;
  access_log /dev/stdout;
  server {
    listen 80;
    root /usr/share/nginx/html;
  }
}
`;

function indexPage(release: string): string {
  return `<!DOCTYPE html>\n<html>\n<head><title>Welcome to nginx!</title></head>\n<body><h1>Welcome to nginx!</h1><p>release ${release}</p></body>\n</html>\n`;
}
