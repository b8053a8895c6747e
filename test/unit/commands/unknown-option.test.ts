import { expect, test } from "vitest";
import { appendSetOptions } from "../../../src/commands/set-options.js";
import { checkFields } from "../../../src/commands/words.js";
import { checkConsumerOptions } from "../../../src/streams/consumer-options.js";

test("E12 an option in the letters of another client is refused, and the one that is meant is named", () => {
	const messages: [() => unknown, string][] = [
		[() => appendSetOptions([], { EX: 1 } as never), "EX: is not an option of SET; is it ex?"],
		[() => appendSetOptions([], { exp: 1 } as never), "exp: is not an option of SET"],
		[() => checkConsumerOptions({ block: 1 } as never), "block: is not an option of streamConsumer(); is it blockMs?"],
		[
			() => checkFields<{ noValues: 1 }>("X", { NO_VALUES: 1 } as never, ["noValues"]),
			"NO_VALUES: is not an option of X; is it noValues?",
		],
	];
	for (const [call, message] of messages) expect(call).toThrow(expect.objectContaining({ code: "INVALID_OPTION", message }));
});
