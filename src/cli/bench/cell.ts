/** Sides of a comparison, round by round in turn, so that a slow moment of the machine falls on all of them. */
import type { AdapterEntry } from "./adapter.js";
import { isRead } from "./operation.js";
import type { Cell, Measured, Outcome } from "./results.js";
import type { Stage } from "./stage.js";
import { Subject } from "./subject.js";
import type { Workload } from "./workload.js";

/** Requests whose commands, flights and results are looked at before anything is measured. */
const CHECKED_REQUESTS = 8;

export interface Pace {
	/** At least; a workload may ask for more. */
	rounds: number;
	roundMs: number;
	/** Called before each step. */
	step(what: string): void;
}

/** One client under one workload. */
export interface Side {
	readonly entry: AdapterEntry;
	readonly workload: Workload;
}

interface Runner extends Side {
	subject: Subject;
	measured: Measured | null;
	outcome: Outcome | null;
}

/** Steps that `runCell` reports for a cell. */
export function stepsOf(workload: Workload, clients: readonly AdapterEntry[], rounds: number): number {
	return clients.length * (2 + Math.max(rounds, workload.rounds));
}

/** One cell: the same workload by every client. */
export async function runCell(workload: Workload, clients: readonly AdapterEntry[], stage: Stage, pace: Pace): Promise<Cell> {
	const sides = clients.map((entry) => ({ entry, workload }));
	const outcomes = await runSides(sides, stage, pace);
	return { workload, outcomes: Object.fromEntries(clients.map(({ name }, i) => [name, outcomes[i]!])) };
}

/** @param sides whose workloads are of one topology, and run as many rounds as the one that asks for most */
export async function runSides(sides: readonly Side[], stage: Stage, pace: Pace): Promise<Outcome[]> {
	const target = await stage.prepare(sides.map(({ workload }) => workload));
	const runners: Runner[] = sides.map((side) => ({ ...side, subject: new Subject(side.entry), measured: null, outcome: null }));
	/** What fails for one client is its outcome, and the others go on. */
	const attempt = async (runner: Runner, what: string, act: () => Promise<void>): Promise<void> => {
		pace.step(`${runner.entry.name}: ${what}`);
		if (runner.outcome !== null) return;
		try {
			await act();
		} catch (error) {
			runner.outcome = { failed: (error as Error).message };
		}
	};
	try {
		for (const runner of runners)
			await attempt(runner, "check", async () => {
				const { entry, subject, workload } = runner;
				const { version, supported } = await subject.start(entry.name, target, workload);
				if (supported) runner.measured = { version, rounds: [], ...(await check(workload, subject, stage)) };
				else runner.outcome = { unsupported: true };
			});
		for (const runner of runners)
			await attempt(runner, "warm-up", async () => {
				await runner.subject.round(pace.roundMs);
			});
		const rounds = Math.max(pace.rounds, ...sides.map(({ workload }) => workload.rounds));
		for (let round = 0; round < rounds; round++) {
			const rotated = [...runners.slice(round % runners.length), ...runners.slice(0, round % runners.length)];
			for (const runner of rotated)
				await attempt(runner, `round ${round + 1} of ${rounds}`, async () => {
					runner.measured!.rounds.push(await runner.subject.round(pace.roundMs));
				});
		}
	} finally {
		await Promise.all(runners.map(({ subject }) => subject[Symbol.asyncDispose]()));
	}
	return runners.map(({ measured, outcome }) => outcome ?? measured!);
}

async function check(
	workload: Workload,
	subject: Subject,
	stage: Stage,
): Promise<Pick<Measured, "commands" | "hits" | "flights">> {
	// What another client wrote is what this one is to write.
	if (!isRead(workload)) await stage.empty(workload);
	// Once before it counts: some clients connect to a node when its first command comes.
	await subject.check(CHECKED_REQUESTS);
	const before = await stage.counts(workload);
	const { writes } = await subject.check(CHECKED_REQUESTS);
	const after = await stage.counts(workload);
	const hits = after.hits - before.hits;
	if (isRead(workload)) {
		const expected = CHECKED_REQUESTS * workload.keys;
		if (hits !== expected) throw new Error(`the server found ${hits} keys instead of ${expected}`);
	} else {
		const wrong = await stage.wrongWrite(workload);
		if (wrong !== null) throw new Error(wrong);
	}
	return {
		commands: (after.commands - before.commands) / CHECKED_REQUESTS,
		hits: hits / CHECKED_REQUESTS,
		flights: writes === null ? null : writes / CHECKED_REQUESTS,
	};
}
