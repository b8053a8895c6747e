/** Where a server listens. A unix socket has its path as host and port 0. */
export interface Endpoint {
	readonly host: string;
	readonly port: number;
}

/** `host:port`, `[host]:port` for IPv6, or the path of a unix socket. */
export function formatEndpoint(endpoint: Endpoint): string {
	if (endpoint.port === 0) return endpoint.host;
	return endpoint.host.includes(":") ? `[${endpoint.host}]:${endpoint.port}` : `${endpoint.host}:${endpoint.port}`;
}
