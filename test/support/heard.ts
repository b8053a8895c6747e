import type { BatchEvent, CommandEvent, ConnectionEvent, ErrorEvent, RedirectionEvent, TopologyEvent } from "../../src/index.js";

/** Everything that one client tells: `createClient({ hooks: heard.hooks })`. */
export class Heard {
	readonly commands: CommandEvent[] = [];
	readonly batches: BatchEvent[] = [];
	readonly connections: ConnectionEvent[] = [];
	readonly redirections: RedirectionEvent[] = [];
	readonly topologies: TopologyEvent[] = [];
	readonly errors: ErrorEvent[] = [];
	readonly hooks = {
		command: (event: CommandEvent) => void this.commands.push(event),
		batch: (event: BatchEvent) => void this.batches.push(event),
		connection: (event: ConnectionEvent) => void this.connections.push(event),
		redirection: (event: RedirectionEvent) => void this.redirections.push(event),
		topology: (event: TopologyEvent) => void this.topologies.push(event),
		error: (event: ErrorEvent) => void this.errors.push(event),
	};

	/** How many connections came into a state, at one node or at any. */
	count(state: ConnectionEvent["state"], node?: string): number {
		return this.connections.filter((event) => event.state === state && (node === undefined || event.node === node)).length;
	}

	/** A part of it that is small enough to be searched for secrets: of what comes by the thousands, the latest. */
	get sample(): object {
		const { connections, redirections, topologies, errors } = this;
		return { connections, redirections, topologies, errors, calls: [this.commands.slice(-50), this.batches.slice(-50)] };
	}

	/** The codes of what was reported, with their sources. */
	get failures(): string[] {
		return this.errors.map(({ source, error }) => `${source}: ${(error as { code?: string }).code}`);
	}
}
