import { describe, expect, test } from "vitest";
import { type RecordedFrame, recordedFrames } from "../../../fixtures/recorded-frames.js";
import { parseClusterSlots, type ShardView } from "../../../src/cluster/topology.js";
import { ReplyError } from "../../../src/errors.js";
import { classify } from "../../../src/refusal.js";
import { Resp3Decoder } from "../../../src/resp/decode.js";
import { Resp2Decoder } from "../../../src/resp/decode-resp2.js";
import { type Reply, ReplyMode } from "../../../src/resp/reply.js";

const answeredBy = { host: "answered.example.test", port: 7000 };
const frames = recordedFrames();

/** What the connection makes of a frame, by the decoder of its protocol. */
function decoded({ protocol, reply }: RecordedFrame): Reply {
	const replies: Reply[] = [];
	const sink = {
		mode: () => ReplyMode.string,
		target: () => null,
		reply: (value: Reply) => replies.push(value),
		push: () => {},
	};
	const decoder = protocol === 2 ? new Resp2Decoder(sink) : new Resp3Decoder(sink);
	decoder.write(reply);
	expect(replies).toHaveLength(1);
	return replies[0]!;
}

function frame(name: string, protocol: 2 | 3, command = ""): RecordedFrame {
	const found = frames.find(
		(each) => each.name === name && each.protocol === protocol && each.command.join(" ").startsWith(command),
	);
	if (found === undefined) throw new Error(`no recorded frame ${name}`);
	return found;
}

function shardsOf(form: string, protocol: 2 | 3): ShardView[] {
	return parseClusterSlots(decoded(frame(`CLUSTER SLOTS: ${form}`, protocol)), answeredBy);
}

/** A view without its names: what all forms of one cluster have in common. */
function bones(view: ShardView[]): unknown {
	return view.map(({ primary, replicas, ranges }) => ({
		nodes: [primary, ...replicas].map(({ id, endpoint }) => [id, endpoint.port]),
		ranges,
	}));
}

const forms = [
	["addresses", "127.0.0.1", []],
	["unknown endpoints", answeredBy.host, ["127.0.0.1"]],
	["hostnames that nobody announced", "127.0.0.1", []],
	["announced hostnames", /^node-\d\.example\.test$/, ["127.0.0.1"]],
	["addresses, with announced hostnames as metadata", "127.0.0.1", [/^node-\d\.example\.test$/]],
] as const;

describe.each([2, 3] as const)("replies that a real server gave, RESP%i", (protocol) => {
	test.each(forms)("D03 D04 D06 CLUSTER SLOTS of %s", (form, host, aliases) => {
		const view = shardsOf(form, protocol);
		expect(bones(view)).toEqual(bones(shardsOf("addresses", 3)));
		expect(view).toHaveLength(3);
		const ends = view.flatMap(({ ranges }) => ranges).map(([, end]) => end);
		expect(view.map(({ ranges }) => ranges)).toEqual(ends.map((end, i) => [[i === 0 ? 0 : ends[i - 1]! + 1, end]]));
		expect(ends[2]).toBe(16383);
		for (const { primary, replicas } of view) {
			expect(replicas).toHaveLength(1);
			for (const node of [primary, ...replicas]) {
				expect(node.id).toMatch(/^[0-9a-f]{40}$/);
				expect(node.endpoint.host).toMatch(host);
				expect(node.aliases).toHaveLength(aliases.length);
				for (const [i, alias] of node.aliases.entries()) {
					expect(alias.host).toMatch(aliases[i]!);
					expect(alias.port).toBe(node.endpoint.port);
				}
			}
		}
	});

	test("D03 D04 D05 a node without slots, one that met nobody, one that does not know its own name", () => {
		expect(() => shardsOf("none assigned", protocol)).toThrow(expect.objectContaining({ code: "CLUSTER" }));
		const [lone] = shardsOf("a node that met nobody", protocol);
		expect(lone).toMatchObject({ primary: { endpoint: { host: answeredBy.host }, aliases: [] }, ranges: [[0, 16383]] });
		expect(() => shardsOf("a node that met nobody, by hostname", protocol)).toThrow(expect.objectContaining({ code: "CLUSTER" }));
	});

	test("D08 an IPv6 address", () => {
		expect(shardsOf("IPv6", protocol)[0]!.primary.endpoint.host).toBe("::1");
	});

	test.each([
		["addresses", "127.0.0.1"],
		["unknown endpoints", ""],
		["hostnames that nobody announced", "?"],
		["announced hostnames", /^node-[01]\.example\.test$/],
	])("D08 MOVED and ASK of %s name the first and the second primary", (form, host) => {
		const ports = shardsOf("addresses", protocol).map(({ primary }) => primary.endpoint.port);
		const command = {
			args: ["GET", "bar"],
			slot: 5061,
			flags: 0,
			mode: ReplyMode.string,
			elements: 0,
			target: null,
			bytes: 0,
			blockMs: 0,
		};
		const of = (word: string) => classify(decoded(frame(`${word}: ${form}`, protocol)) as ReplyError, command);
		const matching = typeof host === "string" ? host : expect.stringMatching(host);
		expect(of("MOVED")).toEqual({ kind: "moved", slot: 5061, host: matching, port: ports[0] });
		expect(of("ASK")).toEqual({ kind: "ask", slot: 5061, host: matching, port: ports[1] });
	});

	test("D26 CROSSSLOT fails, a slot that is not served waits", () => {
		const command = {
			args: ["MGET", "bar", "foo"],
			slot: 5061,
			flags: 0,
			mode: ReplyMode.string,
			elements: 0,
			target: null,
			bytes: 0,
			blockMs: 0,
		};
		expect(classify(decoded(frame("keys of two slots", protocol)) as ReplyError, command)).toEqual({ kind: "fail" });
		expect(classify(decoded(frame("slot not served", protocol)) as ReplyError, command)).toEqual({ kind: "down" });
	});

	test("D54 the words of a standalone server", () => {
		const reply = decoded(frame("cluster support disabled", protocol, "CLUSTER"));
		expect(reply).toBeInstanceOf(ReplyError);
		expect((reply as ReplyError).message).toMatch(/cluster support disabled/);
	});
});
