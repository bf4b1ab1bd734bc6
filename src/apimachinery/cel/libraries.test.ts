import assert from "node:assert/strict";
import { test } from "node:test";
import { compile } from "#lib/cel/compile.ts";
import { extend } from "#lib/cel/environment.ts";
import { testCases } from "#lib/cel/testing/cases.ts";
import { Failure, type Value } from "#lib/cel/values.ts";
import { type AskAuthorizer, AUTHORIZER, type AuthorizationQuestion, authorizerValue, RESOURCE_CHECK, requestResourceValue } from "./authorizer.ts";
import { KUBERNETES } from "./environment.ts";

testCases(new URL("cases/libraries.json", import.meta.url), KUBERNETES);
testCases(new URL("cases/random.json", import.meta.url), KUBERNETES);

const asked: AuthorizationQuestion[] = [];
const ask: AskAuthorizer = (question) => {
  asked.push(question);
  return question.verb === "fail" ? { allowed: false, reason: "", error: "broken" } : { allowed: question.verb === "get", reason: `for ${question.verb}` };
};

function evaluate(expression: string): { readonly value: Value; readonly cost: number } {
  const environment = extend(KUBERNETES, { variables: { authorizer: AUTHORIZER, "authorizer.requestResource": RESOURCE_CHECK } });
  const compiled = compile(expression, environment);
  if (compiled.kind !== "compiled") throw new Error(compiled.message);
  const variables = { authorizer: authorizerValue(ask), "authorizer.requestResource": requestResourceValue(ask, { group: "apps", resource: "deployments" }) };
  return compiled.program.evaluate(variables);
}

for (const { expression, value, question } of [
  { expression: "authorizer.path('/healthz').check('get').allowed()", value: true, question: { path: "/healthz", verb: "get" } },
  {
    expression: "authorizer.group('apps').resource('deployments').subresource('scale').namespace('a').name('b').check('update').allowed()",
    value: false,
    question: { group: "apps", resource: "deployments", subresource: "scale", namespace: "a", name: "b", verb: "update", path: undefined },
  },
  {
    expression: "authorizer.serviceAccount('ns', 'sa').group('').resource('pods').fieldSelector('a=b').labelSelector('c=d').check('get').reason()",
    value: "for get",
    question: { serviceAccount: { namespace: "ns", name: "sa" }, fieldSelector: "a=b", labelSelector: "c=d" },
  },
  { expression: "authorizer.requestResource.check('get').allowed()", value: true, question: { group: "apps", resource: "deployments" } },
  { expression: "authorizer.path('/a').check('fail').errored()", value: true, question: { verb: "fail" } },
  { expression: "authorizer.path('/a').check('fail').error()", value: "broken", question: { verb: "fail" } },
]) {
  test(`evaluate() asks the authorizer: ${expression}`, () => {
    asked.length = 0;
    const { value: found, cost } = evaluate(expression);
    assert.equal(found, value);
    assert.equal(asked.length, 1);
    assert.deepEqual({ ...asked[0], ...question }, asked[0]);
    assert.ok(cost >= 350_000);
  });
}

for (const { expression, message } of [
  { expression: "authorizer.path(' ').check('get').allowed()", message: "path must not be empty" },
  { expression: "authorizer.group('').resource('').check('get').allowed()", message: "resource must not be empty" },
  { expression: "authorizer.serviceAccount('ns', 'A').path('/').check('get').allowed()", message: "Invalid service account name" },
  { expression: "authorizer.serviceAccount('n.s', 'a').path('/').check('get').allowed()", message: "Invalid service account namespace" },
]) {
  test(`evaluate() refuses what cannot be asked: ${expression}`, () => {
    const { value } = evaluate(expression);
    assert.equal(value instanceof Failure && value.message, message);
  });
}
