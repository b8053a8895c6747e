/** A CPU profile as microseconds of a request, by the step that spent them. */

/** The five steps of the hot path, and what is around them. */
export const steps = ["dispatch", "encode", "flush", "decode", "settle", "node", "gc", "benchmark", "waiting"] as const;
export type Step = (typeof steps)[number];

export interface CpuProfile {
	nodes: { id: number; callFrame: { functionName: string; url: string } }[];
	samples: number[];
	timeDeltas: number[];
}

/** The first that a function's name or file matches; what remains is Node's own. */
const rules: readonly (readonly [Step, RegExp])[] = [
	["waiting", /^\(idle\)/],
	["gc", /^\(garbage collector\)/],
	["benchmark", /\/cli\/bench\//],
	// The system call; on a machine whose cores are shared with the server, also what the server does before it is let on.
	["flush", /^(writeBuffer|writev|writeUtf8String|#flush|#write|#encodeWaiting|take|append) /],
	["encode", /\/resp\/(encode|arguments)\.|\/batch\/frames\.|^utf8Write |^latin1Write /],
	["decode", /\/resp\//],
	["decode", /^(utf8Slice|latin1Slice|isAscii|createUnsafeBuffer|FastBuffer|_copyActual) /],
	["settle", /^(settle|#settled|answered|#answer|reply|advance|#finish|#leave|unlink|take|finished|#advance|remove) /],
	["dispatch", /\/src\/|\/denque\//],
];

/** Only the last `seconds` count: before them the process loaded its code. */
export function timeBySteps(
	{ nodes, samples, timeDeltas }: CpuProfile,
	{ requests, seconds }: { requests: number; seconds: number },
): Record<Step, number> {
	const stepOf = new Map(nodes.map(({ id, callFrame }) => [id, classify(`${callFrame.functionName} ${callFrame.url}`)]));
	const times = Object.fromEntries(steps.map((step) => [step, 0])) as Record<Step, number>;
	let left = seconds * 1e6;
	for (let i = samples.length - 1; i >= 0 && left > 0; i--) {
		const delta = timeDeltas[i] as number;
		times[stepOf.get(samples[i] as number) ?? "node"] += delta / requests;
		left -= delta;
	}
	return times;
}

export function classify(frame: string): Step {
	return rules.find(([, pattern]) => pattern.test(frame))?.[0] ?? "node";
}
