/** How long a script of two keys is asked again. */
import { expect, test } from "vitest";
import { ClientError, ReplyError } from "../../../src/index.js";
import { onArrival } from "../../../src/session/arrival.js";
import { rejectionOf } from "../../support/secrets.js";

const refused = new ReplyError("TRYAGAIN Multiple keys request during rehashing of slot");

test("D20 a refusal that passes is nobody's business", async () => {
	let calls = 0;
	const run = (): Promise<string> => (++calls < 4 ? Promise.reject(refused) : Promise.resolve("done"));
	expect(await onArrival(run)).toBe("done");
	expect(calls).toBe(4);
});

test("D21 one that never clears ends as TIMEOUT, with the server's word, and nothing was executed", async () => {
	const started = performance.now();
	const error = await rejectionOf(onArrival(() => Promise.reject(refused), 100));
	expect(error).toMatchObject({ code: "TIMEOUT", cause: refused, maybeExecuted: false });
	const elapsed = performance.now() - started;
	expect(elapsed).toBeGreaterThanOrEqual(100);
	expect(elapsed).toBeLessThan(2000);
});

test("any other error is the caller's at once", async () => {
	for (const other of [new ReplyError("OOM command not allowed"), new ClientError("TRYAGAIN", "not the server's word")]) {
		let calls = 0;
		const run = (): Promise<never> => {
			calls++;
			return Promise.reject(other);
		};
		expect(await rejectionOf(onArrival(run, 100))).toBe(other);
		expect(calls).toBe(1);
	}
});
