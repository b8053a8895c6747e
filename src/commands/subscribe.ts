/** Publish/subscribe as the client's methods have it: checks what the caller gave, and waits as long as its view allows. */
import { aborted, type Core, onAbort, type View } from "../core.js";
import { Alarm } from "../deadline-clock.js";
import { ClientError, InvalidArgumentError } from "../errors.js";
import { Feed } from "../pubsub/feed.js";
import type { Hub, Wait } from "../pubsub/hub.js";
import { resolveSubscribeOptions, type SubscribeOptions } from "../pubsub/subscribe-options.js";
import { type Names, Subscription } from "../pubsub/subscription.js";
import type { Kind, Topic } from "../pubsub/topic.js";
import { checkKey, type Limits } from "./arguments.js";

export async function subscribe<Text extends string | Buffer>(
	core: Core,
	view: View,
	kind: Kind,
	names: Names,
	options: SubscribeOptions<Text> | undefined,
): Promise<Subscription<Text>> {
	const checked = checkNames(names, view.limits);
	const resolved = resolveSubscribeOptions(options);
	const { signal } = view;
	if (core.closed !== null) throw core.closed;
	if (signal?.aborted) throw aborted(signal);
	const hub = hubOf(core);
	const wait: Wait = {
		timeoutMs: view.timeoutMs,
		onWait: (cancel) => (signal === undefined ? ignore : onAbort(signal, () => cancel(aborted(signal)))),
	};
	const remove = (topics: Iterable<Topic>): Promise<void> => within(core, view, hub.remove(feed, topics));
	const feed: Feed<Text> = new Feed(resolved, view.mode, () => void remove(feed.topics));
	await hub.add(feed, kind, checked, wait);
	return new Subscription(feed, {
		add: async (more) => {
			const added = checkNames(more, view.limits);
			if (signal?.aborted) throw aborted(signal);
			await hub.add(feed, kind, added, wait);
		},
		remove: (some) => remove(hub.known(kind, checkNames(some, view.limits))),
		end: () => remove(feed.topics),
	});
}

export async function unsubscribe(core: Core, view: View, kind: Kind, names: Names | undefined): Promise<void> {
	const checked = names === undefined ? undefined : checkNames(names, view.limits);
	if (core.closed !== null) throw core.closed;
	// Without a hub nobody ever subscribed to anything.
	if (core.hub !== null) await within(core, view, core.hub.removeAll(kind, checked));
}

function hubOf(core: Core): Hub {
	const hub = core.openHub();
	if (hub === null) {
		throw new ClientError("UNSUPPORTED", "a leased connection has no subscriptions of its own: subscribe on the client");
	}
	return hub;
}

/** Stops waiting when the view's deadline has passed; what is under way goes on. */
function within(core: Core, { timeoutMs }: View, done: Promise<void>): Promise<void> {
	if (timeoutMs === 0) return done;
	return new Promise((resolve) => {
		const deadline = new Alarm(resolve);
		core.clock.add(deadline, timeoutMs);
		void done.then(() => {
			deadline.unlink();
			resolve();
		});
	});
}

function checkNames(names: unknown, limits: Limits): Buffer[] {
	const list: readonly unknown[] = Array.isArray(names) ? names : [names];
	if (list.length === 0) throw new InvalidArgumentError(1, "at least one name is needed");
	const checked = list.map((name, i) => {
		if (typeof name !== "string" && !(name instanceof Uint8Array)) {
			throw new InvalidArgumentError(i + 1, `name ${i + 1} must be a string, a Buffer or a Uint8Array`);
		}
		return Buffer.from(checkKey(name, i + 1, limits));
	});
	const distinct = new Map(checked.map((name) => [name.toString("latin1"), name]));
	return [...distinct.values()];
}

function ignore(): void {}
