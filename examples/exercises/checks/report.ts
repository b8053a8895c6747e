/** How exercises are checked: step by step, in words, with the exit code for scripts. */
import { type Client, createClient, optionsFromEnv } from "slotwire";
import { RedisBackend } from "slotwire/cache";

export interface Step {
	/** What holds when it is right. */
	title: string;
	/** What to do about it otherwise. */
	hint: string;
	/** Whether it is right; what it throws is told. */
	holds: () => Promise<boolean>;
}

/** As one of several processes: with a connection and a backend of its own. */
export interface Process {
	client: Client;
	backend: RedisBackend;
}

const PATIENCE_MS = 4000;

/** Runs the steps with so many processes whose keys begin alike; the keys are gone before and after. */
export async function check(name: string, processes: number, steps: (own: Process[]) => Step[]): Promise<void> {
	const own: Process[] = [];
	for (let i = 0; i < processes; i++) {
		const client = await createClient(optionsFromEnv());
		own.push({ client, backend: new RedisBackend({ client, keyPrefix: `${name}:` }) });
	}
	await removeKeys(own, name);
	const missing: Step[] = [];
	const all = steps(own);
	for (const step of all) {
		const problem = await outcome(step);
		console.log(problem === null ? `✓ ${step.title}` : `· not yet: ${step.title}`);
		if (problem === null) continue;
		missing.push(step);
		if (problem !== "") console.log(`    ${problem}`);
		console.log(`    ${step.hint}`);
	}
	const right = all.length - missing.length;
	if (missing.length === 0) console.log(`\nAll ${all.length} are right. Well done!`);
	else console.log(`\n${right} of ${all.length} are right. Next: ${missing[0]?.hint}`);
	await removeKeys(own, name);
	for (const { backend, client } of own) {
		await backend.disconnect();
		client.destroy();
	}
	// What still waits for something need not be waited for.
	process.exit(missing.length === 0 ? 0 : 1);
}

/** Those of an earlier run that was interrupted too, and what it was about to fill. */
async function removeKeys(own: readonly Process[], name: string): Promise<void> {
	for (const { client } of own.slice(0, 1)) {
		for await (const key of client.scan({ match: `*${name}:*` })) await client.unlink(key);
	}
}

/** Null when it is right, else what there is to tell. */
async function outcome({ holds }: Step): Promise<string | null> {
	let timer: NodeJS.Timeout | undefined;
	const late = new Promise<string>((resolve) => {
		timer = setTimeout(resolve, PATIENCE_MS, `there was no answer within ${PATIENCE_MS / 1000} seconds`);
	});
	const held = holds().then(
		(right) => (right ? null : ""),
		(error: unknown) => `it threw ${error instanceof Error ? `${error.name}: ${error.message}` : String(error)}`,
	);
	const result = await Promise.race([held, late]);
	clearTimeout(timer);
	return result;
}
