import assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import { after, before, test } from "node:test";

import { eventually } from "#test/e2e/support/eventually.ts";
import { type ControlPlane, startControlPlane } from "#test/golden-controllers/control-plane.ts";
import { type TestRequest, testRequest } from "#test/pki/test-request.ts";

import { KubectlUser } from "./kubectl-user.ts";

let plane: ControlPlane;
let admin: KubectlUser;

before(async () => {
  plane = await startControlPlane();
  admin = new KubectlUser(plane, 35, "default");
});
after(async () => {
  admin?.close();
  await plane?.close();
});

async function done(...words: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await admin.run(words);
  assert.equal(code, 0, `kubectl ${words.join(" ")}\n${stderr}`);
  return stdout;
}

/** Asks for a certificate. */
async function ask(name: string, about: TestRequest, spec: object): Promise<{ readonly key: string }> {
  const { request, key } = await testRequest(about);
  const object = { apiVersion: "certificates.k8s.io/v1", kind: "CertificateSigningRequest", metadata: { name }, spec: { request, ...spec } };
  const { code, stderr } = await admin.run(["create", "-f", "-"], { input: JSON.stringify(object) });
  assert.equal(code, 0, stderr);
  return { key };
}

function certificateOf(name: string): Promise<X509Certificate> {
  return eventually(async () => {
    const text = await done("get", "csr", name, "-o", "jsonpath={.status.certificate}");
    assert.notEqual(text, "");
    return new X509Certificate(Buffer.from(text, "base64"));
  });
}

const conditionsOf = (name: string) => done("get", "csr", name, "--no-headers").then((line) => line.trim().split(/\s+/).at(-1));

const RSA = { name: "RSASSA-PKCS1-v1_5", hash: "SHA-256", modulusLength: 2048, publicExponent: new Uint8Array([1, 0, 1]) };

for (const { kind, algorithm } of [{ kind: "ECDSA" }, { kind: "RSA", algorithm: RSA }]) {
  test(`a user whose request with an ${kind} key was approved is known by the certificate`, async () => {
    const name = `jane-${kind.toLowerCase()}`;
    const usages = ["digital signature", "client auth"];
    const about = { subject: `O=devs,O=ops,CN=${name}`, ...(algorithm !== undefined && { algorithm }) };
    const { key } = await ask(name, about, { signerName: "kubernetes.io/kube-apiserver-client", usages, expirationSeconds: 7200 });
    assert.equal(await conditionsOf(name), "Pending");
    await done("certificate", "approve", name);
    const certificate = await certificateOf(name);
    assert.equal(await conditionsOf(name), "Approved,Issued");
    const seconds = (certificate.validToDate.getTime() - certificate.validFromDate.getTime()) / 1000;
    assert.deepEqual([certificate.ca, certificate.keyUsage, seconds], [false, ["1.3.6.1.5.5.7.3.2"], 7500]);
    admin.write("tls.crt", certificate.toString());
    admin.write("tls.key", key);
    admin.write("ca.crt", plane.ca);
    const as = ["--kubeconfig=/dev/null", `--server=${plane.url}`, "--certificate-authority=ca.crt", "--client-certificate=tls.crt", "--client-key=tls.key"];
    const said = JSON.parse(await done("auth", "whoami", "-o", "json", ...as)) as { status: { userInfo: { username: string; groups: string[] } } };
    assert.deepEqual([said.status.userInfo.username, said.status.userInfo.groups], [name, ["devs", "ops", "system:authenticated"]]);
  });
}

test("a denied request gets no certificate", async () => {
  await ask("no", { subject: "CN=no" }, { signerName: "kubernetes.io/kube-apiserver-client", usages: ["client auth"] });
  await done("certificate", "deny", "no");
  assert.equal(await conditionsOf("no"), "Denied");
});

test("a request that its signer does not certify fails, and says why", async () => {
  await ask("odd", { subject: "CN=odd" }, { signerName: "kubernetes.io/kubelet-serving", usages: ["server auth"] });
  await done("certificate", "approve", "odd");
  await eventually(async () => assert.equal(await conditionsOf("odd"), "Approved,Failed"));
  assert.match(await done("get", "csr", "odd", "-o", "yaml"), /message: subject organization is not system:nodes\n.*reason: SignerValidationFailure/s);
});

test("a kubelet's serving certificate has the names that were asked for", async () => {
  const names = [
    { type: "dns", value: "n1" },
    { type: "ip", value: "10.0.0.1" },
  ] as const;
  const about = { subject: "O=system:nodes,CN=system:node:n1", names };
  await ask("serving", about, { signerName: "kubernetes.io/kubelet-serving", usages: ["digital signature", "server auth"] });
  await done("certificate", "approve", "serving");
  const certificate = await certificateOf("serving");
  assert.deepEqual([certificate.subjectAltName, certificate.keyUsage], ["DNS:n1, IP Address:10.0.0.1", ["1.3.6.1.5.5.7.3.1"]]);
  assert.ok(certificate.verify(new X509Certificate(plane.ca).publicKey));
});

test("a node's request is approved without a person once the node may have that", async () => {
  const spec = { signerName: "kubernetes.io/kube-apiserver-client-kubelet", usages: ["digital signature", "client auth"] };
  const about = { subject: "O=system:nodes,CN=system:node:n1" };
  await done("create", "clusterrolebinding", "nodes", "--clusterrole=system:certificates.k8s.io:certificatesigningrequests:nodeclient", "--group=askers");
  await done("create", "clusterrole", "ask", "--verb=create", "--resource=certificatesigningrequests");
  await done("create", "clusterrolebinding", "ask", "--clusterrole=ask", "--group=askers");
  const { request } = await testRequest(about);
  const object = { apiVersion: "certificates.k8s.io/v1", kind: "CertificateSigningRequest", metadata: { name: "node" }, spec: { request, ...spec } };
  const { code, stderr } = await admin.run(["create", "-f", "-", "--as=new-node", "--as-group=askers"], { input: JSON.stringify(object) });
  assert.equal(code, 0, stderr);
  assert.match((await certificateOf("node")).subject, /CN=system:node:n1/);
  assert.match(
    await done("get", "csr", "node", "-o", "yaml"),
    /message: Auto approving kubelet client certificate after SubjectAccessReview.\n.*reason: AutoApproved/s,
  );
});
