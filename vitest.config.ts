import { defineConfig } from "vitest/config";

const common = {
	pool: "forks",
	environment: "node",
	setupFiles: "test/support/no-leaks.ts",
} as const;

export default defineConfig({
	test: {
		// Servers take their share of the cores.
		maxWorkers: 2,
		reporters: ["default"],
		projects: [
			{ test: { ...common, name: "unit", include: ["test/unit/**/*.test.ts"], testTimeout: 10_000, hookTimeout: 10_000 } },
			{
				test: {
					...common,
					name: "servers",
					include: ["test/{conformance,cluster,fault}/**/*.test.ts"],
					globalSetup: "test/support/global-servers.ts",
					testTimeout: 30_000,
					hookTimeout: 60_000,
				},
			},
			{
				test: {
					...common,
					name: "long",
					include: ["test/{chaos,fuzz}/**/*.test.ts"],
					// After all others and alone: a run that judges how late calls are needs the machine for itself.
					sequence: { groupOrder: 1 },
					maxWorkers: 1,
					fileParallelism: false,
					testTimeout: 120_000,
					hookTimeout: 120_000,
				},
			},
		],
	},
});
