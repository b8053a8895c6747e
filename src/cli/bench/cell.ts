/** One cell: the same workload by every client, round by round in turn, so that a slow moment of the machine falls on all of them. */
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

interface Runner {
	entry: AdapterEntry;
	subject: Subject;
	measured: Measured | null;
	outcome: Outcome | null;
}

/** Steps that `runCell` reports for a cell. */
export function stepsOf(workload: Workload, clients: readonly AdapterEntry[], rounds: number): number {
	return clients.length * (2 + Math.max(rounds, workload.rounds));
}

export async function runCell(workload: Workload, clients: readonly AdapterEntry[], stage: Stage, pace: Pace): Promise<Cell> {
	const target = await stage.prepare(workload);
	const runners: Runner[] = clients.map((entry) => ({ entry, subject: new Subject(entry), measured: null, outcome: null }));
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
				const { version, supported } = await runner.subject.start(runner.entry.name, target, workload);
				if (supported) runner.measured = { version, rounds: [], ...(await check(workload, runner.subject, stage)) };
				else runner.outcome = { unsupported: true };
			});
		for (const runner of runners)
			await attempt(runner, "warm-up", async () => {
				await runner.subject.round(pace.roundMs);
			});
		const rounds = Math.max(pace.rounds, workload.rounds);
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
	return {
		workload,
		outcomes: Object.fromEntries(runners.map(({ entry, measured, outcome }) => [entry.name, outcome ?? measured!])),
	};
}

async function check(
	workload: Workload,
	subject: Subject,
	stage: Stage,
): Promise<Pick<Measured, "commands" | "hits" | "flights">> {
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
