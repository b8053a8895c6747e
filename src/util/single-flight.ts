/** Runs `task` once at a time: whoever calls while it runs gets the running one's promise. */
export class SingleFlight<T> {
	#running: Promise<T> | null = null;
	readonly #task: () => Promise<T>;

	constructor(task: () => Promise<T>) {
		this.#task = task;
	}

	run(): Promise<T> {
		this.#running ??= this.#task().finally(() => {
			this.#running = null;
		});
		return this.#running;
	}
}
