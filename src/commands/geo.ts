/** Places on a sphere, kept in sorted sets. */
import type { Reply } from "../resp/reply.js";
import type { Key, Value } from "./arguments.js";
import { toArray, toNumber, toNumberOrNull, toText, unexpected } from "./replies.js";
import { SortedSetCommands } from "./sorted-sets.js";
import type { Result, Surface, Values } from "./surface.js";
import { append, appendFlags, appendInteger, atMostOne, checkFields, checkFlag, finiteWord, refuse, wordOf } from "./words.js";

/** Metres, kilometres, miles, feet. */
export type GeoUnit = "m" | "km" | "mi" | "ft";

/** In degrees; servers take latitudes up to 85.05112878. */
export interface GeoPoint {
	longitude: number;
	latitude: number;
}

/** A place by its name. */
export interface GeoMember extends GeoPoint {
	member: Value;
}

/** A circle, or a box whose sides lie along the axes, around a place. */
export type GeoShape = { radius: number; unit: GeoUnit } | { width: number; height: number; unit: GeoUnit };

/** At most one of `nx`, `xx`. */
export interface GeoaddOptions {
	/** Only members that are new. */
	nx?: boolean;
	/** Only members that are there. */
	xx?: boolean;
	/** Count those that moved, too. */
	ch?: boolean;
}

export interface GeosearchstoreOptions {
	/** By the distance. In no order without it, but for `count`, which takes the nearest. */
	order?: "asc" | "desc";
	/** Up to so many. */
	count?: number;
	/** With `count`: the first found, which need not be the nearest. */
	any?: boolean;
	/** Store distances as scores, in the unit of the shape, and not places. */
	storedist?: boolean;
}

export interface GeosearchOptions extends Omit<GeosearchstoreOptions, "storedist"> {
	/** Reply with `coordinates`. */
	withcoord?: boolean;
	/** Reply with `distance`, in the unit of the shape. */
	withdist?: boolean;
	/** Reply with `hash`, the 52 bits that are the score. */
	withhash?: boolean;
}

/** Whether options ask for a field: yes, no, or that is known at run time only. */
type Asked<Options, Field> = Field extends keyof Options
	? [Options[Field]] extends [true]
		? "yes"
		: true extends Options[Field]
			? "maybe"
			: "no"
	: "no";
type Part<Options, Field, Yes> = { yes: Yes; maybe: Partial<Yes>; no: unknown }[Asked<Options, Field>];
type Together<T> = { [K in keyof T]: T[K] };
type GeoRecord<Text, Options> = Together<
	{ member: Text } & Part<Options, "withdist", { distance: number }> &
		Part<Options, "withhash", { hash: number }> &
		Part<Options, "withcoord", { coordinates: GeoPoint }>
>;

/** What {@link GeoCommands.geosearch} finds: members, or with any `with…` records of what was asked for. */
export type GeoFound<Text, Options> =
	"yes" extends AnyAsked<Options>
		? GeoRecord<Text, Options>
		: "maybe" extends AnyAsked<Options>
			? Text | GeoRecord<Text, Options>
			: Text;
type AnyAsked<Options> = Asked<Options, "withdist"> | Asked<Options, "withhash"> | Asked<Options, "withcoord">;

const units = ["m", "km", "mi", "ft"] as const;

export abstract class GeoCommands<Text extends string | Buffer, S extends Surface> extends SortedSetCommands<Text, S> {
	/**
	 * Adds places, or moves them. `GEOADD key [NX|XX] [CH] longitude latitude member …`
	 * @returns how many are new, with `ch` or moved
	 * @throws INVALID_ARGUMENT, INVALID_OPTION, WRONGTYPE, ERR (beyond the latitudes that servers take), and as {@link set}
	 * @see https://valkey.io/commands/geoadd/
	 */
	geoadd(key: Key, longitude: number, latitude: number, member: Value, options?: GeoaddOptions): Result<S, number>;
	geoadd(key: Key, members: GeoMember | Iterable<GeoMember>, options?: GeoaddOptions): Result<S, number>;
	geoadd(key: Key, first: unknown, second?: unknown, member?: unknown, options?: unknown): Result<S, number> {
		const many = typeof first === "object" && first !== null;
		const members = many ? first : { longitude: first, latitude: second, member };
		return this.send(() => geoaddWords(key, members, (many ? second : options) as GeoaddOptions | undefined));
	}

	/**
	 * How far two members are from each other. `GEODIST key member member M|KM|MI|FT`
	 * @param unit of the reply; metres without it
	 * @returns null when one of them is missing
	 * @throws as {@link get}
	 * @see https://valkey.io/commands/geodist/
	 */
	geodist(key: Key, from: Value, to: Value, unit: GeoUnit = "m"): Result<S, number | null> {
		return this.send(() => ["GEODIST", key, from, to, wordOf(unit, 4, units)], toNumberOrNull);
	}

	/**
	 * The geohashes of members, eleven letters each. `GEOHASH key member …`
	 * @returns in the order of the members, null for each that is missing
	 * @throws as {@link get}
	 * @see https://valkey.io/commands/geohash/
	 */
	geohash(key: Key, ...members: Values): Result<S, (Text | null)[]> {
		return this.send(append(["GEOHASH", key], members));
	}

	/**
	 * Where members are. `GEOPOS key member …`
	 * @returns in the order of the members, null for each that is missing; a little beside what was added, for servers round to 52 bits
	 * @throws as {@link get}
	 * @see https://valkey.io/commands/geopos/
	 */
	geopos(key: Key, ...members: Values): Result<S, (GeoPoint | null)[]> {
		return this.send(append(["GEOPOS", key], members), (reply) =>
			toArray(reply).map((point) => (point === null ? null : toPoint(point))),
		);
	}

	/**
	 * Members inside a circle or a box (6.2).
	 * `GEOSEARCH key FROMMEMBER m|FROMLONLAT lon lat BYRADIUS r unit|BYBOX w h unit [ASC|DESC] [COUNT n [ANY]] [WITHCOORD] [WITHDIST] [WITHHASH]`
	 * @param from a member, or a point: the middle
	 * @returns members; with any of `withcoord`, `withdist`, `withhash` records `{ member, coordinates, distance, hash }` of what was asked for
	 * @throws INVALID_ARGUMENT, INVALID_OPTION, ERR (`from` is no member), and as {@link get}
	 * @see https://valkey.io/commands/geosearch/
	 */
	geosearch<const Options extends GeosearchOptions = Record<never, never>>(
		key: Key,
		from: Value | GeoPoint,
		shape: GeoShape,
		options?: Options,
	): Result<S, GeoFound<Text, Options>[]> {
		return this.send(
			() => {
				const given = checkFields<GeosearchOptions>("GEOSEARCH", options, [...searchFields, ...extras]);
				const words = searchWords(["GEOSEARCH", key], from, shape, given);
				appendFlags<GeosearchOptions>(words, given, extras);
				return words;
			},
			foundTaker<Text>(options) as (reply: Reply) => GeoFound<Text, Options>[],
		);
	}

	/**
	 * Makes a sorted set of the members inside a circle or a box (6.2); none is left where there are none.
	 * `GEOSEARCHSTORE destination source FROMMEMBER m|FROMLONLAT lon lat BYRADIUS r unit|BYBOX w h unit [ASC|DESC] [COUNT n [ANY]] [STOREDIST]`
	 * @returns how many members it has
	 * @throws CROSSSLOT, and as {@link geosearch}
	 * @see https://valkey.io/commands/geosearchstore/
	 */
	geosearchstore(
		destination: Key,
		source: Key,
		from: Value | GeoPoint,
		shape: GeoShape,
		options?: GeosearchstoreOptions,
	): Result<S, number> {
		return this.send(() => {
			const given = checkFields<GeosearchstoreOptions>("GEOSEARCHSTORE", options, [...searchFields, "storedist"]);
			const words = searchWords(["GEOSEARCHSTORE", destination, source], from, shape, given);
			appendFlags(words, given, ["storedist"]);
			return words;
		});
	}
}

const searchFields = ["order", "count", "any"] as const;
const extras = ["withcoord", "withdist", "withhash"] as const;

function geoaddWords(key: Key, members: object, options: GeoaddOptions | undefined): unknown[] {
	const flags = ["nx", "xx", "ch"] as const;
	const given = checkFields<GeoaddOptions>("GEOADD", options, flags);
	atMostOne(given, ["nx", "xx"]);
	const words: unknown[] = ["GEOADD", key];
	appendFlags<GeoaddOptions>(words, given, flags);
	for (const entry of Symbol.iterator in members ? (members as Iterable<unknown>) : [members]) {
		const at = words.length;
		if (typeof entry !== "object" || entry === null) refuse(at, "must be { longitude, latitude, member }");
		const { longitude, latitude, member } = entry as Partial<GeoMember>;
		words.push(finiteWord(longitude, at), finiteWord(latitude, at + 1), member);
	}
	return words;
}

function searchWords(words: unknown[], from: unknown, shape: GeoShape, options: GeosearchstoreOptions): unknown[] {
	appendMiddle(words, from);
	appendShape(words, shape);
	const { order, count, any } = options;
	if (order !== undefined) words.push(wordOf(order, "order", ["asc", "desc"]));
	appendInteger(words, "count", count, 1);
	if (!checkFlag(any, "any")) return words;
	if (count === undefined) refuse("any", "needs count");
	words.push("ANY");
	return words;
}

function appendMiddle(words: unknown[], from: unknown): void {
	if (typeof from !== "object" || from === null || from instanceof Uint8Array) {
		words.push("FROMMEMBER", from);
		return;
	}
	const { longitude, latitude } = from as Partial<GeoPoint>;
	words.push("FROMLONLAT", finiteWord(longitude, "from.longitude"), finiteWord(latitude, "from.latitude"));
}

function appendShape(words: unknown[], shape: GeoShape): void {
	if (typeof shape !== "object" || shape === null) refuse("shape", "must be { radius, unit } or { width, height, unit }");
	const { radius, width, height, unit, ...rest } = shape as Record<string, unknown>;
	for (const field of Object.keys(rest)) refuse(`shape.${field}`, "is not a field of a shape");
	if (radius !== undefined) {
		if (width !== undefined || height !== undefined) refuse("shape.radius", "contradicts width and height");
		words.push("BYRADIUS", finiteWord(radius, "shape.radius", 0));
	} else {
		words.push("BYBOX", finiteWord(width, "shape.width", 0), finiteWord(height, "shape.height", 0));
	}
	words.push(wordOf(unit, "shape.unit", units));
}

function toPoint(reply: Reply): GeoPoint {
	const [longitude, latitude, ...more] = toArray(reply);
	if (longitude === undefined || latitude === undefined || more.length > 0) return unexpected();
	return { longitude: toNumber(longitude), latitude: toNumber(latitude) };
}

/** What was asked for is kept as it is at the call: the caller's options may change until the reply comes. */
function foundTaker<Text>(options: GeosearchOptions | undefined): (reply: Reply) => unknown[] {
	const asked = { withdist: options?.withdist, withhash: options?.withhash, withcoord: options?.withcoord };
	const any = asked.withdist || asked.withhash || asked.withcoord;
	return (reply) => toArray(reply).map((found) => (any ? toFound<Text>(toArray(found), asked) : toText<Text>(found)));
}

/** Servers give a member's distance, hash and coordinates in this order, whatever the order of the options. */
function toFound<Text>(
	parts: Reply[],
	{ withdist, withhash, withcoord }: { [Field in (typeof extras)[number]]: boolean | undefined },
): GeoRecord<Text, GeosearchOptions> {
	const found: GeoRecord<Text, GeosearchOptions> = { member: toText(parts[0] as Reply) };
	let at = 1;
	if (withdist) found.distance = toNumber(parts[at++] as Reply);
	if (withhash) found.hash = toNumber(parts[at++] as Reply);
	if (withcoord) found.coordinates = toPoint(parts[at++] as Reply);
	return parts.length === at ? found : unexpected();
}
