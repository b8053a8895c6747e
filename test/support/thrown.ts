/** What a call throws; it has to. */
export function thrown(call: () => unknown): unknown {
	try {
		call();
	} catch (error) {
		return error;
	}
	throw new Error("nothing was thrown");
}
