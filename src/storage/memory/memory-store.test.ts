import { testStoreContract } from "../testing/contract.ts";
import { createMemoryStore } from "./memory-store.ts";

testStoreContract({ name: "memory store", open: async () => createMemoryStore() });
