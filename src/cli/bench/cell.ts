/** One workload by every client, or several sides of a comparison. */
import type { AdapterEntry } from "./adapter.js";
import { isRead } from "./operation.js";
import type { Cell, Measured, Outcome } from "./results.js";
import type { Stage } from "./stage.js";
import { Subject } from "./subject.js";
import { type Contestant, type Pace, stepsOfTurns, takeTurns } from "./turns.js";
import type { Workload } from "./workload.js";

/** Requests whose commands, flights and results are looked at before anything is measured. */
const CHECKED_REQUESTS = 8;

/** One client under one workload. */
export interface Side {
	readonly entry: AdapterEntry;
	readonly workload: Workload;
}

/** Steps that `runCell` reports for a cell. */
export function stepsOf(workload: Workload, clients: readonly AdapterEntry[], rounds: number): number {
	return stepsOfTurns(clients.length, Math.max(rounds, workload.rounds));
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
	const rounds = Math.max(pace.rounds, ...sides.map(({ workload }) => workload.rounds));
	const contestants = sides.map(({ entry, workload }): Contestant => {
		const subject = new Subject(entry);
		return {
			name: entry.name,
			subject,
			async begin() {
				const { version, supported } = await subject.start(entry.name, target, workload);
				return supported ? { version, ...(await check(workload, subject, stage)) } : null;
			},
		};
	});
	return await takeTurns(contestants, { ...pace, rounds });
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
