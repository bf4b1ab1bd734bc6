export { startTestServer, type TestServer } from "#test/api-server/test-server.ts";
