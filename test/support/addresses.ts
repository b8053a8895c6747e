interface Addressed {
	host: string;
	port: number;
}

/** `host:port`, as options and errors name a node. */
export function addressOf({ host, port }: Addressed): string {
	return `${host}:${port}`;
}

/** A message that lists at least so many redirections by these nodes, each as `host:port`, separated by commas. */
export function trailOf(hops: number, ...nodes: Addressed[]): RegExp {
	const any = `(?:${nodes.map((node) => addressOf(node).replaceAll(".", "\\.")).join("|")})`;
	return new RegExp(`${any}(?:, ?${any}){${hops - 1},}`);
}
