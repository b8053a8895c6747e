import { type Endpoint, formatEndpoint } from "../endpoint.js";
import { ClientError } from "../errors.js";
import type { Credentials, Settings } from "../options.js";

/** Of Node's own errors, such as ECONNREFUSED, EAI_AGAIN and ERR_TLS_CERT_ALTNAME_INVALID. */
const SYSTEM_CODE = /^E(AI_)?[A-Z]{3,20}$|^ERR_[A-Z_]{3,60}$/;

/**
 * The credentials for one connection to `node`, asked anew of a provider each time.
 * @throws AUTH when the provider fails; TIMEOUT when it has not answered within `connectMs`
 */
export async function credentialsFor(node: Endpoint, { auth, timeouts }: Settings): Promise<Credentials | undefined> {
	if (typeof auth !== "function") return auth;
	let credentials: Credentials;
	try {
		credentials = await within(timeouts.connectMs, node, auth(node));
	} catch (error) {
		if (error instanceof ProviderTimeout) throw error;
		throw new ClientError("AUTH", `${formatEndpoint(node)}: the credential provider failed${codeOf(error)}`);
	}
	const { username, password } = Object(credentials) as { username?: unknown; password?: unknown };
	if (isText(username) && isText(password)) return credentials;
	throw new ClientError(
		"AUTH",
		`${formatEndpoint(node)}: the credential provider gave a user name or password that is no string`,
	);
}

class ProviderTimeout extends ClientError {}

/** What the provider gives, or the end of its time; 0: it has all the time it takes. */
function within(timeoutMs: number, node: Endpoint, given: Credentials | Promise<Credentials>): Promise<Credentials> {
	return new Promise((resolve, reject) => {
		const late = (): void => {
			const message = `${formatEndpoint(node)}: the credential provider did not answer within ${timeoutMs} ms`;
			reject(new ProviderTimeout("TIMEOUT", message));
		};
		// Nobody tells it that the client was destroyed meanwhile, so it must not keep the process alive.
		const timer = timeoutMs > 0 ? setTimeout(late, timeoutMs).unref() : undefined;
		Promise.resolve(given)
			.then(resolve, reject)
			.finally(() => clearTimeout(timer));
	});
}

/** A provider's own error may hold what it was about to give, or a token of its own: nothing of it is passed on but a code like ETIMEDOUT. */
function codeOf(error: unknown): string {
	const { code } = Object(error) as { code?: unknown };
	return typeof code === "string" && SYSTEM_CODE.test(code) ? ` (${code})` : "";
}

function isText(value: unknown): boolean {
	return value === undefined || typeof value === "string";
}
