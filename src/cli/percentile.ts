/** Nearest-rank percentile: the smallest of the sorted values that so large a share of them does not exceed. */
export function percentile(sorted: ArrayLike<number>, share: number): number {
	return sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)] as number;
}
