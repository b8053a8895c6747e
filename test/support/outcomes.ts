import type { ClientError } from "../../src/index.js";

/** What became of many calls so far. */
export class Outcomes<T> {
	readonly values: T[] = [];
	readonly errors: ClientError[] = [];
	readonly all: Promise<unknown>;

	constructor(calls: readonly Promise<T>[]) {
		this.all = Promise.all(
			calls.map((call) =>
				call.then(
					(value) => this.values.push(value),
					(error: ClientError) => this.errors.push(error),
				),
			),
		);
	}

	get codes(): Set<string> {
		return new Set(this.errors.map((error) => error.code));
	}
}
