import { startTestCluster } from "./support/cluster.ts";
import { walkthrough } from "./support/walkthrough.ts";

walkthrough(() => startTestCluster());
