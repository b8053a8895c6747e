/** slotwire: a Redis and Valkey client written from scratch on node:net. */
export type { Client, LeaseOptions, Stats, ViewOptions } from "./client.js";
export type { Key, Value } from "./commands/arguments.js";
export type { BatchOptions } from "./commands/batches.js";
export type { BitfieldGet, BitfieldOffset, BitfieldOperation, BitfieldType } from "./commands/bitfield.js";
export type { ClientKillFilter, ClientListOptions } from "./commands/client-options.js";
export type {
	GeoaddOptions,
	GeoFound,
	GeoMember,
	GeoPoint,
	GeoShape,
	GeosearchOptions,
	GeosearchstoreOptions,
	GeoUnit,
} from "./commands/geo.js";
export type { FieldEntries, FieldExpiryOptions } from "./commands/hashes.js";
export type { CopyOptions, ExpireOptions, RestoreOptions } from "./commands/keys.js";
export type { LcsMatch, LcsMatches, LcsRange } from "./commands/lcs.js";
export type { ListEnd, LposOptions } from "./commands/lists.js";
export type { Scan } from "./commands/scan.js";
export type { CollectionScanOptions, HashScanOptions, ScanOptions } from "./commands/scan-options.js";
export type {
	FunctionInfo,
	FunctionListOptions,
	FunctionRestoreOptions,
	FunctionStats,
	LibraryInfo,
} from "./commands/scripting.js";
export type { LatencyEvent, SlowlogEntry } from "./commands/server-replies.js";
export type { SetEntry } from "./commands/set-batch.js";
export type { SetOptions } from "./commands/set-options.js";
export type { SortOptions, SortRoOptions } from "./commands/sort-options.js";
export type {
	LexBound,
	ScoreBound,
	ScoreRangeOptions,
	ZrangeOptions,
	ZrangestoreOptions,
} from "./commands/sorted-set-ranges.js";
export type { CombineOptions, ScoredMembers, ZaddOptions } from "./commands/sorted-sets.js";
export type {
	Claimed,
	EntryFields,
	GroupEntry,
	PendingEntry,
	PendingSummary,
	StreamEntry,
	StreamRead,
} from "./commands/stream-replies.js";
export type { StreamFields, StreamId, StreamPositions, XaddOptions } from "./commands/stream-words.js";
export type { GetexOptions } from "./commands/strings.js";
export type { FlushOptions, RangeLimit } from "./commands/words.js";
export { createClient } from "./create-client.js";
export type { Endpoint } from "./endpoint.js";
export {
	BatchError,
	ClientError,
	type ErrorCode,
	InvalidArgumentError,
	InvalidOptionError,
	ProtocolError,
	ReplyError,
	TargetTooSmallError,
} from "./errors.js";
export type {
	BatchEvent,
	CommandEvent,
	ConnectionEvent,
	ConnectionState,
	ErrorEvent,
	Hooks,
	RedirectionEvent,
	TopologyEvent,
} from "./events.js";
export { type ClientOptions, type Credentials, type ExpiringCredentials, optionsFromEnv } from "./options.js";
export type { Pipeline } from "./pipeline.js";
export type { Gap, Message, SubscribeOptions } from "./pubsub/subscribe-options.js";
export type { Subscription } from "./pubsub/subscription.js";
export type { Reply } from "./resp/reply.js";
export { defineScript, type Script, type ScriptDefinition, type TypedScript } from "./script.js";
export type { ConsumedEntry } from "./streams/consumed-entry.js";
export type { StreamConsumerOptions } from "./streams/consumer-options.js";
export type { StreamConsumer } from "./streams/stream-consumer.js";
export type { Transaction } from "./transaction.js";
export { VERSION } from "./version.js";
export type { WatchOptions } from "./watch.js";
