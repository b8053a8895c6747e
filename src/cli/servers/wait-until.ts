import { setTimeout as sleep } from "node:timers/promises";

/**
 * Asks again and again until `condition` holds. For states that another process reaches in its own time and does not announce:
 * there is no event to wait for. `condition` answers true, or says in words what is still missing.
 */
export async function waitUntil(
	what: string,
	condition: () => Promise<true | string> | true | string,
	{ timeoutMs = 10_000, everyMs = 20 }: { timeoutMs?: number; everyMs?: number } = {},
): Promise<void> {
	const deadline = performance.now() + timeoutMs;
	for (;;) {
		const state = await condition();
		if (state === true) return;
		if (performance.now() > deadline) throw new Error(`${what} was not reached within ${timeoutMs} ms: ${state}`);
		await sleep(everyMs);
	}
}
