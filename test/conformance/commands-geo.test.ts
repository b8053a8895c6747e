/** Places by their own methods (A31): same replies everywhere, refusals before a byte is sent, replies that are none. */
import { expect, inject, test } from "vitest";
import { createClient, type GeosearchOptions } from "../../src/index.js";
import { testMisshapen } from "../support/fake-replies.js";
import { argument, crossSlot, option, type RefusedRow, type Step, testCommands } from "../support/typed-commands.js";

// As servers round them.
const palermo = { longitude: 13.361389338970184, latitude: 38.1155563954963 };
const catania = { longitude: 15.087267458438873, latitude: 37.50266842333162 };
const center = { longitude: 15, latitude: 37 };
const wide = { radius: 200, unit: "km" } as const;

const steps: Step[] = [
	{ call: (on, key) => on.geoadd(key("g"), 13.361389, 38.115556, "Palermo"), expected: 1 },
	{ call: (on, key) => on.geoadd(key("g"), [{ longitude: 15.087269, latitude: 37.502669, member: "Catania" }]), expected: 1 },
	{
		call: (on, key) => on.geoadd(key("g"), { longitude: 0, latitude: 0, member: Buffer.from("far") }, { nx: true, ch: true }),
		expected: 1,
	},
	{ call: (on, key) => on.geoadd(key("g"), 1, 1, "far", { xx: true, ch: true }), expected: 1 },
	{ call: (on, key) => on.geoadd(key("g"), 1, 1, "new", { xx: true }), expected: 0 },
	{ call: (on, key) => on.geodist(key("g"), "Palermo", "Catania"), expected: 166274.1516 },
	{ call: (on, key) => on.geodist(key("g"), "Palermo", "Catania", "km"), expected: 166.2742 },
	{ call: (on, key) => on.geodist(key("g"), "Palermo", "Palermo", "mi"), expected: 0 },
	{ call: (on, key) => on.geodist(key("g"), "Palermo", "nope", "ft"), expected: null },
	{ call: (on, key) => on.geodist(key("nope"), "a", "b"), expected: null },
	{ call: (on, key) => on.geohash(key("g"), "Palermo", ["nope"]), expected: (text) => [text("sqc8b49rny0"), null] },
	{ call: (on, key) => on.geopos(key("g"), "Palermo", ["nope", "Catania"]), expected: [palermo, null, catania] },
	{ call: (on, key) => on.geopos(key("nope"), "a"), expected: [null] },

	{
		call: (on, key) => on.geosearch(key("g"), center, wide, { order: "asc" }),
		expected: (text) => ["Catania", "Palermo"].map(text),
	},
	{ call: (on, key) => on.geosearch(key("g"), "Palermo", { radius: 1, unit: "ft" }), expected: (text) => [text("Palermo")] },
	{
		call: (on, key) => on.geosearch(key("g"), Buffer.from("Palermo"), { radius: 1, unit: "mi" }, { withdist: false }),
		expected: (text) => [text("Palermo")],
	},
	{ call: (on, key) => on.geosearch(key("g"), center, wide, { order: "desc", count: 1 }), expected: (text) => [text("Palermo")] },
	{ call: (on, key) => on.geosearch(key("g"), center, { ...wide, radius: 0 }, { withcoord: true }), expected: [] },
	{ call: (on, key) => on.geosearch(key("nope"), center, wide), expected: [] },
	{
		call: (on, key) => on.geosearch(key("g"), center, { width: 400, height: 400, unit: "km" }, { order: "asc", withdist: true }),
		expected: (text) => [
			{ member: text("Catania"), distance: 56.4413 },
			{ member: text("Palermo"), distance: 190.4424 },
		],
	},
	{
		call: (on, key) =>
			on.geosearch(key("g"), center, wide, { withcoord: true, withdist: true, withhash: true, order: "asc", count: 2 }),
		expected: (text) => [
			{ member: text("Catania"), distance: 56.4413, hash: 3479447370796909, coordinates: catania },
			{ member: text("Palermo"), distance: 190.4424, hash: 3479099956230698, coordinates: palermo },
		],
	},
	{
		call: (on, key) => on.geosearch(key("g"), "Catania", { radius: 1, unit: "m" }, { withhash: true, count: 5, any: true }),
		expected: (text) => [{ member: text("Catania"), hash: 3479447370796909 }],
	},
	{
		call: (on, key) => on.geosearch(key("g"), "Catania", { radius: 1, unit: "m" }, { withcoord: true }),
		expected: (text) => [{ member: text("Catania"), coordinates: catania }],
	},
	{ call: (on, key) => on.geosearchstore(key("s"), key("g"), center, wide), expected: 2 },
	{ call: (on, key) => on.zscore(key("s"), "Palermo"), expected: 3479099956230698 },
	{
		call: (on, key) => on.geosearchstore(key("s"), key("g"), center, wide, { storedist: true, order: "asc", count: 1 }),
		expected: 1,
	},
	{ call: (on, key) => on.zrange(key("s"), 0, -1), expected: (text) => [text("Catania")] },
	{ call: (on, key) => on.geosearchstore(key("s"), key("nope"), center, wide), expected: 0 },
];

const refused: RefusedRow[] = [
	{ call: (on) => on.geoadd("k", Number.NaN, 1, "a"), error: argument(2) },
	{ call: (on) => on.geoadd("k", 1, Number.POSITIVE_INFINITY, "a"), error: argument(3) },
	{ call: (on) => on.geoadd("k", "1" as never, 1, "a"), error: argument(2) },
	{ call: (on) => on.geoadd("k", 1, 1, undefined as never), error: argument(4) },
	{ call: (on) => on.geoadd("k", []), error: argument(2) },
	{ call: (on) => on.geoadd("k", [center as never]), error: argument(4) },
	{ call: (on) => on.geoadd("k", ["a"] as never), error: argument(2) },
	{ call: (on) => on.geoadd("k", 1, 1, "a", { nx: true, xx: true }), error: option("xx") },
	{ call: (on) => on.geoadd("k", { ...center, member: "a" }, { gt: true } as never), error: option("gt") },
	{ call: (on) => on.geoadd(1 as never, 1, 1, "a"), error: argument(1) },
	{ call: (on) => on.geodist("k", "a", "b", "M" as never), error: argument(4) },
	{ call: (on) => on.geodist("k", "a", undefined as never), error: argument(3) },
	{ call: (on) => on.geohash("k", null as never), error: argument(2) },
	{ call: (on) => on.geopos("k", "a", {} as never), error: argument(3) },
	{ call: (on) => on.geosearch("k", undefined as never, wide), error: argument(3) },
	{ call: (on) => on.geosearch("k", { longitude: 1 } as never, wide), error: option("from.latitude") },
	{ call: (on) => on.geosearch("k", { ...center, longitude: "1" } as never, wide), error: option("from.longitude") },
	{ call: (on) => on.geosearch("k", "a", undefined as never), error: option("shape") },
	{ call: (on) => on.geosearch("k", "a", { radius: -1, unit: "m" }), error: option("shape.radius") },
	{ call: (on) => on.geosearch("k", "a", { radius: 1 } as never), error: option("shape.unit") },
	{ call: (on) => on.geosearch("k", "a", { width: 1, unit: "m" } as never), error: option("shape.height") },
	{ call: (on) => on.geosearch("k", "a", { ...wide, width: 1, height: 1 }), error: option("shape.radius") },
	{ call: (on) => on.geosearch("k", "a", { ...wide, units: "m" } as never), error: option("shape.units") },
	{ call: (on) => on.geosearch("k", "a", wide, { any: true }), error: option("any") },
	{ call: (on) => on.geosearch("k", "a", wide, { count: 0 }), error: option("count") },
	{ call: (on) => on.geosearch("k", "a", wide, { order: "ASC" } as never), error: option("order") },
	{ call: (on) => on.geosearch("k", "a", wide, { withdist: 1 } as never), error: option("withdist") },
	{ call: (on) => on.geosearch("k", "a", wide, { storedist: true } as never), error: option("storedist") },
	{ call: (on) => on.geosearchstore("k", "k", "a", wide, { withdist: true } as never), error: option("withdist") },
	{ call: (on) => on.geosearchstore("k", 1 as never, "a", wide), error: argument(2) },
	{ call: (on) => on.geosearchstore("a", "b", "m", wide), error: crossSlot, on: "cluster" },
];

testCommands({ sequences: { places: steps }, refused });

testMisshapen("replies that places cannot have are PROTOCOL errors for their calls alone", [
	{ call: (on) => on.geodist("k", "a", "b"), reply: "$3\r\nfar\r\n" },
	{ call: (on) => on.geopos("k", "a"), reply: "*1\r\n*1\r\n$1\r\n1\r\n" },
	{ call: (on) => on.geopos("k", "a"), reply: "*1\r\n$1\r\n1\r\n" },
	{ call: (on) => on.geopos("k", "a"), reply: "$-1\r\n" },
	{ call: (on) => on.geosearch("k", "a", wide), reply: "*1\r\n:1\r\n" },
	{ call: (on) => on.geosearch("k", "a", wide), reply: "$-1\r\n" },
	{ call: (on) => on.geosearch("k", "a", wide, { withdist: true }), reply: "*1\r\n$1\r\na\r\n" },
	{ call: (on) => on.geosearch("k", "a", wide, { withdist: true }), reply: "*1\r\n*1\r\n$1\r\na\r\n" },
	{ call: (on) => on.geosearch("k", "a", wide, { withdist: true }), reply: "*1\r\n*3\r\n$1\r\na\r\n$1\r\n1\r\n:1\r\n" },
	{ call: (on) => on.geosearch("k", "a", wide, { withcoord: true }), reply: "*1\r\n*2\r\n$1\r\na\r\n*1\r\n$1\r\n1\r\n" },
]);

test("A31 a member that there is not, and latitudes that servers do not take, are its errors", async () => {
	await using client = await createClient({ url: inject("clusterUrl") });
	const key = "typed:geo-errors";
	await expect(client.geoadd(key, 0, 90, "pole")).rejects.toMatchObject({
		code: "ERR",
		message: expect.stringMatching(/invalid/),
	});
	await client.geoadd(key, 0, 0, "a");
	await expect(client.geosearch(key, "nope", wide)).rejects.toMatchObject({ code: "ERR" });
});

test("A31 options that the caller changes after the call are those of the call", async () => {
	await using client = await createClient({ url: inject("standaloneUrl") });
	const key = "typed:geo-options";
	await client.geoadd(key, 0, 0, "a");
	const options: GeosearchOptions = {};
	const plain = client.geosearch(key, "a", wide, options);
	options.withdist = true;
	const distances = client.geosearch(key, "a", wide, options);
	options.withdist = false;
	expect(await Promise.all([plain, distances])).toEqual([["a"], [{ member: "a", distance: 0 }]]);
});
