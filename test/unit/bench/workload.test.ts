import { expect, test } from "vitest";
import { requestsOf, type Topology, type Workload, workloads } from "../../../src/cli/bench/workload.js";
import { keySlot } from "../../../src/slot.js";

const standard = workloads.filter((workload) => workload.standard);

function standardNames(topology: Topology): string[] {
	return standard.filter((workload) => workload.topology === topology).map(({ name }) => name);
}

test("a name with its topology is one workload's", () => {
	const names = workloads.map(({ topology, name }) => `${topology} ${name}`);
	expect(new Set(names).size).toBe(names.length);
});

test("the requests of a workload differ, and their keys are equally long", () => {
	for (const workload of workloads) {
		const requests = requestsOf(workload);
		const keys = requests.flatMap((request) => request.keys);
		expect(new Set(keys).size, workload.name).toBe(requests.length * workload.keys);
		expect(new Set(keys.map((key) => key.length)).size, workload.name).toBe(1);
	}
});

test("the values of a workload are as long as it says, and no two of a request are the same", () => {
	for (const workload of workloads.filter(({ keys, valueBytes }) => keys * valueBytes <= 256 * 1024)) {
		const [request] = requestsOf(workload);
		expect(request!.values.every(({ length }) => length === workload.valueBytes)).toBe(true);
		expect(new Set(request!.values.map((value) => value.toString())).size).toBe(workload.keys);
	}
});

test("tagged requests lie in one slot each, those without tags in many", () => {
	const slots = (workload: Workload): number => new Set(requestsOf(workload)[0]!.keys.map(keySlot)).size;
	for (const workload of workloads.filter(({ keys }) => keys > 1)) {
		if (workload.tagged) expect(slots(workload)).toBe(1);
		else expect(slots(workload)).toBeGreaterThan(workload.keys / 2);
	}
});

test("the standard run reads and writes on one server: small, many and large values", () => {
	expect(standardNames("standalone")).toEqual(
		expect.arrayContaining([
			"get-512B-x1",
			"get-64B-x16",
			"get-512B-x256",
			"mget-128-512B",
			"mget-128-2KiB",
			"mget-128-8KiB",
			"setMany-128-512B",
			"setMany-128-2KiB",
			"get-1MiB-x4",
			"getInto-1MiB-x4",
			"set-1MiB-x4",
		]),
	);
	expect(standard.find(({ name }) => name === "get-512B-x1")!.rounds).toBeGreaterThanOrEqual(7);
});

test("the standard run reads and writes batches on clusters of three and of six", () => {
	const batches = ["mget-128-2KiB-untagged", "mget-128-2KiB-tagged", "setMany-128-2KiB-untagged"];
	expect(standardNames("cluster-6")).toEqual(expect.arrayContaining(batches));
	const oneByOne = ["concurrent", "loop"].flatMap((call) => [`${call}-128-2KiB-untagged`, `${call}-128-2KiB-tagged`]);
	expect(standardNames("cluster-3")).toEqual(expect.arrayContaining([...batches, ...oneByOne]));
});

test("the standard run has three rows in strings and three over TLS", () => {
	expect(standard.filter(({ replies }) => replies === "strings")).toHaveLength(3);
	expect(standard.filter(({ tls }) => tls)).toHaveLength(3);
});
