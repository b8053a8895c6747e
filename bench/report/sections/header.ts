/** What was measured, on what, and how. */
import { adapters } from "../../../src/cli/bench/adapter.js";
import { isMeasured, type Machine, type Results } from "../../../src/cli/bench/results.js";
import { table } from "../markdown.js";
import { peers } from "../rivals.js";

export function headerSection(results: Results): string {
	const { node, server } = results.machine;
	return `# Results of the benchmark

Generated from \`bench/results.json\` by \`npm run bench\`, which writes that file too (\`npm run bench:report\` writes this page alone): it holds the raw figures of every round. Not edited by hand.

${table(
	["", ""],
	[
		["date", results.date],
		["machine", machineText(results.machine)],
		["server", server],
		["Node", node],
		...clientLines(results),
	],
	2,
)}
## How it was measured
- Real servers on the machine of the clients, which share its cores with them; TCP over loopback. A process of its own for each client and workload.
- First a check: what is read or stored is compared with what it should be, and the server's counters with the number of keys. Then a warm-up, then ${roundsOf(results)} of ${results.roundMs} ms. Rounds are interleaved: all clients in turn, each time beginning with the next one, so that a slow moment of the machine falls on all of them.
- Figures are medians of the rounds; peak RSS is the highest. CPU is user and system time of the client's process for a request, all threads together, without the server's.
- \`floor\` is no client but what \`node:net\` allows: requests encoded beforehand, a reader that only counts bytes, and one promise a request. It reads by the \`data\` event, for which Node allocates each chunk anew, as for nearly every client; \`floor-onread\` reads into one buffer over and over, which nobody can who hands out what was read. Neither runs on clusters.
- The best peer of a cell is the client with the most requests a second there, out of ${listOf(peers)}. Neither the floor nor Bun's client, which needs another runtime, is a peer.
- \`getInto\` has no counterpart: in its cell the others read by their plain GET. ioredis and iovalkey have no call for keys of several slots: there they read and write them one by one, at once. Bun's call for many keys returns text where the others return Buffers. Peak RSS includes the benchmark itself, the same for everybody.
- In the tables of cells, "slotwire is" says how many times as fast slotwire was: the median of the ratios within the rounds. "commands" are those the server counted for a request, "flights" the client's writes to sockets for it, "?" where they are not made by \`node:net\`. A dash: the client has no call for this.
`;
}

export function machineText({ cpu, cores, memoryGiB, system }: Machine): string {
	return `${cpu}, ${cores} cores, ${memoryGiB} GiB, ${system}`;
}

/** Several versions where an older run was continued. */
function clientLines({ cells }: Results): string[][] {
	return adapters
		.filter(({ floor }) => !floor)
		.map(({ name, peer }) => {
			const outcomes = cells.map(({ outcomes }) => outcomes[name]).filter(isMeasured);
			const versions = [...new Set(outcomes.map(({ version }) => version))].join(", ") || "not measured";
			return [name, peer === null || peer === name ? versions : `${versions} (${peer})`];
		});
}

function roundsOf({ cells }: Results): string {
	const counts = cells.flatMap(({ outcomes }) =>
		Object.values(outcomes)
			.filter(isMeasured)
			.map(({ rounds }) => rounds.length),
	);
	const least = Math.min(...counts);
	const most = Math.max(...counts);
	if (counts.length === 0) return "rounds";
	return least === most ? `${least} ${least === 1 ? "round" : "rounds"}` : `${least} to ${most} rounds`;
}

function listOf(names: readonly string[]): string {
	return `${names.slice(0, -1).join(", ")} and ${names.at(-1)}`;
}
