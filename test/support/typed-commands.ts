/** Rows of typed commands: one body for both topologies, both protocols, both views, and for all that takes commands. */
import { afterAll, beforeAll, expect, inject, test } from "vitest";
import type { Commands } from "../../src/commands/commands.js";
import type { Surface } from "../../src/commands/surface.js";
import { type Client, createClient, type Value } from "../../src/index.js";

interface Anything extends Surface {
	readonly result: unknown;
}

/** What a client, a pipeline and a transaction have in common. */
export type Typed = Commands<string, Anything>;

/** A key of the row's own; all of them are of one slot. */
export type KeyOf = (name: string) => string;

/** What text becomes in the view: itself, or a Buffer. */
export type Bulk = (text: string) => string;

type Topology = "standalone" | "cluster";

export interface CommandRow {
	/** Begins with the method's name. */
	title: string;
	/** Commands that are executed before. */
	before?: (key: KeyOf) => Value[][];
	call: (commands: Typed, key: KeyOf) => unknown;
	/** The reply, exactly; an error may be one too: `failure("WRONGTYPE")`. */
	expected: unknown | ((bulk: Bulk, key: KeyOf) => unknown);
	/** Commands that are executed afterwards, with their replies as strings. */
	after?: (key: KeyOf) => [words: Value[], reply: unknown][];
	/** The only topology it makes sense on. */
	on?: Topology;
	/** On a cluster it goes to several nodes: pipelines and transactions refuse it there. */
	severalNodes?: boolean;
	/** Its reply is bytes in both views: transactions, whose replies are read in one way, refuse it in that of strings. */
	bytes?: boolean;
}

export interface RefusedRow {
	title: string;
	call: (commands: Typed, key: KeyOf) => unknown;
	/** Its code, and which argument or option. */
	error: object;
	on?: Topology;
}

export interface Urls {
	standalone: string;
	cluster: string;
}

interface Gathering extends Typed {
	readonly length: number;
	exec(): Promise<unknown[]>;
}

interface Place {
	topology: Topology;
	protocol: 2 | 3;
	client: Client;
}

/** What a failed command gave: in place of its reply. */
export function failure(code: string): unknown {
	return expect.objectContaining({ code });
}

const gatherings = ["pipeline", "multi"] as const;
let made = 0;

/** Registers a test for each row. */
export function testCommands(rows: readonly CommandRow[], refused: readonly RefusedRow[], urls: () => Urls = shared): void {
	const places = openClients(urls);
	test.each(rows.map((row) => [row.title, row] as const))("A31 %s: the same in every way there is", async (_, row) => {
		for (const place of places) {
			if (row.on !== undefined && row.on !== place.topology) continue;
			for (const view of ["strings", "buffers"] as const) {
				for (const via of ["call", ...gatherings] as const) await runRow(row, place, view, via);
			}
		}
	});
	test.each(refused.map((row) => [row.title, row] as const))("refused before a byte is sent: %s", async (_, row) => {
		for (const { topology, client } of places) {
			if (row.on === undefined || row.on === topology) await runRefused(row, client);
		}
	});
}

function shared(): Urls {
	return { standalone: inject("standaloneUrl"), cluster: inject("clusterUrl") };
}

function openClients(urls: () => Urls): Place[] {
	const places: Place[] = [];
	beforeAll(async () => {
		const { standalone, cluster } = urls();
		for (const protocol of [2, 3] as const) {
			// Nothing of the client's own is among the commands that are counted.
			const options = { protocol, pool: { pingMs: 0 }, cluster: { refreshMs: 0 } };
			places.push({ topology: "standalone", protocol, client: await createClient({ ...options, url: standalone }) });
			places.push({ topology: "cluster", protocol, client: await createClient({ ...options, url: cluster }) });
		}
	});
	afterAll(() => Promise.all(places.map(({ client }) => client.close())));
	return places;
}

async function runRow(
	row: CommandRow,
	place: Place,
	view: "strings" | "buffers",
	via: "call" | (typeof gatherings)[number],
): Promise<void> {
	const { topology, protocol, client } = place;
	const where = `${via} on ${topology}, RESP${protocol}, ${view}`;
	made += 1;
	const key: KeyOf = (name) => `{typed:${process.pid}:${made}}:${name}`;
	const own = view === "strings" ? client : client.buffers;
	const commands = via === "call" ? own : gather(own, via);
	if (commands === null) return;
	const inText = via === "multi" && view === "strings" && row.bytes;
	if (inText || (via !== "call" && row.severalNodes && topology === "cluster")) {
		expect(() => row.call(commands as Typed, key), where).toThrow(expect.objectContaining({ code: "UNSUPPORTED" }));
		return;
	}
	for (const words of row.before?.(key) ?? []) await send(client, words);
	const { expected } = row;
	const bulk: Bulk = (text) => (view === "strings" ? text : (Buffer.from(text) as never));
	expect(await outcomeOf(row, commands as Typed, key), where).toStrictEqual(
		typeof expected === "function" ? expected(bulk, key) : expected,
	);
	for (const [words, reply] of row.after?.(key) ?? []) {
		expect(await send(client, words), `${words.join(" ")} after ${where}`).toStrictEqual(reply);
	}
}

async function outcomeOf(row: CommandRow, commands: Typed, key: KeyOf): Promise<unknown> {
	const given = row.call(commands, key);
	if (given instanceof Promise) return await given.catch((error: unknown) => error);
	const replies = await (given as Gathering).exec();
	expect(replies).toHaveLength(1);
	return replies[0];
}

async function runRefused(row: RefusedRow, client: Client): Promise<void> {
	const key: KeyOf = (name) => `{typed:refused}:${name}`;
	const before = client.stats().commands;
	for (const view of [client, client.buffers]) {
		await expect(row.call(view as unknown as Typed, key)).rejects.toMatchObject(row.error);
		for (const via of gatherings) {
			const commands = gather(view, via);
			if (commands === null) continue;
			expect(() => row.call(commands, key), via).toThrow(expect.objectContaining(row.error));
			expect(commands.length).toBe(0);
		}
	}
	expect(client.stats().commands).toBe(before);
}

/** A pipeline or a transaction; null while there are none. */
function gather(client: unknown, via: (typeof gatherings)[number]): Gathering | null {
	const make = (client as Record<string, (() => Gathering) | undefined>)[via];
	return make === undefined ? null : make.call(client);
}

function send(client: Client, words: readonly Value[]): Promise<unknown> {
	const [name, ...args] = words;
	return client.command(name as string, ...args);
}
