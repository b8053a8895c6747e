/** Breaks the client on purpose, each way a defect that clients have had: the checks of a run must see it. */

import { Feed } from "../../src/pubsub/feed.js";
import { Line } from "../../src/pubsub/line.js";
import { SingleRequest } from "../../src/single-request.js";
import { Ledger } from "../../src/streams/ledger.js";
import { StreamConsumer } from "../../src/streams/stream-consumer.js";
import type { Sabotage } from "./messages.js";

const EVERY = { swapped: 50, dropped: 400, acknowledged: 100 };
const { answered, lost } = SingleRequest.prototype;
const { given } = Ledger.prototype;
const { ready } = Line.prototype;
const { ack } = StreamConsumer.prototype;

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

	/** Once in a while nobody is told of a GET's reply, and no deadline notices. */
	"lost-settle"() {
		let count = 0;
		SingleRequest.prototype.answered = function (index, reply, link) {
			if (this.args[0] === "GET") count += 1;
			if (count % EVERY.dropped !== 0 || this.args[0] !== "GET") return answered.call(this, index, reply, link);
			this.unlink();
		};
	},

	/** A connection that took the place of another one is not subscribed to anything. */
	deaf() {
		const known = new WeakSet<Line>();
		Line.prototype.ready = function () {
			if (!known.has(this)) ready.call(this);
			known.add(this);
		};
	},

	/** Nobody is told that messages may have been lost. */
	"untold-gap"() {
		Feed.prototype.gap = () => {};
	},

	/** A consumer that was connected anew takes what is pending for it for new. */
	twice() {
		Ledger.prototype.given = function (id, certain) {
			given.call(this, id, certain);
			return "first";
		};
	},

	/** Once in a while an acknowledgement is not sent. */
	"lost-ack"() {
		let count = 0;
		StreamConsumer.prototype.ack = async function (...ids: (string | readonly string[])[]) {
			count += 1;
			return count % EVERY.acknowledged === 0 ? 1 : await ack.apply(this, ids);
		};
	},
};

export function breakClient(how: Sabotage): void {
	sabotages[how]();
}
