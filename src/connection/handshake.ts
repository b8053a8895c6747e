/**
 * What a connection says first, and what the answers mean. Pure: options in, commands out; replies in, verdicts out.
 *
 *     HELLO 3 [AUTH u p] [SETNAME n] ──► map ───────────────► RESP3 ─┐
 *          │ no such command, NOPROTO                                 ├─► [CLIENT SETINFO ×2] [CLUSTER MYID] [READONLY] [SELECT n] ──► ready
 *          └──► AUTH u p | PING, [CLIENT SETNAME n] ────────► RESP2 ─┘
 *
 * HELLO goes out alone: a server that refuses connections answers the first write and closes, and a second write would lose that answer.
 *
 * @see https://valkey.io/commands/hello/
 */
import { ClientError, ReplyError, WrongModeError } from "../errors.js";
import type { Credentials } from "../options.js";
import type { Reply } from "../resp/reply.js";
import { VERSION } from "../version.js";

export interface HandshakeOptions {
	readonly node: string;
	readonly protocol: 2 | 3;
	readonly credentials: Credentials | undefined;
	readonly name: string | undefined;
	readonly database: number;
	readonly mode: "standalone" | "cluster";
	readonly readOnly: boolean;
	/** Whom the topology has at this address; undefined: nobody knows. */
	readonly identity?: string | undefined;
}

/** What HELLO brought: a protocol, or the word that the server has no (such) HELLO. */
export type HelloVerdict = { readonly protocol: 2 | 3; readonly id: number | null } | "fallback";

export interface Step {
	readonly args: readonly string[];
	/** Throws a ClientError when the reply forbids the use of the connection. */
	accept(reply: Reply): void;
}

export function helloCommand({ protocol, credentials, name }: HandshakeOptions): string[] {
	const args = ["HELLO", String(protocol)];
	// A user may have no password: the name alone is a credential.
	if (given(credentials)) args.push("AUTH", credentials.username ?? "default", credentials.password ?? "");
	if (name !== undefined) args.push("SETNAME", name);
	return args;
}

/**
 * Reads the reply to HELLO.
 * @throws AUTH, CLUSTER (wrong mode), CONNECTION (refused)
 */
export function readHello(reply: Reply, options: HandshakeOptions): HelloVerdict {
	if (reply instanceof ReplyError) {
		if (isUnknownCommand(reply) || isUnknownProtocol(reply)) return "fallback";
		throw refusal(reply, options);
	}
	const fields = fieldsOf(reply);
	if (fields === null || Number(fields.get("proto")) !== options.protocol) {
		throw new ClientError("PROTOCOL", `${options.node}: the reply to HELLO does not confirm protocol ${options.protocol}`);
	}
	checkMode(String(fields.get("mode")), options);
	const id = fields.get("id");
	return { protocol: options.protocol, id: typeof id === "number" ? id : null };
}

/** What follows HELLO, sent in one write; with "fallback", also what HELLO would have done. */
export function followUps(verdict: HelloVerdict, options: HandshakeOptions): Step[] {
	const { credentials, name, database, node } = options;
	const steps: Step[] = [];
	const required = (what: string) => (reply: Reply) => {
		if (reply instanceof ReplyError) {
			throw what === "AUTH" || reply.code === "NOAUTH" ? refusal(reply, options) : failure(node, what, reply);
		}
	};
	if (verdict === "fallback") {
		if (given(credentials)) {
			const user = credentials.username === undefined ? [] : [credentials.username];
			steps.push({ args: ["AUTH", ...user, credentials.password ?? ""], accept: required("AUTH") });
		} else steps.push({ args: ["PING"], accept: asksForCredentials(options) });
		if (name !== undefined) steps.push({ args: ["CLIENT", "SETNAME", name], accept: required("CLIENT SETNAME") });
	}
	// Servers before 7.2 do not know SETINFO and ACLs may forbid it: informative only.
	steps.push({ args: ["CLIENT", "SETINFO", "LIB-NAME", "slotwire"], accept: tolerate });
	steps.push({ args: ["CLIENT", "SETINFO", "LIB-VER", VERSION], accept: tolerate });
	// Asked also where nobody is expected yet: the topology tells of a seed only when the connection is there.
	if (options.mode === "cluster") steps.push({ args: ["CLUSTER", "MYID"], accept: isThat(options) });
	// A server without cluster support refuses it, and lets everybody read.
	if (options.readOnly) steps.push({ args: ["READONLY"], accept: tolerate });
	if (database !== 0) steps.push({ args: ["SELECT", String(database)], accept: required(`SELECT ${database}`) });
	return steps;
}

function tolerate(): void {}

function given(credentials: Credentials | undefined): credentials is Credentials {
	return credentials?.password !== undefined || credentials?.username !== undefined;
}

/** Without HELLO nothing of the handshake needs a login, so PING finds out; it may be refused for any other reason. */
function asksForCredentials(options: HandshakeOptions): Step["accept"] {
	return (reply) => {
		if (reply instanceof ReplyError && reply.code === "NOAUTH") throw refusal(reply, options);
	};
}

/** Addresses are given away: a stranger's answers, its nulls above all, would pass for the node's. One that will not say who it is may pass. */
function isThat(options: HandshakeOptions): Step["accept"] {
	return (reply) => {
		if (options.identity === undefined) return;
		// It will say so later, when it answers for data as well.
		if (reply instanceof ReplyError && reply.code === "LOADING") {
			throw new ClientError(reply.code, `${options.node} does not say who it is while it loads its data`);
		}
		const refused = reply instanceof ReplyError && /cluster support disabled/.test(reply.message);
		const another = typeof reply === "string" && reply !== "" && reply !== options.identity;
		if (refused || another) throw strangerError(options.node);
	};
}

/** No error of the client's making: the topology will name another node, or the one that is missed comes back. */
export function strangerError(node: string): ClientError {
	return new ClientError("CONNECTION", `${node} is another server than the one that the cluster has at this address`);
}

function checkMode(mode: string, options: HandshakeOptions): void {
	const { mode: wanted, node } = options;
	if (options.identity !== undefined && (mode === "sentinel" || mode === "standalone")) throw strangerError(options.node);
	if (mode === "sentinel") throw new WrongModeError(`${node} is a Sentinel, not a data node`);
	if (mode === "cluster" && wanted === "standalone") {
		throw new WrongModeError(`${node} is a cluster node: use a redis-cluster:// URL`);
	}
	if (mode === "standalone" && wanted === "cluster") {
		throw new WrongModeError(`${node} is a standalone server: use a redis:// URL`);
	}
}

function isUnknownCommand(error: ReplyError): boolean {
	return /^ERR unknown command/i.test(error.message);
}

function isUnknownProtocol(error: ReplyError): boolean {
	return error.code === "NOPROTO" || /^ERR (Protocol version|Syntax error in HELLO)/i.test(error.message);
}

/** The server's text may echo arguments, passwords among them, so only its first word is passed on where it is not known by heart. */
function refusal(error: ReplyError, { node, credentials }: HandshakeOptions): ClientError {
	const gave = given(credentials);
	switch (error.code) {
		case "WRONGPASS":
			return new ClientError("AUTH", `${node} refused the credentials (WRONGPASS)`);
		case "NOAUTH":
			return new ClientError(
				"AUTH",
				`${node} ${gave ? "refused the credentials" : "asks for credentials and none were given"} (NOAUTH)`,
			);
		case "NOPERM":
			return new ClientError("AUTH", `${node}: the user may not connect (NOPERM)`);
		case "DENIED":
			return new ClientError("CONNECTION", `${node} refused the connection: protected mode is on (DENIED)`);
	}
	if (/^ERR (AUTH|Client sent AUTH)/i.test(error.message)) {
		return new ClientError("AUTH", `${node} has no password configured, and one was given`);
	}
	if (/^ERR max number of clients/i.test(error.message)) {
		return new ClientError("CONNECTION", `${node} refused the connection: the maximum number of clients is reached`);
	}
	if (/^ERR invalid password/i.test(error.message)) return new ClientError("AUTH", `${node} refused the credentials`);
	return new ClientError("CONNECTION", `${node} refused the handshake (${error.code})`);
}

function failure(node: string, what: string, error: ReplyError): ClientError {
	return new ClientError("CONNECTION", `${node} refused ${what} (${error.code})`);
}

/** The fields of a HELLO reply: a map in RESP3, a flat array in RESP2. */
function fieldsOf(reply: Reply): Map<string, Reply> | null {
	if (reply instanceof Map) return new Map([...reply].map(([field, value]) => [String(field), value]));
	if (!Array.isArray(reply)) return null;
	const fields = new Map<string, Reply>();
	for (let i = 0; i + 1 < reply.length; i += 2) fields.set(String(reply[i]), reply[i + 1] as Reply);
	return fields;
}
