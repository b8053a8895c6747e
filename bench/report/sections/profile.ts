/** Where the time of a request goes, step by step. */
import { formatCount } from "../../../src/cli/bench/table.js";
import { type Workload, workloads } from "../../../src/cli/bench/workload.js";
import { steps } from "../../profile/steps.js";
import type { ProfileRow } from "../../profile.js";
import { table } from "../markdown.js";
import { describe, topologyTitles } from "../naming.js";

export function profileSection(rows: readonly ProfileRow[]): string {
	const lines = rows.map(({ topology, workload, client, steps: times }) => {
		const known = workloads.find((it) => it.topology === topology && it.name === workload) as Workload;
		return [
			`${describe(known)}, ${topologyTitles[known.topology].toLowerCase()}`,
			client,
			...steps.map((step) => formatCount(times[step])),
		];
	});
	return `## Where the time goes

From \`bench/profile.json\` (\`npm run bench:profile\`): microseconds of a request, from \`node --cpu-prof\`, by the step of the hot path that spent them. A profile measures time, not CPU: "waiting" is for the server, and the system call in "flush" holds what the kernel does for both sides of a loopback connection, and what the server does where it is let on first. Profiling itself slows everything down.

${table(["workload", "client", ...steps], lines, 2)}`;
}
