/**
 * Tables of typed commands. Every call of them is made in every way there is: on both topologies, in both protocols, in both views, on the
 * client, in a pipeline and in a transaction.
 */
import { isDeepStrictEqual } from "node:util";
import { afterAll, beforeAll, expect, inject, test } from "vitest";
import type { Commands } from "../../src/commands/commands.js";
import type { Surface } from "../../src/commands/surface.js";
import { type Client, createClient, type Value } from "../../src/index.js";

interface Anything extends Surface {
	readonly result: unknown;
}

/** What a client, a pipeline and a transaction have in common. */
export type Typed = Commands<string, Anything>;

/** A key that no other row or sequence has; all of one have the same slot. */
export type KeyOf = (name: string) => string;

/** What text becomes in the view: itself, or a Buffer. */
export type Bulk = (text: string) => string;

export type Call = (on: Typed, key: KeyOf) => unknown;

type Topology = "standalone" | "cluster";

/** A call and its reply. */
export interface Step {
	call: Call;
	/** Exactly; an error may be one too: `failure("WRONGTYPE")`. */
	expected: string | number | bigint | object | null | ((bulk: Bulk, key: KeyOf) => unknown);
}

export interface CommandRow extends Step {
	/** Begins with the method's name. */
	title: string;
	/** Commands that are executed before. */
	before?: (key: KeyOf) => Value[][];
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
	/** What is wrong; without it the title is the call itself. */
	title?: string;
	call: Call;
	/** Its code, and which argument or option. */
	error: object;
	on?: Topology;
}

export interface Tables {
	/** Calls of their own, a test for each. */
	rows?: readonly CommandRow[];
	/** By title, calls that build on each other. Gathered, those of a sequence are in one pipeline, and in one transaction. */
	sequences?: Readonly<Record<string, readonly Step[]>>;
	/** The client rejects, pipelines and transactions throw at once, and nothing is sent. */
	refused?: readonly RefusedRow[];
}

interface Gathering extends Typed {
	readonly length: number;
	exec(): Promise<unknown[]>;
}

const gatherings = ["pipeline", "multi"] as const;

class Place {
	readonly topology: Topology;
	readonly protocol: 2 | 3;
	client!: Client;

	constructor(topology: Topology, protocol: 2 | 3) {
		this.topology = topology;
		this.protocol = protocol;
	}

	toString(): string {
		return `${this.topology} under RESP${this.protocol}`;
	}
}

/** How a call is made in a place. */
interface Way {
	place: Place;
	view: "strings" | "buffers";
	via: "call" | (typeof gatherings)[number];
}

/** Registers the tests of some tables, on servers that all files share, or on the file's own. */
export function testCommands({ rows = [], sequences = {}, refused = [] }: Tables, urls = sharedUrls): void {
	const places = (["standalone", "cluster"] as const).flatMap((topology) => [new Place(topology, 2), new Place(topology, 3)]);
	beforeAll(async () => {
		// Nothing of the client's own is among the commands that are counted.
		const quiet = { pool: { pingMs: 0 }, cluster: { refreshMs: 0 } };
		for (const place of places) {
			place.client = await createClient({ ...quiet, url: urls()[place.topology], protocol: place.protocol });
		}
	});
	afterAll(() => Promise.all(places.map(({ client }) => client?.close())));

	test.each(rows.map((row) => [row.title, row] as const))("A31 %s: the same in every way there is", async (_, row) => {
		for (const way of waysIn(places)) await runRow(row, way);
	});
	for (const [title, steps] of Object.entries(sequences)) {
		test.each(
			places.map((place) => [`${place}`, place] as const),
		)(`A31 ${title}: the same in every way, %s`, async (_, place) => {
			for (const way of waysIn([place])) await runSteps(steps, way, newKeys());
		});
	}
	const titled = refused.map((row) => [row.title ?? `${row.call}`.replace(/\s+/g, " "), row] as const);
	test.each(titled)("B05 refused before a byte is sent: %s", async (_, { call, error, on }) => {
		for (const { client, topology } of places) if (on === undefined || on === topology) await expectRefusal(call, error, client);
	});
}

function sharedUrls(): Record<Topology, string> {
	return { standalone: inject("standaloneUrl"), cluster: inject("clusterUrl") };
}

function* waysIn(places: readonly Place[]): Generator<Way> {
	for (const place of places) {
		for (const view of ["strings", "buffers"] as const) {
			for (const via of ["call", ...gatherings] as const) yield { place, view, via };
		}
	}
}

let made = 0;

function newKeys(): KeyOf {
	const slot = `{typed:${process.pid}:${made++}}`;
	return (name) => `${slot}:${name}`;
}

async function runRow(row: CommandRow, way: Way): Promise<void> {
	const { topology, client } = way.place;
	if (row.on !== undefined && row.on !== topology) return;
	const key = newKeys();
	const inText = way.via === "multi" && way.view === "strings" && row.bytes;
	if (inText || (way.via !== "call" && row.severalNodes && topology === "cluster")) {
		expect(() => row.call(commandsOf(way), key), nameOf(way)).toThrow(expect.objectContaining({ code: "UNSUPPORTED" }));
		return;
	}
	for (const words of row.before?.(key) ?? []) await send(client, words);
	await runSteps([row], way, key);
	for (const [words, reply] of row.after?.(key) ?? []) {
		expect(await send(client, words), `${words.join(" ")} after ${nameOf(way)}`).toStrictEqual(reply);
	}
}

async function runSteps(steps: readonly Step[], way: Way, key: KeyOf): Promise<void> {
	const bulk: Bulk = (text) => (way.view === "strings" ? text : (Buffer.from(text) as never));
	const replies = await repliesTo(steps, commandsOf(way), key);
	expect(replies).toHaveLength(steps.length);
	for (const [i, { call, expected }] of steps.entries()) {
		const reply = typeof expected === "function" ? expected(bulk, key) : expected;
		// What vitest makes of a field `__proto__` is not its value.
		if (isDeepStrictEqual(replies[i], reply)) continue;
		expect(replies[i], `${call}, ${nameOf(way)}`).toStrictEqual(reply);
	}
}

async function repliesTo(steps: readonly Step[], on: Typed | Gathering, key: KeyOf): Promise<unknown[]> {
	const replies: unknown[] = [];
	for (const { call } of steps) {
		const given = call(on, key);
		if (given instanceof Promise) replies.push(await given.catch((error: unknown) => error));
	}
	return "exec" in on ? await on.exec() : replies;
}

async function expectRefusal(call: Call, error: object, client: Client): Promise<void> {
	const key: KeyOf = (name) => `{typed:refused}:${name}`;
	const before = client.stats().commands;
	for (const view of [client, client.buffers]) {
		await expect(call(view as unknown as Typed, key)).rejects.toMatchObject(error);
		for (const via of gatherings) {
			const commands = view[via]() as unknown as Gathering;
			expect(() => call(commands, key), via).toThrow(expect.objectContaining(error));
			expect(commands.length).toBe(0);
		}
	}
	expect(client.stats().commands).toBe(before);
}

function commandsOf({ place, view, via }: Way): Typed | Gathering {
	const own = view === "strings" ? place.client : place.client.buffers;
	return (via === "call" ? own : own[via]()) as unknown as Typed;
}

function nameOf({ place, view, via }: Way): string {
	return `${via} on ${place}, ${view}`;
}

function send(client: Client, words: readonly Value[]): Promise<unknown> {
	const [name, ...args] = words;
	return client.command(name as string, ...args);
}

/** What a failed command gave, in place of its reply. */
export function failure(code: string): object {
	return expect.objectContaining({ code });
}

/** What refuses an argument, by its index among the words. */
export function argument(index: number): object {
	return { code: "INVALID_ARGUMENT", index };
}

/** What refuses an option, by its field. */
export function option(field: string): object {
	return { code: "INVALID_OPTION", field };
}

export const crossSlot: object = { code: "CROSSSLOT" };

/** A value that the types forbid. */
export function never(value: unknown): never {
	return value as never;
}

/** A list of the same items, in whatever order. */
export function inAnyOrder(items: readonly unknown[]): object {
	return expect.toSatisfy((got: unknown) => {
		const left = [...items];
		if (!Array.isArray(got) || got.length !== left.length) return false;
		return got.every((one) => {
			const at = left.findIndex((item) => isDeepStrictEqual(item, one));
			return at !== -1 && left.splice(at, 1).length === 1;
		});
	}, "a list in any order");
}

/** One of some items; with `count` a list of so many, of which some may be the same. */
export function someOf(items: readonly unknown[], count?: number): object {
	const known = (one: unknown): boolean => items.some((item) => isDeepStrictEqual(item, one));
	return expect.toSatisfy(
		(got: unknown) => (count === undefined ? known(got) : Array.isArray(got) && got.length === count && got.every(known)),
		"some of the items",
	);
}

/** A record without a prototype. */
export function record(entries: readonly (readonly [string, unknown])[]): object {
	const result: Record<string, unknown> = Object.create(null);
	for (const [field, value] of entries) result[field] = value;
	return result;
}
