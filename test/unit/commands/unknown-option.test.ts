import { expect, test } from "vitest";
import { planScan } from "../../../src/commands/scan-options.js";
import { appendSetOptions } from "../../../src/commands/set-options.js";
import { checkFields } from "../../../src/commands/words.js";
import { resolveSubscribeOptions } from "../../../src/pubsub/subscribe-options.js";
import { defineScript } from "../../../src/script.js";
import { checkConsumerOptions } from "../../../src/streams/consumer-options.js";

test("E12 an option in the letters of another client is refused, and the one that is meant is named", () => {
	const messages: [() => unknown, string][] = [
		[() => appendSetOptions([], { EX: 1 } as never), "EX: is not an option of SET; is it ex?"],
		[() => appendSetOptions([], { exp: 1 } as never), "exp: is not an option of SET"],
		[() => checkConsumerOptions({ block: 1 } as never), "block: is not an option of streamConsumer(); is it blockMs?"],
		[() => planScan("SCAN", null, { MATCH: "*" }, 0, {}), "MATCH: is not an option of scan(); is it match?"],
		[() => planScan("ZSCAN", "k", { type: "string" }, 0, {}), "type: is not an option of zscan()"],
		[() => resolveSubscribeOptions({ ongap() {} } as never), "ongap: is not an option of a subscription; is it onGap?"],
		[() => defineScript({ LUA: "return 1" } as never), "LUA: is not an option of defineScript(); is it lua?"],
		[
			() => checkFields<{ noValues: 1 }>("X", { NO_VALUES: 1 } as never, ["noValues"]),
			"NO_VALUES: is not an option of X; is it noValues?",
		],
	];
	for (const [call, message] of messages) expect(call).toThrow(expect.objectContaining({ code: "INVALID_OPTION", message }));
});

test.each([null, 7, "options", ["ex"]])("E12 %j is no object of options", (given) => {
	const refused = (field: string) =>
		expect.objectContaining({ code: "INVALID_OPTION", field, message: `${field}: must be an object` });
	const calls = [
		() => appendSetOptions([], given as never),
		() => checkConsumerOptions(given as never),
		() => planScan("SCAN", null, given, 0, {}),
		() => resolveSubscribeOptions(given as never),
	];
	for (const call of calls) expect(call).toThrow(refused("options"));
	expect(() => defineScript(given as never)).toThrow(refused("definition"));
});
