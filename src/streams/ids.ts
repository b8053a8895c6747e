/** Ids of entries, `milliseconds-sequence`: two unsigned 64-bit numbers in decimal. */

/** The id as servers write it: `5` is `5-0`, `05-1` is `5-1`. What is no whole id comes back as it is. */
export function wholeId(id: string): string {
	const match = /^0*(\d+)(?:-0*(\d+))?$/.exec(id);
	return match === null ? id : `${match[1]}-${match[2] ?? 0}`;
}

/** Below 0 when `a` comes before `b`. Both as servers write them. */
export function compareIds(a: string, b: string): number {
	const [aTime, aSequence] = a.split("-") as [string, string];
	const [bTime, bSequence] = b.split("-") as [string, string];
	return compareNumbers(aTime, bTime) || compareNumbers(aSequence, bSequence);
}

/** Decimal numbers without leading zeros, of any size. */
function compareNumbers(a: string, b: string): number {
	if (a.length !== b.length) return a.length - b.length;
	return a === b ? 0 : a < b ? -1 : 1;
}
