/** `slotwire/resp`: the codec by itself, for servers, proxies and tests of RESP. */
export { ClientError, InvalidArgumentError, InvalidOptionError, ProtocolError, ReplyError } from "../errors.js";
export { Decoder, type DecoderOptions } from "./decoder.js";
export { type CommandArgument, encodeCommand } from "./encode.js";
export type { Reply } from "./reply.js";
