/** The frames that are one line of text. */
import { ClientError, ProtocolError, ReplyError } from "../errors.js";
import { Byte } from "./bytes.js";
import { parseBigNumber, parseDouble, parseInteger } from "./numbers.js";
import type { Reply } from "./reply.js";

/** The value of a line by its type byte. */
export function lineValue(type: number, text: string): Reply {
	switch (type) {
		case Byte.plus:
			return text;
		case Byte.minus:
			return replyError(text);
		case Byte.colon:
			return legal(parseInteger(text), "an integer is not a 64-bit number");
		case Byte.comma:
			return legal(parseDouble(text), "a double is not a number");
		case Byte.paren:
			// Scripts can make the server send anything here. The frame is whole, so only this value is lost.
			return parseBigNumber(text) ?? new ClientError("PROTOCOL", "a big number is not a number, or has too many digits");
		case Byte.hash:
			return legal(text === "t" ? true : text === "f" ? false : null, "a boolean is neither t nor f");
		default:
			if (text !== "") throw new ProtocolError("a null has content");
			return null;
	}
}

function legal<T>(value: T | null, otherwise: string): T {
	if (value === null) throw new ProtocolError(otherwise);
	return value;
}

/** A server's error as a value. Its stack would tell how a socket is read, and cost more than all the rest: it has no frames. */
export function replyError(text: string): ReplyError {
	const { stackTraceLimit } = Error;
	// Where intrinsics are frozen this does nothing, and the stack has its frames.
	Reflect.set(Error, "stackTraceLimit", 0);
	const error = new ReplyError(text);
	Reflect.set(Error, "stackTraceLimit", stackTraceLimit);
	return error;
}
