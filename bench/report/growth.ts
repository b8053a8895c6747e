/** What `bench/growth.json` holds. */
export interface Growth {
	date: string;
	machine: string;
	series: GrowthSeries[];
}

export interface GrowthSeries {
	name: string;
	/** Of `y`: `CPU µs per key`. */
	unit: string;
	/** What `x` counts: `keys per request`. */
	x: string;
	points: { x: number; y: number; more?: Record<string, number> }[];
}
