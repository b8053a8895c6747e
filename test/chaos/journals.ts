/** Streams: one in each shard that this client alone adds to, and consumes as the only one of a group. */
import { setTimeout as sleep } from "node:timers/promises";
import type { RawConnection, RawReply } from "../../src/cli/servers/raw-connection.js";
import { type Client, ClientError, type ConsumedEntry, type StreamConsumer } from "../../src/index.js";
import type { Random } from "../support/random.js";
import { type Entry, Journal } from "./journal.js";
import { clock } from "./messages.js";
import type { Baseline, LossSince } from "./register.js";
import { streamsOf } from "./shards.js";
import type { Counts } from "./tally.js";
import type { Watch } from "./watch.js";

const SIZES = [64, 256, 512] as const;
const GROUP = "chaos";
/** So many entries a stream keeps about: more than come between two baselines. */
const KEPT = 1000;
/** Between an entry and its acknowledgement. */
const WORK_MS = 200;
/** At a new baseline, what was not consumed by then never will be, */
const CONSUMED_MS = 15_000;
/** and until then it is looked for so often. */
const EVERY_MS = 50;

interface Stream {
	journal: Journal;
	consumer: StreamConsumer;
	reading: Promise<void>;
}

export class Journals {
	readonly #client: Client;
	readonly #watch: Watch;
	readonly #random: Random;
	readonly #counts: Counts;
	readonly #streams: readonly Stream[];
	#stopped = false;

	constructor(client: Client, watch: Watch, random: Random, counts: Counts, index: number) {
		this.#client = client;
		this.#watch = watch;
		this.#random = random;
		this.#counts = counts;
		this.#streams = streamsOf(index).map((key, shard) => {
			const consumer = client.streamConsumer({
				key,
				group: GROUP,
				consumer: `chaos-${index}`,
				createGroup: { id: "0" },
				count: 20,
				maxUnacked: 200,
				minIdleMs: 5000,
			});
			const journal = new Journal(key);
			return { journal, consumer, reading: this.#read(shard, journal, consumer) };
		});
	}

	/** Before the client is closed: from now on what runs may end. */
	stopping(): void {
		this.#stopped = true;
	}

	/** Once the client was closed: every consumer has ended with it. */
	async stop(): Promise<void> {
		await Promise.all(this.#streams.map(({ reading }) => reading));
	}

	async add(shard: number): Promise<void> {
		await this.#add(shard, this.#random.pick(SIZES));
	}

	/** While nothing else is under way in the shard, and nothing is wrong there any more: every entry that is there was consumed. */
	async rebase(shard: number, connection: RawConnection, lossSince: LossSince): Promise<Baseline[]> {
		const { journal } = this.#streams[shard]!;
		await this.#add(shard, 64);
		const until = clock() + CONSUMED_MS;
		for (;;) {
			const there = await entriesOf(connection, journal.key, journal.base);
			const pending = await pendingOf(connection, journal.key);
			const missing = journal.missing(there);
			const late = clock() > until;
			if ((missing.length === 0 && pending.length === 0) || late) {
				if (missing.length > 0)
					this.#watch.wrong(`${journal.key}: ${missing.length} entries are there, and were not handed out: ${missing[0]!.id} …`);
				if (pending.length > 0) this.#watch.wrong(`${journal.key}: ${pending.length} entries are pending: ${pending[0]} …`);
				const kept = Number(await connection.command("XLEN", journal.key)) >= KEPT;
				const [first] = await entriesOf(connection, journal.key, "0-0", 1);
				return [journal.rebase(there, kept ? (first?.id ?? null) : null, lossSince)];
			}
			await sleep(EVERY_MS);
		}
	}

	async #add(shard: number, bytes: number): Promise<void> {
		const { journal } = this.#streams[shard]!;
		const { floor } = journal;
		const { number, text } = journal.issue(bytes, clock());
		const outcome = await this.#watch.call("XADD", [shard], () =>
			this.#client.xadd(journal.key, { text }, { maxlen: KEPT, approximate: true }),
		);
		if ("value" in outcome) {
			this.#counts.items += 1;
			this.#judge(journal.acknowledged(number, outcome.value, floor, clock()));
			return;
		}
		const { maybeExecuted = false } = outcome.error;
		if (maybeExecuted) this.#counts.unknown += 1;
		this.#judge(journal.failed(number, maybeExecuted));
	}

	async #read(shard: number, journal: Journal, consumer: StreamConsumer): Promise<void> {
		try {
			for await (const entry of consumer) {
				this.#counts.entries += 1;
				if (entry.redelivered) this.#counts.redelivered += 1;
				const { issuedAt, wrong } = journal.handedOut({ id: entry.id, text: String(entry.fields.text) }, entry.redelivered);
				this.#judge(wrong);
				if (issuedAt !== null) this.#watch.works("entries", shard, issuedAt);
				void this.#deal(shard, entry);
			}
			if (!this.#stopped) this.#watch.wrong(`${journal.key}: its consumer ended`);
		} catch (error) {
			if (!this.#stopped || (error as ClientError).code !== "CLOSED")
				this.#watch.wrong(`${journal.key}: its consumer failed: ${String(error)}`);
		}
	}

	async #deal(shard: number, entry: ConsumedEntry): Promise<void> {
		const epoch = this.#watch.epoch(shard);
		const quiet = this.#watch.isHealthy(shard);
		await sleep(this.#random.between(0, WORK_MS));
		try {
			const count = await entry.ack();
			// Otherwise it may be the second try, or a failover forgot that it was delivered.
			if (count !== 1 && quiet && this.#watch.epoch(shard) === epoch)
				this.#watch.wrong(`${entry.key}: ${count} entries were pending when ${entry.id} was acknowledged`);
		} catch (error) {
			if (!this.#stopped || !(error instanceof ClientError))
				this.#watch.wrong(`${entry.key}: ${entry.id} could not be acknowledged: ${String(error)}`);
		}
	}

	#judge(wrong: string | null): void {
		if (wrong !== null) this.#watch.wrong(wrong);
	}
}

async function entriesOf(connection: RawConnection, key: string, after: string, count = 100_000): Promise<Entry[]> {
	const reply = (await connection.command("XRANGE", key, `(${after}`, "+", "COUNT", count)) as [string, RawReply[]][];
	return reply.map(([id, fields]) => ({ id, text: String(fields[1]) }));
}

async function pendingOf(connection: RawConnection, key: string): Promise<string[]> {
	const reply = (await connection.command("XPENDING", key, GROUP, "-", "+", 1000)) as [string, ...RawReply[]][];
	return reply.map(([id]) => id);
}
