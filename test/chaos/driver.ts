/** One client process of a run: does its load, follows the conductor's orders, reports what it sees. */
import { createClient } from "../../src/index.js";
import { Load } from "./load.js";
import type { DriverSetup, Order, Report } from "./messages.js";
import { breakClient } from "./sabotage.js";
import { noCounts, type Tally } from "./tally.js";
import { Watch } from "./watch.js";

const MIB = 1024 * 1024;
const setup = JSON.parse(process.argv[2]!) as DriverSetup;
const report = (message: Report): void => void process.send?.(message);

process.on("unhandledRejection", (reason) => report({ report: "wrong", what: `an unhandled rejection: ${String(reason)}` }));
// Whoever conducts is gone: there is nobody to tell.
const abandoned = (): never => process.exit(1);
process.on("disconnect", abandoned);

if (setup.sabotage !== null) breakClient(setup.sabotage);
const client = await createClient({
	url: setup.url,
	protocol: setup.protocol,
	name: `chaos-${setup.index}`,
	pool: { shared: setup.shared },
	timeouts: { commandMs: setup.deadlineMs },
});
const watch = new Watch(setup.deadlineMs, report);
const counts = noCounts();
const load = await Load.start(client, watch, setup, counts);

function tally(): Tally {
	global.gc?.();
	load.forget();
	const { heapUsed, rss } = process.memoryUsage();
	const figures: Tally = {
		calls: watch.calls,
		...counts,
		errors: { ...watch.errors },
		...watch.percentiles(),
		heapMiB: heapUsed / MIB,
		rssMiB: rss / MIB,
		sockets: process.getActiveResourcesInfo().filter((kind) => kind === "TCPSocketWrap").length,
	};
	watch.calls = 0;
	Object.assign(counts, noCounts());
	for (const code of Object.keys(watch.errors)) delete watch.errors[code];
	return figures;
}

async function follow(order: Order): Promise<{ lost?: number; tally?: Tally }> {
	switch (order.order) {
		case "expect":
			watch.expectFault(order.shards, order.mayLose);
			if (order.shards.length > 0) await load.faultExpected(order.steady);
			return {};
		case "begun":
			watch.faultBegun(order.step, order.at);
			return {};
		case "rebase": {
			let lost = 0;
			for (const { shard, lossSince, ...node } of order.nodes) {
				lost += await load.rebase(shard, node, lossSince);
				watch.faultOver(shard);
			}
			return { lost };
		}
		case "calibrate":
			watch.calibrate();
			return {};
		case "block":
			Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, order.ms);
			return {};
		case "tally":
			return { tally: tally() };
		case "finish":
			watch.stop();
			await client.close();
			await load.ended();
			return {};
	}
}

let last: Promise<unknown> = Promise.resolve();
process.on("message", (order: Order) => {
	// One after the other, in the order in which they were given.
	last = last.then(async () => {
		try {
			if (order.order === "finish") await load.stop();
			report({ report: "done", ...(await follow(order)) });
		} catch (error) {
			report({ report: "done", failed: String(error) });
		}
		if (order.order === "finish") process.off("disconnect", abandoned).disconnect();
	});
});
report({ report: "ready" });
