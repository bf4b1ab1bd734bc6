import assert from "node:assert/strict";
import { once } from "node:events";
import { request } from "node:https";
import type { IncomingMessage } from "node:http";
import { text } from "node:stream/consumers";
import { after, before, describe, test } from "node:test";

import { whyNoContainers } from "#test/integration/support/node-config.ts";

import { adminOf, CommandClient, get, openTunnel } from "./testing/command-client.ts";
import { TestNode } from "./testing/test-node.ts";

describe("startKubeletServer() with a real containerd", { skip: whyNoContainers() ?? false }, () => {
  let node: TestNode;
  before(async () => {
    node = await TestNode.start(process.env);
    await node.run("web", { command: ["sh", "-c", "echo one; echo two >&2; echo three; sleep 1000"] });
    await node.run("job", { command: ["sh", "-c", "mkfifo /go; echo begin; read go < /go; echo end"] });
  });
  after(() => node.stop());

  const exec = (command: readonly string[], flags = "output=1&error=1", protocol?: string) =>
    CommandClient.open(node, `/exec/default/web/main?${flags}&${command.map((word) => `command=${encodeURIComponent(word)}`).join("&")}`, protocol);

  test("lets in nobody but system:masters", async () => {
    assert.deepEqual(await get(node, "/healthz", undefined), { code: 401, body: "Unauthorized" });
    const other = await node.pki.client("jane", ["developers"]);
    assert.deepEqual(await get(node, "/pods", other), { code: 403, body: "Forbidden (user=jane, verb=get, resource=nodes, subresource(s)=[pods proxy])\n" });
    assert.deepEqual(await get(node, "/healthz", await adminOf(node)), { code: 200, body: "ok" });
    const { testPki } = await import("#test/pki/test-pki.ts");
    const foreign = await (await testPki()).client("evil", ["system:masters"]);
    assert.equal((await get(node, "/healthz", foreign)).code, 401);
  });

  test("exec gives both outputs and the exit code", async () => {
    const client = await exec(["sh", "-c", "echo out $COLOUR; echo err >&2; exit 3"]);
    const status = await client.status();
    assert.equal(client.output[1], "out blue\n");
    assert.equal(client.output[2], "err\n");
    assert.equal(status.reason, "NonZeroExitCode");
    assert.deepEqual(status.details?.causes, [{ reason: "ExitCode", message: "3" }]);
    assert.equal(
      status.message,
      "command terminated with non-zero exit code: error executing command [sh -c echo out $COLOUR; echo err >&2; exit 3], exit code 3",
    );
  });

  test("exec runs for a client that wants only one output", async () => {
    for (const [flags, channel] of [
      ["output=1", 1],
      ["error=1", 2],
    ] as const) {
      const client = await exec(["sh", "-c", "echo out; echo err >&2"], flags);
      assert.equal((await client.status()).status, "Success");
      assert.equal(client.output[channel], channel === 1 ? "out\n" : "err\n");
      assert.equal(client.output[3 - channel], "");
    }
  });

  test("exec ends cat when a v5 client closes its input", async () => {
    const client = await exec(["cat"], "input=1&output=1&error=1");
    client.input("hello ");
    client.input("world");
    client.closeInput();
    assert.deepEqual(await client.status(), { metadata: {}, status: "Success" });
    assert.equal(client.output[1], "hello world");
  });

  test("exec carries megabytes both ways without loss", async () => {
    const client = await exec(["sh", "-c", "head -c 8000000 | wc -c; head -c 8000000 /dev/zero"], "input=1&output=1&error=1");
    for (let i = 0; i < 125; i++) client.input(Buffer.alloc(64_000, "x"));
    client.closeInput();
    assert.equal((await client.status()).status, "Success");
    assert.equal(client.output[1]!.slice(0, 8), "8000000\n");
    assert.equal(client.outputBytes, 8_000_008);
  });

  test("exec has a terminal with the client's size", async () => {
    const client = await exec(["sh", "-c", "read x; stty size; echo $TERM; tty"], "input=1&output=1&tty=1", "v4.channel.k8s.io");
    client.resize(132, 43);
    // The size arrives on a way of its own: ask the terminal until it has it.
    const waiting = await exec(["sh", "-c", "until stty -F /dev/pts/0 size 2>/dev/null | grep -q '43 132'; do usleep 5000; done"]);
    assert.equal((await waiting.status()).status, "Success");
    client.input("\n");
    assert.equal((await client.status()).status, "Success");
    assert.match(client.output[1]!, /43 132\r\nxterm\r\n\/dev\/pts\/0\r\n/);
  });

  test("exec starts a program with the size that the client told first", async () => {
    const client = await exec(["stty", "size"], "output=1&tty=1", "v4.channel.k8s.io");
    client.resize(132, 43);
    assert.equal((await client.status()).status, "Success");
    assert.equal(client.output[1], "43 132\r\n");
  });

  test("exec gives a slow client all that was written to its terminal before the program ended", async () => {
    // Writes until nobody takes any more, and ends then: the last of its output is still in the terminal. What /written names is out, at any moment.
    const writer = `i=0; while :; do i=$((i + 1)); echo $i ${"x".repeat(1000)}; echo $i > /next; mv /next /written; done`;
    const untilStuck = 'until [ -s /written ] && [ "$(cat /written)" = "$seen" ]; do seen=$(cat /written); usleep 100000; done';
    const client = await exec(["sh", "-c", `echo $$ > /writer; : > /written; (${writer}) & ${untilStuck}; kill $!`], "input=1&output=1&tty=1");
    client.socket.pause();
    const ended = await exec(["sh", "-c", "until [ -s /writer ]; do usleep 5000; done; while [ -d /proc/$(cat /writer) ]; do usleep 5000; done; cat /written"]);
    assert.equal((await ended.status()).status, "Success");
    client.socket.resume();
    assert.equal((await client.status()).status, "Success");
    assert.ok(client.output[1]!.includes(`\n${ended.output[1]!.trim()} xxx`));
  });

  test("exec says that a program is not there", async () => {
    const status = await (await exec(["nope"])).status();
    assert.equal(status.reason, "InternalError");
    assert.match(status.message!, /^Internal error occurred: error executing command in container: .*exec: "nope": executable file not found in \$PATH/);
  });

  test("exec kills the command when the client goes away", async () => {
    const client = await exec(["sh", "-c", "echo $$; exec sleep 4321"]);
    await client.until(1, "\n");
    const pid = client.output[1]!.trim();
    client.socket.terminate();
    const waiting = await exec(["sh", "-c", `while [ -d /proc/${pid} ]; do usleep 5000; done`]);
    assert.equal((await waiting.status()).status, "Success");
  });

  test("exec refuses what is not there", async () => {
    await assert.rejects(CommandClient.open(node, "/exec/default/none/main?output=1&command=ls"), /404/);
    await assert.rejects(CommandClient.open(node, "/exec/default/web/other?output=1&command=ls"), /500/);
    await assert.rejects(CommandClient.open(node, "/exec/default/web/main?command=ls"), /400/);
  });

  test("containerLogs gives what the container wrote", async () => {
    const admin = await adminOf(node);
    const logs = async (query: string) => (await get(node, `/containerLogs/default/web/main?${query}`, admin)).body;
    assert.deepEqual((await logs("")).split("\n").sort(), ["", "one", "three", "two"]);
    assert.equal((await logs("tailLines=1")).split("\n").length, 2);
    assert.match(await logs("timestamps=true&tailLines=1"), /^\d{4}-\d\d-\d\dT[\d:.]+Z \w+\n$/);
    assert.equal((await logs("limitBytes=2")).length, 2);
    assert.equal(await logs("sinceTime=2999-01-01T00:00:00Z"), "");
    assert.deepEqual(await get(node, "/containerLogs/default/web/main?previous=true", admin), {
      code: 400,
      body: 'previous terminated container "main" in pod "web" not found',
    });
    assert.equal((await get(node, "/containerLogs/default/web/x", admin)).body, 'container "x" not found in pod "web"');
  });

  test("containerLogs follows until the container has ended", async () => {
    const asking = request({
      host: "127.0.0.1",
      port: node.server.port,
      path: "/containerLogs/default/job/main?follow=true",
      ca: node.pki.ca,
      ...(await adminOf(node)),
    });
    asking.end();
    const [response] = (await once(asking, "response")) as [IncomingMessage];
    let log = "";
    for await (const chunk of response.setEncoding("utf8")) {
      log += chunk;
      // The container ends, and the helper with it.
      if (log === "begin\n")
        await (await CommandClient.open(node, "/exec/default/job/main?output=1&command=sh&command=-c&command=echo%20x%20%3E%20/go")).status();
    }
    assert.equal(log, "begin\nend\n");
  });

  test("attach gives the main process's output, and closes its input with the client's", async () => {
    await node.run("cat", { command: ["cat"], stdin: true });
    const watcher = await CommandClient.open(node, "/attach/default/cat/main?output=1&error=1");
    const client = await CommandClient.open(node, "/attach/default/cat/main?input=1&output=1&error=1");
    client.input("hello\n");
    await client.until(1, "hello\n");
    client.closeInput();
    assert.equal((await client.status()).status, "Success");
    assert.equal((await watcher.status()).status, "Success");
    assert.equal(watcher.output[1], "hello\n");
  });

  test("attach works on a terminal, and leaves it running", async () => {
    await node.run("shell", { command: ["sh"], stdin: true, tty: true });
    const client = await CommandClient.open(node, "/attach/default/shell/main?input=1&output=1&tty=1");
    client.resize(99, 33);
    client.input("until stty size | grep '33 99'; do usleep 5000; done\n");
    await client.until(1, "\n33 99");
    client.socket.terminate();
    const later = await CommandClient.open(node, "/attach/default/shell/main?input=1&output=1&tty=1");
    later.input("exit\n");
    assert.equal((await later.status()).status, "Success");
  });

  test("portForward reaches a port that listens on the pod's loopback only, many times at once", async () => {
    await node.run("server", { command: ["sh", "-c", "echo page > /index.html; httpd -f -h / -p 127.0.0.1:8080"], ownNetwork: true });
    const tunnel = await openTunnel(node, "/portForward/default/server");
    const fetchPage = async (requestId: string, port: string) => {
      const headers = { port, requestid: requestId };
      const error = tunnel.open({ ...headers, streamtype: "error" });
      error.end();
      const data = tunnel.open({ ...headers, streamtype: "data" });
      data.write("GET /index.html HTTP/1.0\r\n\r\n");
      data.once("end", () => data.end());
      const [answer, problem] = await Promise.all([text(data), text(error)]);
      return { page: answer.split("\r\n\r\n")[1], problem };
    };
    const pages = await Promise.all(Array.from({ length: 30 }, (_, i) => fetchPage(String(i), "8080")));
    for (const page of pages) assert.deepEqual(page, { page: "page\n", problem: "" });
    assert.match((await fetchPage("x", "8099")).problem, /error forwarding port 8099 to pod .*connect: connection refused/);
    assert.equal((await fetchPage("y", "8080")).page, "page\n");
    tunnel.close();
  });
});
