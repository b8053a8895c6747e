import type { TestProject } from "vitest/node";
import { findRuntime, startCluster, startStandalone } from "../../fixtures/servers.js";

declare module "vitest" {
	export interface ProvidedContext {
		/** URL of the standalone server that all test files share: use keys of your own, change no configuration. */
		standaloneUrl: string;
		/** URL of the cluster (3 primaries, 3 replicas) that all test files share: use keys of your own, move no slots. */
		clusterUrl: string;
		server: { name: string; product: "Redis" | "Valkey"; version: string; kind: "process" | "container" };
	}
}

/** Starts the shared servers once per run; only runs when a file of the project is selected. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
	const { name, product, version, kind } = await findRuntime();
	if (kind === "process") process.env.SLOTWIRE_DOCKER = "off";
	const standalone = await startStandalone();
	const cluster = await startCluster({ primaries: 3, replicas: 3 });
	project.provide("server", { name, product, version, kind });
	project.provide("standaloneUrl", standalone.url);
	project.provide("clusterUrl", cluster.url);
	return async () => {
		await Promise.all([standalone.stop(), cluster.stop()]);
	};
}
