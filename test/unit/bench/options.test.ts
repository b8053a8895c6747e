/** What `slotwire bench` says before it starts anything. */
import { expect, test } from "vitest";
import { type BenchHost, runBench } from "../../../src/cli/bench/bench.js";
import { workloads } from "../../../src/cli/bench/workload.js";

/** Starts no server: whoever asks for one has gone too far. */
function hostWithoutServers(): BenchHost & { printed: string } {
	const host = {
		printed: "",
		findRuntime: () => Promise.reject(new Error("a server was asked for")),
		print: (text: string) => {
			host.printed += text;
		},
		note: () => {},
	};
	return host;
}

test.each([
	[["--rounds", "0"], "--rounds must be an integer from 1"],
	[["--rounds", "1.5"], "--rounds must be an integer from 1"],
	[["--rounds", "many"], "--rounds must be an integer from 1"],
	[["--round-ms=-5"], "--round-ms must be an integer from 1"],
	[["--round-ms", ""], "--round-ms must be an integer from 1"],
	[["--client", "nobody"], "nobody is no client of this benchmark; slotwire bench --help names them"],
	[["--workload", "nothing"], "no workload here is named so; slotwire bench --list shows them"],
	[["--topology", "cluster-9"], "no workload here is named so; slotwire bench --list shows them"],
	[["--nonsense"], "Unknown option '--nonsense'"],
	[["--rounds=2", "more"], "Unexpected argument 'more'"],
])("%j is refused before a server is started", async (args, message) => {
	await expect(runBench(args, hostWithoutServers())).rejects.toThrow(message);
});

test("--help explains each option, and names each client", async () => {
	const host = hostWithoutServers();
	expect(await runBench(["--help", "--rounds", "0"], host)).toBe(undefined);
	for (const word of [
		"--quick",
		"--client",
		"--workload",
		"--topology",
		"--rounds",
		"--round-ms",
		"--out",
		"--fresh",
		"--json",
		"--list",
	])
		expect(host.printed).toContain(`  ${word} `);
	for (const client of ["slotwire", "floor", "floor-onread", "ioredis", "ioredis-auto", "node-redis", "glide", "iovalkey", "bun"])
		expect(host.printed).toContain(client);
});

test("--list prints what would be measured: the standard run, or what the filters leave", async () => {
	const list = async (...args: string[]): Promise<string[]> => {
		const host = { ...hostWithoutServers(), makeCertificates: () => Promise.reject(new Error("not needed")) };
		let printed = "";
		await runBench(["--list", ...args], { ...host, print: (text) => (printed += text) });
		return printed.trimEnd().split("\n");
	};
	const lines = (some: typeof workloads): string[] => some.map(({ topology, name }) => `${topology} ${name}`);
	expect(await list()).toEqual(lines(workloads.filter(({ standard }) => standard)));
	expect(await list("--quick")).toEqual(lines(workloads.filter(({ quick }) => quick)));
	expect(await list("--workload", "mget-32-512B", "--topology", "standalone")).toEqual([
		"standalone mget-32-512B",
		"standalone mget-32-512B-strings",
	]);
	expect(await list("--workload", "loop", "--topology", "cluster-6", "--workload", "set-64KiB")).toEqual(
		lines(workloads.filter(({ call, topology }) => call === "loop" && topology === "cluster-6")),
	);
});

test("workloads over TLS are left out where nobody makes certificates", async () => {
	const host = hostWithoutServers();
	await runBench(["--list"], host);
	expect(host.printed).not.toContain("tls");
});
