import { type Endpoint, formatEndpoint } from "../endpoint.js";
import { ClientError } from "../errors.js";
import type { Credentials, Settings } from "../options.js";

/**
 * The credentials for one connection to `node`, asked anew of a provider each time.
 * @throws AUTH when the provider fails
 */
export async function credentialsFor(node: Endpoint, { auth }: Settings): Promise<Credentials | undefined> {
	if (typeof auth !== "function") return auth;
	let credentials: Credentials;
	try {
		credentials = await auth(node);
	} catch (error) {
		throw new ClientError("AUTH", `${formatEndpoint(node)}: the credential provider failed`, { cause: error });
	}
	const { username, password } = Object(credentials) as { username?: unknown; password?: unknown };
	if (isText(username) && isText(password)) return credentials;
	throw new ClientError(
		"AUTH",
		`${formatEndpoint(node)}: the credential provider gave a user name or password that is no string`,
	);
}

function isText(value: unknown): boolean {
	return value === undefined || typeof value === "string";
}
