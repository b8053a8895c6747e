/** Places by their own methods (A31): same replies everywhere, refusals before a byte is sent, replies that are none. */
import { expect, inject, test } from "vitest";
import { createClient, type GeosearchOptions } from "../../src/index.js";
import { argument, misshapenReplies, option, refusedEverywhere, repliesEverywhere } from "../support/typed-commands-2.js";

// As servers round them.
const palermo = { longitude: 13.361389338970184, latitude: 38.1155563954963 };
const catania = { longitude: 15.087267458438873, latitude: 37.50266842333162 };
const center = { longitude: 15, latitude: 37 };
const wide = { radius: 200, unit: "km" } as const;

repliesEverywhere("places", [
	[(on, key) => on.geoadd(key("g"), 13.361389, 38.115556, "Palermo"), () => 1],
	[(on, key) => on.geoadd(key("g"), [{ longitude: 15.087269, latitude: 37.502669, member: "Catania" }]), () => 1],
	[(on, key) => on.geoadd(key("g"), { longitude: 0, latitude: 0, member: Buffer.from("far") }, { nx: true, ch: true }), () => 1],
	[(on, key) => on.geoadd(key("g"), 1, 1, "far", { xx: true, ch: true }), () => 1],
	[(on, key) => on.geoadd(key("g"), 1, 1, "new", { xx: true }), () => 0],
	[(on, key) => on.geodist(key("g"), "Palermo", "Catania"), () => 166274.1516],
	[(on, key) => on.geodist(key("g"), "Palermo", "Catania", "km"), () => 166.2742],
	[(on, key) => on.geodist(key("g"), "Palermo", "Palermo", "mi"), () => 0],
	[(on, key) => on.geodist(key("g"), "Palermo", "nope", "ft"), () => null],
	[(on, key) => on.geodist(key("nope"), "a", "b"), () => null],
	[(on, key) => on.geohash(key("g"), "Palermo", ["nope"]), (text) => [text("sqc8b49rny0"), null]],
	[(on, key) => on.geopos(key("g"), "Palermo", ["nope", "Catania"]), () => [palermo, null, catania]],
	[(on, key) => on.geopos(key("nope"), "a"), () => [null]],

	[(on, key) => on.geosearch(key("g"), center, wide, { order: "asc" }), (text) => ["Catania", "Palermo"].map(text)],
	[(on, key) => on.geosearch(key("g"), "Palermo", { radius: 1, unit: "ft" }), (text) => [text("Palermo")]],
	[
		(on, key) => on.geosearch(key("g"), Buffer.from("Palermo"), { radius: 1, unit: "mi" }, { withdist: false }),
		(text) => [text("Palermo")],
	],
	[(on, key) => on.geosearch(key("g"), center, wide, { order: "desc", count: 1 }), (text) => [text("Palermo")]],
	[(on, key) => on.geosearch(key("g"), center, { ...wide, radius: 0 }, { withcoord: true }), () => []],
	[(on, key) => on.geosearch(key("nope"), center, wide), () => []],
	[
		(on, key) => on.geosearch(key("g"), center, { width: 400, height: 400, unit: "km" }, { order: "asc", withdist: true }),
		(text) => [
			{ member: text("Catania"), distance: 56.4413 },
			{ member: text("Palermo"), distance: 190.4424 },
		],
	],
	[
		(on, key) =>
			on.geosearch(key("g"), center, wide, { withcoord: true, withdist: true, withhash: true, order: "asc", count: 2 }),
		(text) => [
			{ member: text("Catania"), distance: 56.4413, hash: 3479447370796909, coordinates: catania },
			{ member: text("Palermo"), distance: 190.4424, hash: 3479099956230698, coordinates: palermo },
		],
	],
	[
		(on, key) => on.geosearch(key("g"), "Catania", { radius: 1, unit: "m" }, { withhash: true, count: 5, any: true }),
		(text) => [{ member: text("Catania"), hash: 3479447370796909 }],
	],
	[
		(on, key) => on.geosearch(key("g"), "Catania", { radius: 1, unit: "m" }, { withcoord: true }),
		(text) => [{ member: text("Catania"), coordinates: catania }],
	],
	[(on, key) => on.geosearchstore(key("s"), key("g"), center, wide), () => 2],
	[(on, key) => on.zscore(key("s"), "Palermo"), () => 3479099956230698],
	[(on, key) => on.geosearchstore(key("s"), key("g"), center, wide, { storedist: true, order: "asc", count: 1 }), () => 1],
	[(on, key) => on.zrange(key("s"), 0, -1), (text) => [text("Catania")]],
	[(on, key) => on.geosearchstore(key("s"), key("nope"), center, wide), () => 0],
]);

refusedEverywhere(
	"B05 arguments of places that cannot be meant are refused before a byte is sent",
	[
		[(on) => on.geoadd("k", Number.NaN, 1, "a"), argument(2)],
		[(on) => on.geoadd("k", 1, Number.POSITIVE_INFINITY, "a"), argument(3)],
		[(on) => on.geoadd("k", "1" as never, 1, "a"), argument(2)],
		[(on) => on.geoadd("k", 1, 1, undefined as never), argument(4)],
		[(on) => on.geoadd("k", []), argument(2)],
		[(on) => on.geoadd("k", [center as never]), argument(4)],
		[(on) => on.geoadd("k", ["a"] as never), argument(2)],
		[(on) => on.geoadd("k", 1, 1, "a", { nx: true, xx: true }), option("xx")],
		[(on) => on.geoadd("k", { ...center, member: "a" }, { gt: true } as never), option("gt")],
		[(on) => on.geoadd(1 as never, 1, 1, "a"), argument(1)],
		[(on) => on.geodist("k", "a", "b", "M" as never), argument(4)],
		[(on) => on.geodist("k", "a", undefined as never), argument(3)],
		[(on) => on.geohash("k", null as never), argument(2)],
		[(on) => on.geopos("k", "a", {} as never), argument(3)],
		[(on) => on.geosearch("k", undefined as never, wide), argument(3)],
		[(on) => on.geosearch("k", { longitude: 1 } as never, wide), option("from.latitude")],
		[(on) => on.geosearch("k", { ...center, longitude: "1" } as never, wide), option("from.longitude")],
		[(on) => on.geosearch("k", "a", undefined as never), option("shape")],
		[(on) => on.geosearch("k", "a", { radius: -1, unit: "m" }), option("shape.radius")],
		[(on) => on.geosearch("k", "a", { radius: 1 } as never), option("shape.unit")],
		[(on) => on.geosearch("k", "a", { width: 1, unit: "m" } as never), option("shape.height")],
		[(on) => on.geosearch("k", "a", { ...wide, width: 1, height: 1 }), option("shape.radius")],
		[(on) => on.geosearch("k", "a", { ...wide, units: "m" } as never), option("shape.units")],
		[(on) => on.geosearch("k", "a", wide, { any: true }), option("any")],
		[(on) => on.geosearch("k", "a", wide, { count: 0 }), option("count")],
		[(on) => on.geosearch("k", "a", wide, { order: "ASC" } as never), option("order")],
		[(on) => on.geosearch("k", "a", wide, { withdist: 1 } as never), option("withdist")],
		[(on) => on.geosearch("k", "a", wide, { storedist: true } as never), option("storedist")],
		[(on) => on.geosearchstore("k", "k", "a", wide, { withdist: true } as never), option("withdist")],
		[(on) => on.geosearchstore("k", 1 as never, "a", wide), argument(2)],
	],
	[[(on) => on.geosearchstore("a", "b", "m", wide), { code: "CROSSSLOT" }]],
);

misshapenReplies("replies that places cannot have are PROTOCOL errors for their calls alone", [
	[(on) => on.geodist("k", "a", "b"), "$3\r\nfar\r\n"],
	[(on) => on.geopos("k", "a"), "*1\r\n*1\r\n$1\r\n1\r\n"],
	[(on) => on.geopos("k", "a"), "*1\r\n$1\r\n1\r\n"],
	[(on) => on.geopos("k", "a"), "$-1\r\n"],
	[(on) => on.geosearch("k", "a", wide), "*1\r\n:1\r\n"],
	[(on) => on.geosearch("k", "a", wide), "$-1\r\n"],
	[(on) => on.geosearch("k", "a", wide, { withdist: true }), "*1\r\n$1\r\na\r\n"],
	[(on) => on.geosearch("k", "a", wide, { withdist: true }), "*1\r\n*1\r\n$1\r\na\r\n"],
	[(on) => on.geosearch("k", "a", wide, { withdist: true }), "*1\r\n*3\r\n$1\r\na\r\n$1\r\n1\r\n:1\r\n"],
	[(on) => on.geosearch("k", "a", wide, { withcoord: true }), "*1\r\n*2\r\n$1\r\na\r\n*1\r\n$1\r\n1\r\n"],
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
