/** Breaks the client on purpose, each way a defect that clients have had: the checks of a run must see it. */
import { CommandFlag } from "../../src/request.js";
import { SingleRequest } from "../../src/single-request.js";
import type { Sabotage } from "./messages.js";

const EVERY = { swapped: 50, dropped: 500 };
const { answered, lost } = SingleRequest.prototype;

const sabotages: Record<Sabotage, () => void> = {
	/** Once in a while a GET gets the reply of the GET before it. */
	desync() {
		let count = 0;
		let before: Parameters<typeof answered>[1] = null;
		SingleRequest.prototype.answered = function (index, reply, link) {
			if (this.args[0] !== "GET") return answered.call(this, index, reply, link);
			count += 1;
			const given = count % EVERY.swapped === 0 ? before : reply;
			before = reply;
			answered.call(this, index, given, link);
		};
	},

	/** An increment that was written and lost its reply is written once more. */
	"double-send"() {
		SingleRequest.prototype.lost = function (index, error, written) {
			lost.call(this, index, error, written && this.args[0] !== "INCR");
		};
	},

	/** Once in a while nobody is told of a reply, and no deadline notices. */
	"lost-settle"() {
		let count = 0;
		SingleRequest.prototype.answered = function (index, reply, link) {
			count += 1;
			if (count % EVERY.dropped !== 0 || (this.flags & CommandFlag.readOnly) === 0)
				return answered.call(this, index, reply, link);
			this.unlink();
		};
	},
};

export function breakClient(how: Sabotage): void {
	sabotages[how]();
}
