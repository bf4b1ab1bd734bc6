export { testPki } from "#test/pki/test-pki.ts";
