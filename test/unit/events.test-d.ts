/** What the types of events, hooks and providers promise; `npm run types` fails where one of them does not hold. Nothing here runs. */
import { expectTypeOf } from "vitest";
import {
	type BatchEvent,
	type CommandEvent,
	type ConnectionEvent,
	createClient,
	type ErrorEvent,
	type RedirectionEvent,
	type TopologyEvent,
} from "../../src/index.js";

createClient({
	hooks: {
		command: (event) => expectTypeOf(event).toEqualTypeOf<CommandEvent>(),
		batch: (event) => expectTypeOf(event).toEqualTypeOf<BatchEvent>(),
		connection: (event) => expectTypeOf(event).toEqualTypeOf<ConnectionEvent>(),
		redirection: (event) => expectTypeOf(event).toEqualTypeOf<RedirectionEvent>(),
		error: (event) => expectTypeOf(event).toEqualTypeOf<ErrorEvent>(),
		topology(event) {
			expectTypeOf(event).toEqualTypeOf<TopologyEvent>();
			if (event.kind === "adopted") expectTypeOf(event.slotsMoved).toEqualTypeOf<number>();
			else expectTypeOf(event.cause).toEqualTypeOf<string>();
		},
	},
});
createClient({ auth: async ({ host }) => ({ username: host, password: "p", expiresInMs: 900_000 }) });
createClient({ auth: () => ({ password: "p" }) });

// @ts-expect-error no such kind of event
createClient({ hooks: { ready: () => {} } });
// @ts-expect-error what is given once and for all does not expire
createClient({ auth: { password: "p", expiresInMs: 5 } });
// @ts-expect-error milliseconds are a number
createClient({ auth: () => ({ password: "p", expiresInMs: "900s" }) });
