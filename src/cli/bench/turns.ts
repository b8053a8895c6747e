/** Who is compared runs round by round in turn, so that a slow moment of the machine falls on all of them. */
import type { Measured, Outcome } from "./results.js";
import type { Subject } from "./subject.js";

export interface Pace {
	/** At least; a workload may ask for more. */
	rounds: number;
	roundMs: number;
	/** Before all rounds, so that code is compiled by then. Default: as long as a round. */
	warmMs?: number;
	/** Called before each step. */
	step(what: string): void;
}

export interface Contestant {
	readonly name: string;
	readonly subject: Subject;
	/** Starts it, and looks at what it does before anything is measured. Null: it has no call for this. */
	begin(): Promise<Omit<Measured, "rounds"> | null>;
	/** Before each of its rounds. */
	ready?(): Promise<void>;
}

interface Runner {
	contestant: Contestant;
	measured: Measured | null;
	outcome: Outcome | null;
}

/** Steps that `takeTurns` reports. */
export function stepsOfTurns(contestants: number, rounds: number): number {
	return contestants * (2 + rounds);
}

/** What fails for one of them is its outcome, and the others go on. All of them are ended. */
export async function takeTurns(contestants: readonly Contestant[], pace: Pace): Promise<Outcome[]> {
	const runners = contestants.map((contestant): Runner => ({ contestant, measured: null, outcome: null }));
	const attempt = async (runner: Runner, what: string, act: () => Promise<void>): Promise<void> => {
		pace.step(`${runner.contestant.name}: ${what}`);
		if (runner.outcome !== null) return;
		try {
			await act();
		} catch (error) {
			runner.outcome = { failed: (error as Error).message };
		}
	};
	const round = async ({ contestant }: Runner, ms: number) => {
		await contestant.ready?.();
		return await contestant.subject.round(ms);
	};
	try {
		for (const runner of runners)
			await attempt(runner, "check", async () => {
				const begun = await runner.contestant.begin();
				if (begun === null) runner.outcome = { unsupported: true };
				else {
					const { version, ...counted } = begun;
					runner.measured = { version, rounds: [], ...counted };
				}
			});
		for (const runner of runners)
			await attempt(runner, "warm-up", async () => {
				await round(runner, pace.warmMs ?? pace.roundMs);
			});
		for (let i = 0; i < pace.rounds; i++) {
			const rotated = [...runners.slice(i % runners.length), ...runners.slice(0, i % runners.length)];
			for (const runner of rotated)
				await attempt(runner, `round ${i + 1} of ${pace.rounds}`, async () => {
					runner.measured!.rounds.push(await round(runner, pace.roundMs));
				});
		}
	} finally {
		await Promise.all(contestants.map(({ subject }) => subject[Symbol.asyncDispose]()));
	}
	return runners.map(({ measured, outcome }) => outcome ?? measured!);
}
