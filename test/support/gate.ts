/** A promise that the test opens: the explicit order of events where a sleep would only make that order likely. */
export class Gate {
	readonly opened: Promise<void>;
	#open!: () => void;

	constructor() {
		this.opened = new Promise((resolve) => {
			this.#open = resolve;
		});
	}

	open(): void {
		this.#open();
	}
}
