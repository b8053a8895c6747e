/**
 * Commands about the server and its keyspace as a whole. On a cluster each says where it goes: to one primary, which is any, or to all nodes
 * concerned. `client.withConnection({ node: "host:port" }, …)` asks one node in particular. What goes to several is refused in a cluster's pipelines.
 */
import type { Key, Value } from "./arguments.js";
import {
	appendClientKillFilter,
	appendClientListOptions,
	type ClientKillFilter,
	type ClientListOptions,
} from "./client-options.js";
import { toRecord } from "./replies.js";
import { ScriptingCommands } from "./scripting.js";
import { type LatencyEvent, type SlowlogEntry, toHistory, toLatencyEvents, toNumberPair, toSlowlog } from "./server-replies.js";
import type { Many, Result, Surface } from "./surface.js";
import {
	append,
	appendEntries,
	checkFields,
	checkInteger,
	type FlushOptions,
	flushWords,
	integerAt,
	keyAt,
	refuse,
	refuseMore,
} from "./words.js";

export abstract class ServerCommands<Text extends string | Buffer, S extends Surface> extends ScriptingCommands<Text, S> {
	/**
	 * Asks for a sign of life. `PING`; on a cluster of every primary, and all must give it
	 * @returns `"PONG"`
	 * @throws on a cluster BATCH when one did not; UNSUPPORTED in a cluster's pipeline
	 * @see https://valkey.io/commands/ping/
	 */
	ping(): Result<S, "PONG"> {
		return this.send(["PING"]);
	}

	/**
	 * Gives back what it gets. `ECHO message`; one primary
	 * @returns the message
	 * @throws INVALID_ARGUMENT, and as {@link time}
	 * @see https://valkey.io/commands/echo/
	 */
	echo(message: Value): Result<S, Text> {
		return this.send(["ECHO", message]);
	}

	/**
	 * How many keys there are. `DBSIZE`; on a cluster the sum over all primaries
	 * @returns how many
	 * @throws on a cluster BATCH when one did not answer; UNSUPPORTED in a cluster's pipeline
	 * @see https://valkey.io/commands/dbsize/
	 */
	dbsize(): Result<S, number> {
		return this.send(["DBSIZE"]);
	}

	/**
	 * Deletes all keys of all databases. `FLUSHALL [SYNC|ASYNC]`; on a cluster on all primaries
	 * @returns `"OK"`
	 * @throws INVALID_OPTION; on a cluster BATCH when a primary failed; UNSUPPORTED in a cluster's pipeline
	 * @see https://valkey.io/commands/flushall/
	 */
	flushall(options?: FlushOptions): Result<S, "OK"> {
		return this.send(() => ["FLUSHALL", ...flushWords("FLUSHALL", options)]);
	}

	/**
	 * Deletes all keys of this database. `FLUSHDB [SYNC|ASYNC]`; on a cluster on all primaries
	 * @returns `"OK"`
	 * @throws as {@link flushall}
	 * @see https://valkey.io/commands/flushdb/
	 */
	flushdb(options?: FlushOptions): Result<S, "OK"> {
		return this.send(() => ["FLUSHDB", ...flushWords("FLUSHDB", options)]);
	}

	/**
	 * What a server says about itself, as text: `field:value` lines under `# Section`. `INFO [section …]`; on a cluster one primary, any
	 * @param sections several (7.0)
	 * @returns text
	 * @throws INVALID_ARGUMENT, and as {@link time}
	 * @see https://valkey.io/commands/info/
	 */
	info(...sections: Many<string>): Result<S, Text> {
		return this.send(append(["INFO"], sections));
	}

	/**
	 * The clock of a server. `TIME`; on a cluster of one primary
	 * @returns Unix time in seconds, and the microseconds of this second
	 * @throws TIMEOUT, CONNECTION, ABORTED, CLOSED
	 * @see https://valkey.io/commands/time/
	 */
	time(): Result<S, [seconds: number, microseconds: number]> {
		return this.send(["TIME"], toNumberPair);
	}

	/**
	 * When the server last saved its data. `LASTSAVE`; on a cluster one primary
	 * @returns Unix time in seconds
	 * @throws as {@link time}
	 * @see https://valkey.io/commands/lastsave/
	 */
	lastsave(): Result<S, number> {
		return this.send(["LASTSAVE"]);
	}

	/**
	 * The configuration of a server. `CONFIG GET pattern …`; on a cluster of one primary, any
	 * @param patterns names, or globs such as `maxmemory*`; several (7.0)
	 * @returns values by name, an object without prototype; names nobody knows are left out
	 * @throws INVALID_ARGUMENT without a pattern
	 * @see https://valkey.io/commands/config-get/
	 */
	configGet(...patterns: Many<string>): Result<S, Record<string, Text>> {
		return this.send(append(["CONFIG", "GET"], patterns), toRecord<Text>);
	}

	/**
	 * Changes the configuration. `CONFIG SET name value …`; on a cluster of all nodes, replicas too. A record sets several at once (7.0)
	 * @returns `"OK"`
	 * @throws INVALID_ARGUMENT; on a cluster BATCH when a node failed, others may have changed; UNSUPPORTED in a cluster's pipeline
	 * @see https://valkey.io/commands/config-set/
	 */
	configSet(name: string, value: Value): Result<S, "OK">;
	configSet(values: Readonly<Record<string, Value>>): Result<S, "OK">;
	configSet(name: string | Readonly<Record<string, Value>>, value?: Value, ...more: unknown[]): Result<S, "OK"> {
		return this.send(() => {
			refuseMore(more, 4, "names");
			if (typeof name === "string") return ["CONFIG", "SET", name, value];
			if (value !== undefined) refuse(3, "goes with a name, not with a record");
			return appendEntries(["CONFIG", "SET"], name);
		});
	}

	/**
	 * Sets the statistics of INFO to 0. `CONFIG RESETSTAT`; on a cluster on all nodes
	 * @returns `"OK"`
	 * @throws as {@link configSet}
	 * @see https://valkey.io/commands/config-resetstat/
	 */
	configResetstat(): Result<S, "OK"> {
		return this.send(["CONFIG", "RESETSTAT"]);
	}

	/**
	 * Writes what is set into the configuration file. `CONFIG REWRITE`; on a cluster on all nodes
	 * @returns `"OK"`
	 * @throws as {@link configSet}; ERR of a server that has no file
	 * @see https://valkey.io/commands/config-rewrite/
	 */
	configRewrite(): Result<S, "OK"> {
		return this.send(["CONFIG", "REWRITE"]);
	}

	/**
	 * The number its server gave to a connection. `CLIENT ID`. It is one of several connections, unless it is called on that of `withConnection`
	 * @returns a number that grows with each connection to the server
	 * @throws as {@link time}
	 * @see https://valkey.io/commands/client-id/
	 */
	clientId(): Result<S, number> {
		return this.send(["CLIENT", "ID"]);
	}

	/**
	 * What its server knows about a connection, a line of `field=value`. `CLIENT INFO`; which connection: see {@link clientId}
	 * @returns text
	 * @throws as {@link time}
	 * @see https://valkey.io/commands/client-info/
	 */
	clientInfo(): Result<S, Text> {
		return this.send(["CLIENT", "INFO"]);
	}

	/**
	 * The connections of a server, a line of `field=value` for each. `CLIENT LIST [TYPE t] [ID id …]`; on a cluster of one primary, any
	 * @returns text, empty when there are none
	 * @throws INVALID_OPTION
	 * @see https://valkey.io/commands/client-list/
	 */
	clientList(options?: ClientListOptions): Result<S, Text> {
		return this.send(() => appendClientListOptions(["CLIENT", "LIST"], options));
	}

	/**
	 * Ends connections of a server. `CLIENT KILL [ID id] [TYPE t] [ADDR a] [LADDR a] [USER u] [SKIPME yes|no] [MAXAGE s]`; on a cluster of one
	 * primary, any
	 * @param filter every field must apply; at least one is needed
	 * @returns how many were ended
	 * @throws INVALID_OPTION; ERR when there is no such user
	 * @see https://valkey.io/commands/client-kill/
	 */
	clientKill(filter: ClientKillFilter): Result<S, number> {
		return this.send(() => appendClientKillFilter(["CLIENT", "KILL"], filter));
	}

	/**
	 * The memory of a key and its value. `MEMORY USAGE key [SAMPLES n]`
	 * @param options `samples`: elements of a nested value that are weighed, 5 by default, 0 for all
	 * @returns bytes, null when there is no such key
	 * @throws INVALID_ARGUMENT, INVALID_OPTION
	 * @see https://valkey.io/commands/memory-usage/
	 */
	memoryUsage(key: Key, options?: { samples?: number }): Result<S, number | null> {
		return this.send(() => {
			const { samples } = checkFields("MEMORY USAGE", options, ["samples"]);
			return ["MEMORY", "USAGE", key, ...(samples === undefined ? [] : ["SAMPLES", checkInteger(samples, "samples", 0)])];
		});
	}

	/**
	 * The commands that took longest to execute, latest first. `SLOWLOG GET [count]`; on a cluster those of all nodes, one node after the other
	 * @param count for each node, 10 by default; -1 for all (7.0)
	 * @returns a record for each command; empty when there are none
	 * @throws INVALID_ARGUMENT; on a cluster BATCH when a node did not answer; UNSUPPORTED in a cluster's pipeline
	 * @see https://valkey.io/commands/slowlog-get/
	 */
	slowlogGet(count?: number): Result<S, SlowlogEntry<Text>[]> {
		return this.send(
			() => ["SLOWLOG", "GET", ...(count === undefined ? [] : [integerAt(count, 2, "a number of entries", -1)])],
			toSlowlog<Text>,
		);
	}

	/**
	 * How many entries the log of slow commands has. `SLOWLOG LEN`; on a cluster the sum over all nodes
	 * @returns how many
	 * @throws as {@link slowlogGet}
	 * @see https://valkey.io/commands/slowlog-len/
	 */
	slowlogLen(): Result<S, number> {
		return this.send(["SLOWLOG", "LEN"]);
	}

	/**
	 * Empties the log of slow commands. `SLOWLOG RESET`; on a cluster of all nodes
	 * @returns `"OK"`
	 * @throws as {@link slowlogGet}
	 * @see https://valkey.io/commands/slowlog-reset/
	 */
	slowlogReset(): Result<S, "OK"> {
		return this.send(["SLOWLOG", "RESET"]);
	}

	/**
	 * The latest latency spike of each kind, when `latency-monitor-threshold` is set. `LATENCY LATEST`; on a cluster of one primary, any
	 * @returns a record for each kind; empty when there are none
	 * @throws as {@link time}
	 * @see https://valkey.io/commands/latency-latest/
	 */
	latencyLatest(): Result<S, LatencyEvent<Text>[]> {
		return this.send(["LATENCY", "LATEST"], toLatencyEvents<Text>);
	}

	/**
	 * The latency spikes of a kind, oldest first. `LATENCY HISTORY event`; on a cluster of one primary, any
	 * @returns Unix time in seconds, and milliseconds, of each
	 * @throws INVALID_ARGUMENT, and as {@link time}
	 * @see https://valkey.io/commands/latency-history/
	 */
	latencyHistory(event: string): Result<S, [time: number, ms: number][]> {
		return this.send(["LATENCY", "HISTORY", event], toHistory);
	}

	/**
	 * Who the client is to the server. `ACL WHOAMI`; on a cluster to one primary
	 * @returns the name of its user, `"default"` when it gave none
	 * @throws as {@link time}
	 * @see https://valkey.io/commands/acl-whoami/
	 */
	aclWhoami(): Result<S, Text> {
		return this.send(["ACL", "WHOAMI"]);
	}

	/**
	 * How many commands a server has. `COMMAND COUNT`; on a cluster one primary
	 * @returns how many
	 * @throws as {@link time}
	 * @see https://valkey.io/commands/command-count/
	 */
	commandCount(): Result<S, number> {
		return this.send(["COMMAND", "COUNT"]);
	}

	/**
	 * The slot of a key, as a cluster's server sees it; `keySlot` of `slotwire/slot` asks nobody. `CLUSTER KEYSLOT key`
	 * @returns 0 to 16383
	 * @throws INVALID_ARGUMENT; ERR of a server that is in no cluster
	 * @see https://valkey.io/commands/cluster-keyslot/
	 */
	clusterKeyslot(key: Key): Result<S, number> {
		return this.send(() => ["CLUSTER", "KEYSLOT", keyAt(key, 2)]);
	}
}
