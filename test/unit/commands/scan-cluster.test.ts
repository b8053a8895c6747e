/** The steps of a scan over a cluster that no real one takes on demand. */
import { describe, expect, test } from "vitest";
import type { Endpoint } from "../../../src/endpoint.js";
import { type ClientError, ReplyError } from "../../../src/errors.js";
import type { Command, Request } from "../../../src/request.js";
import type { Reply } from "../../../src/resp/reply.js";
import { collect } from "../../support/collect.js";
import { clientOn, FakeDispatcher } from "../../support/fake-dispatcher.js";
import { rejectionOf } from "../../support/secrets.js";

/** What each node of a cluster was sent, by its port. */
class Nodes extends FakeDispatcher {
	primaries: Endpoint[];
	readonly scans: string[] = [];
	#to = 0;

	constructor(ports: number[], say: (port: number, args: readonly string[]) => Reply) {
		super(1, 16_384, ({ args }) => say(this.#to, args as string[]));
		this.primaries = ports.map((port) => ({ host: "127.0.0.1", port }));
	}

	override endpoints(): Endpoint[] {
		return this.primaries;
	}

	override dispatchTo({ port }: Endpoint, request: Request): void {
		const [name, cursor] = request.command(0).args;
		if (name === "SCAN") this.scans.push(`${port}: ${cursor}`);
		this.#to = port;
		this.dispatch(request);
	}
}

/** A cluster of one node, which counts how often its topology was asked for. */
class OneNode extends FakeDispatcher {
	refreshes = 0;

	override refresh(): Promise<void> {
		this.refreshes += 1;
		return Promise.resolve();
	}

	override dispatchTo(_node: Endpoint, request: Request): void {
		this.dispatch(request);
	}
}

function clusterOf(say: (command: Command) => Reply | ClientError): { node: OneNode; client: ReturnType<typeof clientOn> } {
	const node = new OneNode(1, 16_384, say);
	return { node, client: clientOn(node, { url: "redis-cluster://127.0.0.1:1", retry: { baseMs: 1, maxMs: 1 } }) };
}

const nodes = (epoch: number, id = "a"): string => `${id} 127.0.0.1:1@2 myself,master - 0 0 ${epoch} connected 0-16383\n`;

describe("D50 a cluster that does not hold still", () => {
	test("a node that takes slots during each of its scans: 16 times, then CLUSTER, and a cursor", async () => {
		let epoch = 0;
		const { node, client } = clusterOf(({ args }) => (args[0] === "SCAN" ? ["0", ["k"]] : nodes(++epoch)));
		const scan = client.scan();
		const found: string[] = [];
		const failed = await rejectionOf(
			(async () => {
				for await (const key of scan) found.push(key);
			})(),
		);
		expect(failed).toMatchObject({ code: "CLUSTER" });
		expect(found).toEqual(new Array(16).fill("k"));
		// After each of them but the last.
		expect(node.refreshes).toBe(15);
		// Once it is quiet the cursor leads to the end.
		const quiet = clusterOf(({ args }) => (args[0] === "SCAN" ? ["0", ["k"]] : nodes(1000)));
		expect(await collect(quiet.client.scan({ cursor: scan.cursor }))).toEqual(["k"]);
	});

	test("a node that is no primary any more is asked nothing; its replica has a scan of its own", async () => {
		const pages: Record<string, Reply> = { "0": ["7", ["k"]], "7": ["0", ["l"]] };
		const dispatcher = new Nodes([1], (port, [name, cursor]) => {
			if (name === "SCAN") return pages[cursor!]!;
			return name === "INFO" ? "run_id:abc" : nodes(port, `node${port}`);
		});
		const found: string[] = [];
		for await (const key of clientOn(dispatcher, { url: "redis-cluster://127.0.0.1:1" }).scan()) {
			found.push(key);
			if (found.length === 1) dispatcher.primaries = [{ host: "127.0.0.1", port: 2 }];
			if (found.length === 2) break;
		}
		expect(found).toEqual(["k", "k"]);
		expect(dispatcher.scans).toEqual(["1: 0", "2: 0"]);
	});

	test("nobody serves anything: no end is made up", async () => {
		const { client } = clusterOf(() => nodes(1).replace(" 0-16383", ""));
		expect(await rejectionOf(collect(client.scan()))).toMatchObject({ code: "CLUSTER" });
	});

	test("CLUSTER NODES is refused: the client's own map has to do", async () => {
		const refusal = new ReplyError("NOPERM this user has no permissions to run the 'cluster|nodes' command");
		const { client } = clusterOf(({ args }) => (args[0] === "SCAN" ? ["0", ["k", "l"]] : refusal));
		expect(await collect(client.scan())).toEqual(["k", "l"]);
	});

	test("the cursor of another cluster is refused", async () => {
		const { client } = clusterOf(({ args }) => (args[0] === "SCAN" ? ["0", ["k", "l"]] : nodes(1)));
		const scan = client.scan();
		for await (const _ of scan.pages()) break;
		const other = clusterOf(({ args }) => (args[0] === "SCAN" ? ["0", ["k", "l"]] : nodes(1, "b")));
		const resumed = other.client.scan({ cursor: scan.cursor });
		expect(await rejectionOf(collect(resumed))).toMatchObject({ code: "INVALID_OPTION", field: "cursor" });
		expect(await collect(client.scan({ cursor: scan.cursor }))).toEqual([]);
	});
});

describe("a reply of another shape is an error of that scan alone", () => {
	const shapes: [string, Reply][] = [
		["no array", "QUEUED"],
		["three elements", ["0", [], []]],
		["a cursor that is none", ["-1", []]],
		["a cursor that is a number", [0, []]],
		["a cursor beyond 64 bits", ["9".repeat(21), []]],
		["elements that are none", ["0", "k"]],
		["null", null],
	];

	test.each(shapes)("SCAN: %s", async (_, shape) => {
		const { client } = clusterOf(({ args }) => (args[0] === "SCAN" ? shape : nodes(1)));
		expect(await rejectionOf(collect(client.scan()))).toMatchObject({ code: "PROTOCOL" });
	});

	test("CLUSTER NODES", async () => {
		const { client } = clusterOf(() => ["what", "is", "this"]);
		expect(await rejectionOf(collect(client.scan()))).toMatchObject({ code: "PROTOCOL" });
	});

	test.each<[string, Reply]>([
		["HSCAN", ["f"]],
		["ZSCAN", ["m"]],
		["ZSCAN", ["m", "high"]],
		["ZSCAN", ["m", ""]],
		["ZSCAN", ["m", null]],
	])("%s of %j; what was read before stands, and the page comes again", async (name, items) => {
		const page: Reply = ["0", items];
		const { client } = clusterOf(() => page);
		const scan = name === "HSCAN" ? client.hscan("k") : client.zscan("k");
		const before = scan.cursor;
		expect(await rejectionOf(collect<unknown>(scan))).toMatchObject({ code: "PROTOCOL" });
		expect(scan.cursor).toBe(before);
	});

	test("scores as doubles, in any spelling of infinity", async () => {
		const { client } = clusterOf(() => ["0", ["a", 1.5, "b", "Infinity", "c", "-inf", "d", "1e3"]]);
		expect(await collect(client.zscan("k"))).toEqual([
			["a", 1.5],
			["b", Number.POSITIVE_INFINITY],
			["c", Number.NEGATIVE_INFINITY],
			["d", 1000],
		]);
	});
});
