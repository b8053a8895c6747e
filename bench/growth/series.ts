/** What growth is measured of, and how it is saved. */
import type { Machine } from "../../src/cli/bench/results.js";

export interface Point {
	readonly x: number;
	readonly y: number;
	readonly more?: Readonly<Record<string, number>>;
}

export interface Series {
	readonly name: string;
	/** Of `y`. */
	readonly unit: string;
	/** What `x` counts. */
	readonly x: string;
	readonly points: readonly Point[];
}

export interface Growth {
	readonly date: string;
	readonly machine: Machine;
	readonly series: readonly Series[];
}

/** A series that is not measured yet. */
export interface Plan extends Omit<Series, "points"> {
	readonly values: readonly number[];
	measure(x: number): Promise<Omit<Point, "x">>;
	/** A cliff: `to` costs more than `CLIFF` times as much as `from`. Absent: the figure may grow with `x`. */
	readonly flat?: { readonly from: number; readonly to: number };
}

export const CLIFF = 1.5;

export async function measurePlan({ name, unit, x, values, measure }: Plan, begin: (value: number) => void): Promise<Series> {
	const points: Point[] = [];
	for (const value of values) {
		begin(value);
		const { y, more = {} } = await measure(value);
		const rounded = Object.fromEntries(Object.entries(more).map(([field, figure]) => [field, round(figure)]));
		points.push({ x: value, y: round(y), more: rounded });
	}
	return { name, unit, x, points };
}

/** Four figures that matter; a whole number stays as it is. */
function round(value: number): number {
	return Number.isInteger(value) ? value : Number(value.toPrecision(4));
}

/** How flat a series is, for people; null where nothing is expected of it. */
export function verdict({ name, x, flat }: Plan, { points }: Series): string | null {
	if (flat === undefined) return null;
	const at = (value: number): number | undefined => points.find((point) => point.x === value)?.y;
	const [from, to] = [at(flat.from), at(flat.to)];
	if (from === undefined || to === undefined) return null;
	const ratio = to / from;
	return `${name}: ${flat.to} ${x} cost ${ratio.toFixed(2)} x of ${flat.from}${ratio > CLIFF ? ", a cliff" : ""}`;
}
