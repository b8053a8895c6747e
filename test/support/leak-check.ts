import { setTimeout as sleep } from "node:timers/promises";

/** What a test file must not leave behind: everything else on the list of active resources belongs to the test runner. */
const WATCHED = /^(TCP|TLS|Pipe|UDP|Timeout|Immediate|Process|GetAddrInfo|Getaddrinfo)/;
const GRACE_MS = 2000;

export type ResourceCounts = ReadonlyMap<string, number>;

/** The sockets, servers, timers and children that keep this process alive now, counted by kind. */
export function activeResources(kinds: readonly string[] = process.getActiveResourcesInfo()): ResourceCounts {
	const counts = new Map<string, number>();
	for (const kind of kinds) if (WATCHED.test(kind)) counts.set(kind, (counts.get(kind) ?? 0) + 1);
	return counts;
}

/** What there is more of now than before: "2 TCPSocketWrap, 1 Timeout"; empty when nothing was left. */
export function leftBehind(before: ResourceCounts, now: ResourceCounts): string {
	return [...now]
		.map(([kind, count]) => [count - (before.get(kind) ?? 0), kind] as const)
		.filter(([more]) => more > 0)
		.map(([more, kind]) => `${more} ${kind}`)
		.join(", ");
}

/** Closing takes the kernel and the event loop a moment that nothing announces, so a rest is a leak only if it stays. */
export async function leakedSince(before: ResourceCounts, graceMs = GRACE_MS): Promise<string> {
	const deadline = performance.now() + graceMs;
	for (;;) {
		const rest = leftBehind(before, activeResources());
		if (rest === "" || performance.now() > deadline) return rest;
		await sleep(10, undefined, { ref: false });
	}
}
